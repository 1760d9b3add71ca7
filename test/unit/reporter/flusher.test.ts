import { Backoff } from '@lars/runtime/backoff';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CallHistory } from '../../../reporter/src/history/call-history.ts';
import { Flusher } from '../../../reporter/src/queue/flusher.ts';
import { WriteQueue } from '../../../reporter/src/queue/write-queue.ts';
import { OperationHealth } from '../../../reporter/src/store/operation-health.ts';
import type { StatusBatch } from '../../../reporter/src/store/status-store.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { NOW_SEC, numbered, result } from './report-samples.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function world() {
  const history = new CallHistory({ retentionSec: 7_200, maxCounters: 10 });
  const queue = new WriteQueue({ maxRows: 100, batchMaxRows: 9 });
  const attempts: number[] = [];
  const stored: StatusBatch[] = [];
  const state = { failing: false, nowMs: 0 };
  const flusher = new Flusher({
    queue,
    store: {
      write: async (batch, nowSec) => {
        expect(nowSec).toBe(NOW_SEC);
        attempts.push(batch.status.length);
        if (state.failing) throw new Error('disk full');
      },
    },
    flushIntervalMs: 200,
    backoff: new Backoff(1_000, 10_000, () => 0.5),
    health: new OperationHealth({ what: 'storing', log: recordingLog().log, onFailed: () => {} }),
    clock: { monotonicMs: () => 0, unixMs: () => NOW_SEC * 1_000 + 999 },
    onStored: batch => stored.push(batch),
  });
  let seq = 0;
  /** Reports with a host of their own each: three rows the first, two every other one of a batch. */
  const add = (reports: number) => {
    for (let i = 0; i < reports; i++) {
      seq += 1;
      queue.add(history.count(numbered(seq, { results: [result({ port: seq })] }), NOW_SEC));
      flusher.onQueued();
    }
  };
  return { queue, flusher, attempts, stored, state, add };
}

describe('when a batch is written', () => {
  test('a few rows wait for the interval, counted from the first of them', async () => {
    const { attempts, add } = world();
    add(1);
    await vi.advanceTimersByTimeAsync(150);
    add(1);
    await vi.advanceTimersByTimeAsync(49);
    expect(attempts).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(attempts).toEqual([2]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(attempts).toEqual([2]);
  });

  test('a whole batch does not wait, and what is left of it waits anew', async () => {
    const { attempts, queue, add } = world();
    add(5);
    await vi.advanceTimersByTimeAsync(1);
    expect(attempts).toEqual([4]);
    expect(queue.reports).toBe(1);
    await vi.advanceTimersByTimeAsync(198);
    expect(attempts).toEqual([4]);
    await vi.advanceTimersByTimeAsync(2);
    expect(attempts).toEqual([4, 1]);
  });

  test('several whole batches follow one another', async () => {
    const { attempts, stored, add } = world();
    add(12);
    await vi.advanceTimersByTimeAsync(5);
    expect(attempts).toEqual([4, 4, 4]);
    expect(stored.map(batch => batch.agents.get('agent-1'))).toEqual([4, 8, 12]);
  });

  test('a batch that fails is written again, later and later, and what comes does not hurry it', async () => {
    const { attempts, stored, state, queue, add } = world();
    state.failing = true;
    add(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(attempts).toEqual([2]);
    add(8);
    await vi.advanceTimersByTimeAsync(499);
    expect(attempts).toEqual([2]);
    await vi.advanceTimersByTimeAsync(1);
    expect(attempts).toEqual([2, 2]);
    await vi.advanceTimersByTimeAsync(998);
    expect(attempts).toEqual([2, 2]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(attempts.length).toBeGreaterThan(4);
    expect(stored).toEqual([]);
    state.failing = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(stored.map(batch => batch.agents.get('agent-1'))).toEqual([2, 6, 10]);
    expect(queue.rows).toBe(0);
  });

  test('after an outage the first pause is short again', async () => {
    const { attempts, state, add } = world();
    state.failing = true;
    add(1);
    await vi.advanceTimersByTimeAsync(30_000);
    state.failing = false;
    await vi.advanceTimersByTimeAsync(5_000);
    state.failing = true;
    attempts.length = 0;
    add(1);
    await vi.advanceTimersByTimeAsync(200 + 500);
    expect(attempts).toHaveLength(2);
  });
});

describe('stopping', () => {
  test('writes everything, with no more waiting, and then nothing any more', async () => {
    const { attempts, queue, flusher, add } = world();
    add(6);
    await flusher.stop(400);
    expect(attempts).toEqual([4, 2]);
    expect(queue.rows).toBe(0);
    add(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(attempts).toEqual([4, 2]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('gives up at the deadline', async () => {
    const { attempts, state, queue, flusher, add } = world();
    state.failing = true;
    add(1);
    const stopped = flusher.stop(400);
    await vi.advanceTimersByTimeAsync(399);
    const before = attempts.length;
    expect(before).toBeGreaterThan(10);
    await vi.advanceTimersByTimeAsync(1_000);
    await stopped;
    expect(attempts.length).toBeLessThanOrEqual(before + 1);
    expect(queue.reports).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
