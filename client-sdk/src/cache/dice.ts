// pure
const TWO_TO_MINUS_32 = 2 ** -32;

/** Random numbers for each pick: Marsaglia's xorshift on 32 bits. It allocates nothing, and costs less than a call of a random function. */
export class Dice {
  #state: number;

  /** @param random uniform in [0, 1); asked once, for the seed */
  constructor(random: () => number) {
    this.#state = Math.floor(random() * 0x1_0000_0000) | 1;
  }

  /** An integer from 0 to below the limit. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return Math.floor((state >>> 0) * limit * TWO_TO_MINUS_32);
  }
}
