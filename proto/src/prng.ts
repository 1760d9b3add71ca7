// pure
/**
 * Pseudo-random numbers for each pick: Marsaglia's xorshift on 32 bits. It allocates nothing and costs less than a call of Math.random.
 * It stands in this package because agent and client both pick, and the package is all that they share.
 */
export class Xorshift32 {
  #state: number;

  /** @param random uniform in [0, 1); asked once, for the seed */
  constructor(random: () => number) {
    this.#state = seed(random);
  }

  /** The next integer, uniform in [0, limit); the limit must not exceed 65,536. */
  nextBelow(limit: number): number {
    this.#state = nextState(this.#state);
    return uniformBelow(this.#state, limit);
  }
}

/**
 * A start state, never zero, for callers that store the generator's state themselves (the agent keeps it in its number array).
 * @param random uniform in [0, 1)
 */
export function seed(random: () => number): number {
  return Math.floor(random() * 0x1_0000_0000) | 1;
}

/** One step of the generator: the state that follows `state`. */
export function nextState(state: number): number {
  let next = state;
  next ^= next << 13;
  next ^= next >>> 17;
  return next ^ (next << 5);
}

/** Maps a state to an integer in [0, limit). The limit must not exceed 65,536, which is far more than a route has hosts. */
export function uniformBelow(state: number, limit: number): number {
  // state × limit / 2^32, computed in two halves: neither leaves the integers that V8 computes fast.
  return ((state >>> 16) * limit + (((state & 0xffff) * limit) >>> 16)) >>> 16;
}
