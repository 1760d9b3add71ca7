import { systemClock } from '@lars/runtime/clock';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { newWaitTimer } from '../../../agent/src/shard/shard-thread.ts';

// The file is also the entry of a worker thread, which this is not.
vi.mock('../../../agent/src/threads/thread.ts', () => ({ runThread() {} }));

let nowMs = 0;
beforeEach(() => {
  nowMs = 1_000;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(systemClock, 'monotonicMs').mockImplementation(() => nowMs);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function advance(ms: number): void {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
}

/** A shard of which only the waits are there: when each of them is over. */
function waiting(...deadlines: number[]) {
  const left = deadlines.map(ms => nowMs + ms).sort((a, b) => a - b);
  let wakeUps = 0;
  const shard = {
    nextDeadlineMs: () => left[0],
    expireWaits: (untilMs: number) => {
      wakeUps += 1;
      while (left[0] !== undefined && left[0] <= untilMs) left.shift();
    },
  };
  const timer = newWaitTimer(shard);
  return { timer, left, add: (ms: number) => left.push(nowMs + ms), wakeUps: () => wakeUps };
}

describe('the timer of parked requests', () => {
  test('is not there while none waits', () => {
    waiting().timer.arm();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('wakes the shard at each deadline, and is gone after the last', () => {
    const { timer, left, wakeUps } = waiting(100, 100, 250);
    timer.arm();
    advance(99);
    expect(left).toHaveLength(3);
    advance(1);
    expect(left).toHaveLength(1);
    advance(150);
    expect([left.length, wakeUps(), vi.getTimerCount()]).toEqual([0, 2, 0]);
  });

  test('is one, however often it is armed', () => {
    const { timer, add } = waiting(100);
    for (let i = 0; i < 10; i++) {
      add(100);
      timer.arm();
    }
    expect(vi.getTimerCount()).toBe(1);
  });

  test('goes off at once for a deadline that is over', () => {
    const { timer, left } = waiting(-5);
    timer.arm();
    advance(1);
    expect(left).toEqual([]);
  });

  test('is stopped for good: a request that comes afterwards does not keep the thread alive', () => {
    const { timer, add, wakeUps } = waiting(100);
    timer.arm();
    timer.stop();
    add(200);
    timer.arm();
    expect([vi.getTimerCount(), wakeUps()]).toEqual([0, 0]);
  });
});
