// pure

import { reportedPriceMs } from './price.ts';
import { CHEAP_PRICE } from './slots.ts';

/** The mean of the last ten durations of a host hardly reaches this many times that of its siblings by chance, ... */
const FACTOR = 4;
/** ... and so much more than that: a hiccup of a few milliseconds is many times what a fast service takes. */
const MARGIN_MS = 5;
/** How fast the cheap price follows a price below it, and one above it. So unequal that it stays near the cheapest quarter of the hosts. */
const STEP_DOWN = 0.05;
const STEP_UP = 0.005;

/**
 * AD-21: tells whether a host costs clearly more than the module's cheap ones, so that it should get clearly less than its share.
 * @param price of one more call on a host that has just been reported on; above 0
 */
export function isPriceOutlier(cells: number[], host: number): boolean {
  const price = reportedPriceMs(cells, host);
  const known = cells[CHEAP_PRICE] as number;
  const cheap = known === 0 ? price : known + (price - known) * (price < known ? STEP_DOWN : STEP_UP);
  cells[CHEAP_PRICE] = cheap;
  return price > FACTOR * cheap + MARGIN_MS;
}
