import { describe, expect, test } from 'vitest';
import { fittingCalls, isOverfull, LoadWindow } from '../../../../agent/src/balancer/load-window.ts';

function slow(): LoadWindow {
  const window = new LoadWindow();
  window.startSlowly();
  return window;
}

describe('a window of calls in flight', () => {
  test('has no size at first, and does not grow', () => {
    const window = new LoadWindow();
    window.grow(1_000);
    expect([window.size, window.hasRoom(1e6, 100, 0)]).toEqual([Number.POSITIVE_INFINITY, true]);
  });

  test('AD-15: begins with 2 where a host begins slowly', () => {
    const window = slow();
    expect(window.size).toBe(2);
    expect([window.hasRoom(1, 100, 0), window.hasRoom(2, 100, 0)]).toEqual([true, false]);
  });

  test('AD-15: grows by one per answer, so that it doubles in a round of answers, while it is used', () => {
    const window = slow();
    for (const [load, size] of [
      [1, 3],
      [1, 3],
      [1.5, 4],
      [4, 5],
      [2, 5],
    ] as const) {
      window.grow(load);
      expect(window.size).toBe(size);
    }
  });

  test('AD-15: above what it was cut to it grows by one in a round of answers', () => {
    const window = new LoadWindow();
    window.cut(1_000, 10, 2_000);
    expect(window.size).toBeCloseTo(10, 10);
    window.grow(10);
    expect(window.size).toBeCloseTo(10.1, 10);
  });

  test('AD-13: a cut goes to what fits: what the host answered lately in the target time', () => {
    const window = new LoadWindow();
    expect(window.cut(1_000, 50, 2_000)).toBe(true);
    expect(window.size).toBeCloseTo(50, 10);
  });

  test('AD-13: a cut takes three tenths at least', () => {
    const window = new LoadWindow();
    window.limit(10);
    window.cut(1_000, 10_000, 2_000);
    expect(window.size).toBeCloseTo(7, 10);
  });

  test('AD-13: there is one cut for what was sent before it', () => {
    const window = new LoadWindow();
    expect([2_000, 2_500, 3_000, 3_001].map(nowMs => window.cut(1_000, 50, nowMs))).toEqual([true, false, false, true]);
  });

  test('AD-13: overfull is a host with about as much in flight as it answers in that time', () => {
    const fitting = fittingCalls(200, 500);
    expect(fitting).toBe(100);
    expect([69, 70].map(load => isOverfull(load, fitting))).toEqual([false, true]);
  });

  test('AD-14: a window that is given to a host holds what fits, a tenth at the least', () => {
    const window = new LoadWindow();
    window.limit(30);
    expect(window.size).toBe(30);
    window.limit(0);
    expect(window.size).toBe(0.1);
  });

  test('AD-16: a window below one call is a pause between calls, a tenth at the least', () => {
    const window = new LoadWindow();
    window.cut(1_000, 0, 0);
    expect(window.size).toBe(0.1);
    // It begins with the cut, ...
    expect([4_999, 5_000].map(nowMs => window.hasRoom(0, 500, nowMs))).toEqual([false, true]);
    // ... and again with each call.
    window.sent(1_000);
    expect([5_999, 6_000].map(nowMs => window.hasRoom(0, 500, nowMs))).toEqual([false, true]);
    expect(window.hasRoom(1, 500, 60_000)).toBe(false);
    window.grow(1);
    expect(window.size).toBeCloseTo(0.11, 10);
  });

  test('AD-16: when the overload is over a pause ends, and a window that is no smaller than that of a new host stays', () => {
    const window = new LoadWindow();
    window.cut(1_000, 0, 0);
    window.endPause();
    expect(window.size).toBe(2);
    window.grow(2);
    window.endPause();
    expect(window.size).toBe(2.5);
  });
});
