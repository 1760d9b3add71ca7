import { describe, expect, test } from 'vitest';
import { Throughput } from '../../../../agent/src/balancer/throughput.ts';

/** So many answers at equal distances within the two seconds from then on. */
function answers(throughput: Throughput, count: number, fromMs: number): void {
  for (let i = 0; i < count; i++) throughput.add(fromMs + (i * 2_000) / count);
}

describe('answers per second', () => {
  test('are none before the first', () => {
    expect(new Throughput().perSecond(1_000)).toBe(0);
  });

  test('are those of the last slot of two seconds', () => {
    const throughput = new Throughput();
    answers(throughput, 100, 0);
    expect(throughput.perSecond(1_999)).toBe(50);
    answers(throughput, 300, 2_000);
    expect(throughput.perSecond(3_999)).toBe(150);
  });

  test('stay near the best when they become fewer: a host that is busy with lost calls is as able as before', () => {
    const throughput = new Throughput();
    answers(throughput, 100, 0);
    answers(throughput, 10, 2_000);
    expect(throughput.perSecond(3_999)).toBeCloseTo(50 * 0.65, 10);
    answers(throughput, 10, 4_000);
    expect(throughput.perSecond(5_999)).toBeCloseTo(50 * 0.65 ** 2, 10);
    for (let fromMs = 6_000; fromMs < 20_000; fromMs += 2_000) answers(throughput, 10, fromMs);
    expect(throughput.perSecond(19_999)).toBe(5);
  });

  test.each([
    [2_000, 50],
    [4_000, 50 * 0.65],
    [8_000, 50 * 0.65 ** 3],
  ])('fade without any: after %i ms %f', (nowMs, perSecond) => {
    const throughput = new Throughput();
    answers(throughput, 100, 0);
    expect(throughput.perSecond(nowMs)).toBeCloseTo(perSecond, 10);
  });

  test('fade as much where one comes after a silence', () => {
    const throughput = new Throughput();
    answers(throughput, 100, 0);
    throughput.add(8_000);
    expect(throughput.perSecond(8_000)).toBeLessThan(50 * 0.65 ** 3 + 1);
    throughput.add(8 * 3_600_000);
    expect(throughput.perSecond(8 * 3_600_000)).toBe(0.5);
  });
});
