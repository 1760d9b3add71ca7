// pure
/** How often a thread may die before the process gives up: `maxDeaths` within `windowMs`, counted per thread. */
export class RestartPolicy {
  readonly #maxDeaths: number;
  readonly #windowMs: number;
  #deathsMs: number[] = [];

  constructor(maxDeaths: number, windowMs: number) {
    this.#maxDeaths = maxDeaths;
    this.#windowMs = windowMs;
  }

  /** @returns whether the thread that died now may be started again */
  mayRestart(nowMs: number): boolean {
    this.#deathsMs = this.#deathsMs.filter(deathMs => nowMs - deathMs < this.#windowMs);
    this.#deathsMs.push(nowMs);
    return this.#deathsMs.length <= this.#maxDeaths;
  }
}
