import { describe, expect, test } from 'vitest';
import { updateCheapPrice } from '../../../../agent/src/balancer/adaptive/price.ts';
import { ADAPTIVE_SLOTS, PRICED_MS, pickSlots } from '../../../../agent/src/balancer/adaptive/slots.ts';

/** Prices of hosts in turn, a thousand rounds; returns which of them were outliers in the last round. */
function outliersAmong(prices: readonly number[]): boolean[] {
  const values = [...ADAPTIVE_SLOTS.module, ...ADAPTIVE_SLOTS.pick];
  const isOutlier = (price: number) => {
    values[pickSlots(0) + PRICED_MS] = price;
    return updateCheapPrice(values, 0);
  };
  for (let round = 0; round < 999; round++) for (const price of prices) isOutlier(price);
  return prices.map(price => isOutlier(price));
}

describe('AD-21: a price outlier', () => {
  test.each([
    { prices: [10], are: [false] },
    { prices: [10, 10, 10], are: [false, false, false] },
    { prices: [10, 40], are: [false, false] },
    { prices: [1, 8], are: [false, false] },
    { prices: [1, 20], are: [false, true] },
    { prices: [10, 100], are: [false, true] },
    { prices: [10, 10, 100, 100], are: [false, false, true, true] },
    { prices: [10, 10, 10, 10, 60], are: [false, false, false, false, true] },
  ])('among hosts that cost $prices: $are', ({ prices, are }) => {
    expect(outliersAmong(prices)).toEqual(are);
  });

  test('not the first one, whatever it costs', () => {
    const values = [...ADAPTIVE_SLOTS.module, ...ADAPTIVE_SLOTS.pick];
    values[pickSlots(0) + PRICED_MS] = 5_000;
    expect(updateCheapPrice(values, 0)).toBe(false);
  });
});
