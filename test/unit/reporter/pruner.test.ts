import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Pruner } from '../../../reporter/src/history/pruner.ts';
import { MemoryStatusStore } from '../../../reporter/src/store/memory-status-store.ts';
import { OperationHealth } from '../../../reporter/src/store/operation-health.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { NOW_MINUTE, NOW_SEC } from './report-samples.ts';
import { batch, historyRow } from './status-store-contract.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function world() {
  const store = new MemoryStatusStore();
  const { log, records } = recordingLog();
  const counts = { pruned: 0, failed: 0, slices: 0, nowSec: NOW_SEC };
  const pruner = new Pruner({
    store: {
      prune: limits => {
        counts.slices += 1;
        return store.prune(limits);
      },
    },
    retentionSec: HOUR,
    health: new OperationHealth({ what: 'removing old history', log, onFailed: () => counts.failed++ }),
    clock: { monotonicMs: () => 0, unixMs: () => counts.nowSec * 1_000 },
    onPruned: rows => {
      counts.pruned += rows;
    },
  });
  const minutesLeft = async () => {
    const rows = await store.readHistory({ modid: 1, cmdid: 2, fromSec: 0, toSec: 2 * NOW_SEC });
    return [...new Set(rows.map(row => row.minute))];
  };
  return { store, pruner, counts, records, minutesLeft };
}

describe('pruning', () => {
  test('history older than the retention goes at the start, and with time', async () => {
    const { store, pruner, counts, minutesLeft } = world();
    const minutes = [NOW_MINUTE - HOUR - 60, NOW_MINUTE - HOUR, NOW_MINUTE - HOUR + 60, NOW_MINUTE];
    await store.write(batch({ history: minutes.map(minute => historyRow({ minute })) }), NOW_SEC);
    pruner.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await minutesLeft()).toEqual(minutes.slice(2));
    counts.nowSec += 60;
    await vi.advanceTimersByTimeAsync(61_000);
    expect(await minutesLeft()).toEqual(minutes.slice(3));
    expect(counts.pruned).toBe(3);
    pruner.stop();
  });

  test('much of it goes in small slices with pauses between', async () => {
    const { store, pruner, counts, minutesLeft } = world();
    const history = Array.from({ length: 2_500 }, (_, i) => historyRow({ minute: NOW_MINUTE - DAY, port: i + 1 }));
    await store.write(batch({ history }), NOW_SEC);
    pruner.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(counts).toMatchObject({ slices: 1, pruned: 1_000 });
    await vi.advanceTimersByTimeAsync(49);
    expect(counts.slices).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(counts).toMatchObject({ slices: 4, pruned: 2_500 });
    expect(await minutesLeft()).toEqual([]);
    pruner.stop();
  });

  test('agents that were not heard of for a week are forgotten', async () => {
    const { store, pruner } = world();
    await store.write(batch({ agents: new Map([['old', 1]]) }), NOW_SEC - 7 * DAY - 1);
    await store.write(batch({ agents: new Map([['young', 1]]) }), NOW_SEC - 7 * DAY);
    pruner.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await store.lastSeqs(['old', 'young'])).toEqual(new Map([['young', 1]]));
    pruner.stop();
  });

  test('a failure is logged once and tried again soon', async () => {
    const { store, pruner, counts, records } = world();
    let broken = true;
    store.before = () => {
      if (broken) throw new Error('busy');
    };
    pruner.start();
    await vi.advanceTimersByTimeAsync(4_999);
    expect(counts.failed).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(counts.failed).toBe(2);
    broken = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(counts.failed).toBe(2);
    expect(records.map(({ level }) => level)).toEqual(['error', 'info']);
    pruner.stop();
  });

  test('ends when it is stopped, in the middle of a slice too', async () => {
    const { store, pruner, counts } = world();
    pruner.start();
    store.before = () => pruner.stop();
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(counts.slices).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
