import { giveUpAfterMs, priceWithErrors, weightedPrice } from '@lars/proto/pricing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('what a call is expected to cost', () => {
  test.each([
    [10, 0, 10],
    [10, -0.2, 10],
    [10, 0.05, 20],
    [10, 1, 210],
  ])('%d ms with %d errors above normal: %d ms', (durationMs, excess, priceMs) => {
    expect(priceWithErrors(durationMs, excess)).toBeCloseTo(priceMs);
  });

  test.each([
    ['as the others', 100, 1, 30],
    ['with half of the weight', 50, 1, 50],
    ['that got four times its share', 100, 4, 60],
    ['that got a hundred times its share: no more than four', 100, 100, 60],
    ['that got no call yet: half of its share', 100, 0, 30 * Math.SQRT1_2],
  ])('on a host %s, with two calls in flight', (_, weight, pickRatio, priceMs) => {
    expect(weightedPrice(10, 2, weight, 100, pickRatio)).toBeCloseTo(priceMs);
  });

  test('is never less for more calls in flight, a longer duration, more errors or a larger part of the picks', () => {
    const values = fc.record({ ms: fc.nat(1_000), inFlight: fc.nat(50), ratio: fc.double({ min: 0, max: 8, noNaN: true }) });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 1_000 }), ({ ms, inFlight, ratio }, weight) => {
        const price = weightedPrice(ms, inFlight, weight, 100, ratio);
        expect(weightedPrice(ms, inFlight + 1, weight, 100, ratio)).toBeGreaterThanOrEqual(price);
        expect(weightedPrice(ms + 1, inFlight, weight, 100, ratio)).toBeGreaterThanOrEqual(price);
        expect(weightedPrice(ms, inFlight, weight, 100, ratio + 0.1)).toBeGreaterThanOrEqual(price);
        expect(priceWithErrors(ms, 0.1)).toBeGreaterThanOrEqual(priceWithErrors(ms, 0));
      }),
    );
  });
});

test('a call is given up after twice the slowest duration, but not before five seconds', () => {
  expect([0, 2_000, 2_500, 10_000].map(giveUpAfterMs)).toEqual([5_000, 5_000, 5_000, 20_000]);
});
