// pure
/**
 * Random numbers for each pick: Marsaglia's xorshift on 32 bits. It allocates nothing, and costs less than a call of a random function.
 * It stands here because agent and client both pick, and this package is all that they share.
 */
export class Dice {
  #state: number;

  /** @param random uniform in [0, 1); asked once, for the seed */
  constructor(random: () => number) {
    this.#state = diceState(random);
  }

  /** See below(). */
  below(limit: number): number {
    this.#state = rolled(this.#state);
    return below(this.#state, limit);
  }
}

/** For whoever keeps the state of the dice elsewhere: the first one, a 32-bit integer other than 0. @param random uniform in [0, 1) */
export function diceState(random: () => number): number {
  return Math.floor(random() * 0x1_0000_0000) | 1;
}

/** The next state. */
export function rolled(state: number): number {
  let next = state;
  next ^= next << 13;
  next ^= next >>> 17;
  return next ^ (next << 5);
}

/** What a state shows: an integer from 0 to below the limit, which is at most 65,536: far more than a route has hosts. */
export function below(state: number, limit: number): number {
  // state × limit / 2^32, in two halves of which none leaves the exact integers that are fast.
  return ((state >>> 16) * limit + (((state & 0xffff) * limit) >>> 16)) >>> 16;
}
