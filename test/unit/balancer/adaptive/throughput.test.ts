import { describe, expect, test } from 'vitest';
import { countAnswer, perSecond } from '../../../../agent/src/balancer/adaptive/durations.ts';
import { NO_THROUGHPUT } from '../../../../agent/src/balancer/adaptive/slots.ts';

/** Where the throughput stands among other numbers, which it must leave alone. */
const AT = 1;

function none(): number[] {
  return [7, ...NO_THROUGHPUT, 8];
}

/** So many answers at equal distances within the two seconds from then on. */
function answers(throughput: number[], count: number, fromMs: number): void {
  for (let i = 0; i < count; i++) countAnswer(throughput, AT, fromMs + (i * 2_000) / count);
}

describe('answers per second', () => {
  test('are none before the first', () => {
    expect(perSecond(none(), AT, 1_000)).toBe(0);
  });

  test('are those of the last slot of two seconds', () => {
    const throughput = none();
    answers(throughput, 100, 0);
    expect(perSecond(throughput, AT, 1_999)).toBe(50);
    answers(throughput, 300, 2_000);
    expect(perSecond(throughput, AT, 3_999)).toBe(150);
    expect([throughput[0], throughput[AT + NO_THROUGHPUT.length]]).toEqual([7, 8]);
  });

  test('stay near the best when they become fewer: a host that is busy with lost calls is as able as before', () => {
    const throughput = none();
    answers(throughput, 100, 0);
    answers(throughput, 10, 2_000);
    expect(perSecond(throughput, AT, 3_999)).toBeCloseTo(50 * 0.65, 10);
    answers(throughput, 10, 4_000);
    expect(perSecond(throughput, AT, 5_999)).toBeCloseTo(50 * 0.65 ** 2, 10);
    for (let fromMs = 6_000; fromMs < 20_000; fromMs += 2_000) answers(throughput, 10, fromMs);
    expect(perSecond(throughput, AT, 19_999)).toBe(5);
  });

  test.each([
    [2_000, 50],
    [4_000, 50 * 0.65],
    [8_000, 50 * 0.65 ** 3],
  ])('fade without any: after %i ms %f', (nowMs, expected) => {
    const throughput = none();
    answers(throughput, 100, 0);
    expect(perSecond(throughput, AT, nowMs)).toBeCloseTo(expected, 10);
  });

  test('fade as much where one comes after a silence', () => {
    const throughput = none();
    answers(throughput, 100, 0);
    countAnswer(throughput, AT, 8_000);
    expect(perSecond(throughput, AT, 8_000)).toBeLessThan(50 * 0.65 ** 3 + 1);
    countAnswer(throughput, AT, 8 * 3_600_000);
    expect(perSecond(throughput, AT, 8 * 3_600_000)).toBe(0.5);
  });
});
