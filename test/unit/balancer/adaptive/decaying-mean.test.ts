import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addSample, restartMean } from '../../../../agent/src/balancer/adaptive/durations.ts';

const DECAY = { keep: 0.9, halfLifeMs: 5_000 };
/** Where the mean stands among other numbers, which it must leave alone. */
const AT = 1;

function aMean(): number[] {
  return [7, ...NO_MEAN, 8];
}

/** Before the first sample. */
const NO_MEAN = [0, Number.NEGATIVE_INFINITY];

describe('a decaying mean', () => {
  test('is 0 before the first sample, and then that sample', () => {
    const mean = aMean();
    expect(mean).toEqual([7, 0, Number.NEGATIVE_INFINITY, 8]);
    addSample(mean, AT, 30, 1_000, DECAY);
    expect(mean).toEqual([7, 30, 1_000, 8]);
  });

  test.each([
    { afterMs: 0, kept: 0.9 },
    { afterMs: 500, kept: 0.9 },
    { afterMs: 5_000, kept: 0.5 },
    { afterMs: 15_000, kept: 0.25 },
  ])('keeps $kept of what was when the next sample comes $afterMs ms later', ({ afterMs, kept }) => {
    const mean = aMean();
    addSample(mean, AT, 100, 0, DECAY);
    addSample(mean, AT, 0, afterMs, DECAY);
    expect(mean[AT]).toBeCloseTo(100 * kept, 10);
  });

  test('restart forgets all that was before', () => {
    const mean = aMean();
    addSample(mean, AT, 100, 0, DECAY);
    restartMean(mean, AT, 9, 10);
    expect(mean).toEqual([7, 9, 10, 8]);
  });

  test('property: stays between the smallest and the largest sample', () => {
    const sample = fc.record({ value: fc.double({ min: 0.1, max: 60_000, noNaN: true }), afterMs: fc.nat(20_000) });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1 }), samples => {
        const mean = aMean();
        let nowMs = 0;
        for (const { value, afterMs } of samples) {
          nowMs += afterMs;
          addSample(mean, AT, value, nowMs, DECAY);
        }
        const values = samples.map(({ value }) => value);
        expect(mean[AT]).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
        expect(mean[AT]).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
      }),
    );
  });
});
