import { describe, expect, test } from 'vitest';
import { ADAPTIVE_SLOTS } from '../../../../agent/src/balancer/adaptive-slots.ts';
import { isDear } from '../../../../agent/src/balancer/price-spread.ts';

/** Prices of hosts in turn, a thousand rounds; returns which of them were dear in the last round. */
function dear(prices: readonly number[]): boolean[] {
  const cells = ADAPTIVE_SLOTS.module.slice();
  for (let round = 0; round < 999; round++) for (const price of prices) isDear(cells, price);
  return prices.map(price => isDear(cells, price));
}

describe('AD-21: a host is dear', () => {
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
    expect(dear(prices)).toEqual(are);
  });

  test('not the first one, whatever it costs', () => {
    expect(isDear(ADAPTIVE_SLOTS.module.slice(), 5_000)).toBe(false);
  });
});
