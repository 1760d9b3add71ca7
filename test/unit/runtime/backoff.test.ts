import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backoff } from '../../../runtime/src/backoff.ts';

const ALMOST_ONE = 1 - Number.EPSILON;

function waits(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.nextDelayMs());
}

describe('the waits of a backoff', () => {
  test('are random up to a bound that doubles until it is the greatest', () => {
    const half = new Backoff(100, 1_000, () => 0.5);
    expect(waits(half, 6)).toEqual([50, 100, 200, 400, 500, 500]);
  });

  test('begin anew after a reset', () => {
    const half = new Backoff(100, 1_000, () => 0.5);
    waits(half, 5);
    half.reset();
    expect(waits(half, 2)).toEqual([50, 100]);
  });

  test('stay finite however often it is tried', () => {
    const backoff = new Backoff(1, 600_000, () => ALMOST_ONE);
    expect(waits(backoff, 5_000).at(-1)).toBeCloseTo(600_000);
  });

  test('property: the n-th lies in [0, min(max, min · 2ⁿ)), and takes all of it', () => {
    const bounds = fc.record({ min: fc.integer({ min: 1, max: 1_000 }), factor: fc.integer({ min: 1, max: 1_000 }) });
    fc.assert(
      fc.property(
        bounds,
        fc.array(fc.double({ min: 0, max: ALMOST_ONE, noNaN: true }), { maxLength: 40 }),
        ({ min, factor }, randoms) => {
          const max = min * factor;
          const rest = [...randoms];
          const backoff = new Backoff(min, max, () => rest.shift() ?? 0);
          for (const [n, random] of randoms.entries()) {
            const ceiling = Math.min(max, min * 2 ** n);
            expect(backoff.nextDelayMs()).toBe(random * ceiling);
          }
        },
      ),
    );
  });
});
