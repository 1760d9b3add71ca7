// pure
/** Unspent probes are kept up to this many, so that a quiet time does not pay for a burst of probes. */
const SAVED_MAX = 3;

/** AD-11 (probe budget). Probes are paid from picks: hosts that are out get no more than a small share of the calls that they would get if they were in. */
export class ProbeBudget {
  readonly #share: number;
  /** The first trouble of a module may be looked at again at once. */
  #probes = 1;

  /** @param share of a fair share of the picks, 0..1 */
  constructor(share: number) {
    this.#share = share;
  }

  get isEmpty(): boolean {
    return this.#probes < 1;
  }

  earn(outCount: number, hostCount: number): void {
    this.#probes = Math.min(SAVED_MAX, this.#probes + (this.#share * outCount) / hostCount);
  }

  spend(): void {
    this.#probes -= 1;
  }
}
