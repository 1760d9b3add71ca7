// pure
/** The mean of the last ten durations of a host hardly reaches this many times that of its siblings by chance, ... */
const FACTOR = 4;
/** ... and so much more than that: a hiccup of a few milliseconds is many times what a fast service takes. */
const MARGIN_MS = 5;
/** How fast the cheap price follows a price below it, and one above it. So unequal that it stays near the cheapest quarter of the hosts. */
const STEP_DOWN = 0.05;
const STEP_UP = 0.005;

/** AD-21: tells whether a host costs clearly more than the module's cheap ones, so that it should get clearly less than its share. */
export class PriceSpread {
  #cheap = 0;

  /** @param price of one more call on a host that has just been reported on; above 0 */
  add(price: number): boolean {
    const cheap = this.#cheap;
    if (cheap === 0) this.#cheap = price;
    else this.#cheap += (price - cheap) * (price < cheap ? STEP_DOWN : STEP_UP);
    return price > FACTOR * this.#cheap + MARGIN_MS;
  }
}
