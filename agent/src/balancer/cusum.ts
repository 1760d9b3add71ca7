// pure
/**
 * AD-7. Page's test for a change: the evidence that a host errs clearly more than is normal, less what speaks against it, never
 * below zero. Good times store up no credit, so a change is found as fast on the millionth call as on the first.
 */
export class Cusum {
  #evidence = 0;

  get evidence(): number {
    return this.#evidence;
  }

  /**
   * @param logLikelihoodRatio what one report says: positive for "errs more"
   * @returns whether the evidence has reached the limit, beyond which it does not grow
   */
  add(logLikelihoodRatio: number, limit: number): boolean {
    this.#evidence = Math.min(limit, Math.max(0, this.#evidence + logLikelihoodRatio));
    return this.#evidence >= limit;
  }

  restart(evidence: number): void {
    this.#evidence = evidence;
  }
}
