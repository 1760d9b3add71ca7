// pure
/** Spreads calls evenly over time. A call for which no caller was free in time is left out, not made up for. */
export class Pacer {
  readonly #intervalMs: number;
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(ratePerSecond: number) {
    this.#intervalMs = 1_000 / ratePerSecond;
  }

  /** Takes the next place in time. @returns how long to wait for it, ms */
  take(nowMs: number): number {
    const turnMs = Math.max(this.#nextMs, nowMs);
    this.#nextMs = turnMs + this.#intervalMs;
    return turnMs - nowMs;
  }
}
