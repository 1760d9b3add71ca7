import { giveUpAfterMs } from '@lars/proto/pricing';
import { describe, expect, test } from 'vitest';
import { clampDuration, learnSlowest, learnTypical, slowFromMs } from '../../../../agent/src/balancer/adaptive/durations.ts';
import { ADAPTIVE_SLOTS, NORMAL_MS, SLOWEST_MS, TYPICAL_MS } from '../../../../agent/src/balancer/adaptive/slots.ts';

/** A module whose answers took so long, one in so much time. */
function learned(answers: number, tookMs: number, everyMs = 10): { module: number[]; nowMs: number } {
  const module = ADAPTIVE_SLOTS.module.slice();
  let nowMs = 1_000;
  for (let i = 0; i < answers; i++) {
    nowMs += everyMs;
    learnTypical(module, tookMs, nowMs);
  }
  return { module, nowMs };
}

describe('typical', () => {
  test('is the first answer, and then the mean of the first ones', () => {
    const module = ADAPTIVE_SLOTS.module.slice();
    const means = [10, 20, 15, 25].map((tookMs, i) => {
      learnTypical(module, tookMs, i);
      return module[TYPICAL_MS];
    });
    expect(means).toEqual([10, 15, 15, 17.5]);
  });

  test('takes one answer for three times what was typical at most, however long it took', () => {
    const { module, nowMs } = learned(200, 10);
    learnTypical(module, 60_000, nowMs + 10);
    expect(module[TYPICAL_MS]).toBeLessThan(11);
  });

  test('follows what answers take, up and down', () => {
    const { module, nowMs } = learned(200, 10);
    for (let i = 1; i <= 500; i++) learnTypical(module, 80, nowMs + i);
    expect(module[TYPICAL_MS]).toBeCloseTo(80, 1);
    for (let i = 1; i <= 500; i++) learnTypical(module, 5, nowMs + 500 + i);
    expect(module[TYPICAL_MS]).toBeCloseTo(5, 1);
  });
});

describe('normal', () => {
  test('doubles in 30 s at most, however much slower answers become', () => {
    const { module, nowMs } = learned(200, 10);
    for (let i = 1; i <= 3_000; i++) learnTypical(module, 1_000, nowMs + 10 * i);
    expect(module[TYPICAL_MS]).toBeCloseTo(1_000, 0);
    expect(module[NORMAL_MS]).toBeGreaterThan(19.5);
    expect(module[NORMAL_MS]).toBeLessThan(20.5);
  });

  test('follows typical down at once', () => {
    const { module, nowMs } = learned(200, 1_000);
    for (let i = 1; i <= 300; i++) learnTypical(module, 10, nowMs + i / 100);
    expect(module[NORMAL_MS]).toBe(module[TYPICAL_MS]);
    expect(module[NORMAL_MS]).toBeLessThan(20);
  });

  test('is typical where nothing changes', () => {
    const { module } = learned(1_000, 30);
    expect([module[NORMAL_MS], module[TYPICAL_MS]]).toEqual([30, 30]);
  });
});

describe('slow', () => {
  test('is nothing while the first forty answers come, and then four times normal', () => {
    expect(slowFromMs(learned(39, 10).module)).toBe(Number.POSITIVE_INFINITY);
    expect(slowFromMs(learned(40, 10).module)).toBeCloseTo(40, 6);
  });
});

describe('AD-4: a call without a report is given up', () => {
  test.each([
    { slowestMs: 0, afterMs: 5_000 },
    { slowestMs: 2_000, afterMs: 5_000 },
    { slowestMs: 30_000, afterMs: 60_000 },
  ])('after twice the slowest duration, $slowestMs ms, but not before 5 s: $afterMs ms', ({ slowestMs, afterMs }) => {
    const module = ADAPTIVE_SLOTS.module.slice();
    learnSlowest(module, slowestMs);
    expect(giveUpAfterMs(module[SLOWEST_MS] as number)).toBe(afterMs);
  });

  test('the slowest duration is forgotten within some thousand reports', () => {
    const module = ADAPTIVE_SLOTS.module.slice();
    learnSlowest(module, 30_000);
    for (let i = 0; i < 100; i++) learnSlowest(module, 10);
    expect(giveUpAfterMs(module[SLOWEST_MS] as number)).toBeGreaterThan(50_000);
    for (let i = 0; i < 3_000; i++) learnSlowest(module, 10);
    expect(giveUpAfterMs(module[SLOWEST_MS] as number)).toBe(5_000);
  });
});

test.each([
  [0, 0.1],
  [5, 5],
  [60_000, 60_000],
  [2 ** 32, 60_000],
  [-3, 0.1],
])('a duration of %f ms is taken for %f ms', (told, taken) => {
  expect(clampDuration(told)).toBe(taken);
});
