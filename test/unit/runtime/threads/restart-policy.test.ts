import { describe, expect, test } from 'vitest';
import { BackoffRestarts, LimitedRestarts } from '../../../../runtime/src/threads/restart-policy.ts';

const limited = (maxDeaths: number, windowMs: number) => new LimitedRestarts({ maxDeaths, windowMs, delayMs: 50 });

describe('limited restarts', () => {
  test('follow so many deaths within the window, and one more is the last', () => {
    const policy = limited(3, 60_000);
    expect([0, 1, 2, 3].map(second => policy.delayAfterDeath(second * 1_000))).toEqual([50, 50, 50, undefined]);
  });

  test('do not count deaths that are a window old', () => {
    const policy = limited(1, 60_000);
    expect([0, 60_000, 120_000].map(nowMs => policy.delayAfterDeath(nowMs))).toEqual([50, 50, 50]);
    expect(policy.delayAfterDeath(179_999)).toBeUndefined();
  });

  test('go on for ever for a thread that dies now and then', () => {
    const policy = limited(5, 60_000);
    for (let death = 0; death < 1_000; death++) expect(policy.delayAfterDeath(death * 12_001)).toBe(50);
  });

  test('do not follow the first death where none is allowed', () => {
    expect(limited(0, 1_000).delayAfterDeath(5)).toBeUndefined();
  });
});

describe('restarts with backoff', () => {
  const policy = () => new BackoffRestarts({ minMs: 50, maxMs: 200, steadyMs: 60_000, random: () => 1 });

  test('come later each time that the thread dies soon again', () => {
    const restarts = policy();
    expect([0, 1, 2, 3, 4].map(second => restarts.delayAfterDeath(second * 1_000, 0))).toEqual([100, 150, 250, 250, 250]);
  });

  test('come quickly again after a thread has lived long enough', () => {
    const restarts = policy();
    for (let death = 0; death < 5; death++) restarts.delayAfterDeath(1_000, 0);
    expect(restarts.delayAfterDeath(60_999, 1_000)).toBe(250);
    expect(restarts.delayAfterDeath(61_000, 1_000)).toBe(100);
  });
});
