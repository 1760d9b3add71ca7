import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecayingMean } from '../../../../agent/src/balancer/decaying-mean.ts';

const DECAY = { keep: 0.9, halfLifeMs: 5_000 };
const aMean = () => new DecayingMean();

describe('DecayingMean', () => {
  test('is 0 before the first sample, and then that sample', () => {
    const mean = aMean();
    expect([mean.value, mean.atMs]).toEqual([0, Number.NEGATIVE_INFINITY]);
    mean.add(30, 1_000, DECAY);
    expect([mean.value, mean.atMs]).toEqual([30, 1_000]);
  });

  test.each([
    { afterMs: 0, kept: 0.9 },
    { afterMs: 500, kept: 0.9 },
    { afterMs: 5_000, kept: 0.5 },
    { afterMs: 15_000, kept: 0.25 },
  ])('keeps $kept of what was when the next sample comes $afterMs ms later', ({ afterMs, kept }) => {
    const mean = aMean();
    mean.add(100, 0, DECAY);
    mean.add(0, afterMs, DECAY);
    expect(mean.value).toBeCloseTo(100 * kept, 10);
  });

  test('restart forgets all that was before', () => {
    const mean = aMean();
    mean.add(100, 0, DECAY);
    mean.restart(7, 10);
    expect([mean.value, mean.atMs]).toEqual([7, 10]);
  });

  test('property: stays between the smallest and the largest sample', () => {
    const sample = fc.record({ value: fc.double({ min: 0.1, max: 60_000, noNaN: true }), afterMs: fc.nat(20_000) });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1 }), samples => {
        const mean = aMean();
        let nowMs = 0;
        for (const { value, afterMs } of samples) {
          nowMs += afterMs;
          mean.add(value, nowMs, DECAY);
        }
        const values = samples.map(({ value }) => value);
        expect(mean.value).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
        expect(mean.value).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
      }),
    );
  });
});
