// pure
/**
 * Exponential backoff with full jitter: the n-th wait is uniform in [0, min(maxMs, minMs · 2ⁿ)], so that a thousand agents
 * that lost their server at the same moment do not reconnect at the same moment.
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempt = 0;

  /** @param random uniform in [0, 1) */
  constructor(minMs: number, maxMs: number, random: () => number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  nextDelayMs(): number {
    const ceiling = Math.min(this.#maxMs, this.#minMs * 2 ** this.#attempt);
    if (ceiling < this.#maxMs) this.#attempt += 1;
    return this.#random() * ceiling;
  }

  /** Call it after a success: the next wait is short again. */
  reset(): void {
    this.#attempt = 0;
  }
}
