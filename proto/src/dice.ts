// pure
/**
 * Random numbers for each pick: Marsaglia's xorshift on 32 bits. It allocates nothing, and costs less than a call of a random function.
 * It stands here because agent and client both pick, and this package is all that they share.
 */
export class Dice {
  #state: number;

  /** @param random uniform in [0, 1); asked once, for the seed */
  constructor(random: () => number) {
    this.#state = Math.floor(random() * 0x1_0000_0000) | 1;
  }

  /** An integer from 0 to below the limit, which is at most 65,536: far more than a route has hosts. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    // state × limit / 2^32, in two halves of which none leaves the exact integers that are fast.
    return ((state >>> 16) * limit + (((state & 0xffff) * limit) >>> 16)) >>> 16;
  }
}
