// pure
/**
 * Whether a host errs clearly more than is normal (docs/load-balancing.md, Detect): Page's CUSUM test. Each report adds its log-likelihood
 * ratio, and the sum never falls below zero, so good times store up no credit and a change is found as fast on the millionth call as on the
 * first. Evidence is in nats.
 */
/** Even where nobody errs, this share of errors is taken for normal: one failure must not eject a host. */
const RATE_MIN = 0.01;
/** Where even this many calls fail, no host can be told to be worse. */
const RATE_MAX = 0.9;
/** "Errs clearly more" means by this much. */
const EXCESS = 0.25;
const BAD_RATE_MAX = 0.97;
/** The part of the normal rate that one more report replaces, at least. */
const NORMAL_STEP = 1 / 512;
/** The rate starts as if this many more calls had succeeded before the first failure. */
const NORMAL_PRIOR = 100;
/** Evidence that ejects a host which is hardly called: with a normal rate of up to 2 % the third failure in a row reaches it. */
const LIMIT = 7;
/** The limit grows with the logarithm of the answers a second, so that false alarms are as rare by the clock in a busy module. */
const LIMIT_PER_LN_RATE = 1.2;
/** Above this normal rate the limit grows in proportion to the excess, by LIMIT_GROWTH × LIMIT for each 100 points: errors of a busy module come in bursts. */
const CALM_RATE = 0.02;
const LIMIT_GROWTH = 10;
/** Only hosts with less evidence than this part of the limit tell what is normal. */
const UNSUSPECTED = 0.5;
/** AD-13 (shedding): where the others have no queue, one call alone is no overload, however long it took: it counts for this part of the limit at most. */
const ONE_LOSS = 0.9;
/** The normal rate may move by this much before the logarithms are computed again: they cost too much for each report. */
const RATE_TOLERANCE = 0.002;

/** What is normal in one module, and what a report is worth. */
export class ErrorEvidence {
  #rate = 0;
  #reports = 0;
  #usedRate = -1;
  #failure = 0;
  #success = 0;
  #limit = LIMIT;
  #isShared = false;
  /** AD-13 (shedding) */
  #queue = 0;

  /** @param successes how many calls of the module went well before the first failure */
  constructor(successes: number) {
    this.#reports = successes;
    this.#updateWeights();
  }

  /** The error rate of the hosts that are not suspected, 0..1. */
  get normalRate(): number {
    return this.#usedRate;
  }

  /** What a failure adds. */
  get failure(): number {
    return this.#failure;
  }

  /** The evidence that ejects a host which gives so many answers a second. */
  limit(answersPerSec: number): number {
    return this.#limit + LIMIT_PER_LN_RATE * Math.log(1 + answersPerSec);
  }

  /** No host has a lower limit than this. */
  get lowestLimit(): number {
    return this.#limit;
  }

  /** The evidence against a host after one more report, never below zero. Hosts that are not suspected tell what is normal. */
  add(evidence: number, ok: boolean): number {
    if (ok && this.#queue > 0) this.#queue = Math.max(0, this.#queue + this.#success);
    if (this.#isShared || evidence < UNSUSPECTED * this.#limit) this.#learn(ok);
    const next = Math.max(0, evidence + (ok ? this.#success : this.#failure));
    if (next === 0) this.#isShared = false;
    return next;
  }

  /** AD-6 (normal error rate): most hosts are suspected, so all tell what is normal, until the evidence against one of them is 0. */
  share(): void {
    this.#isShared = true;
  }

  /**
   * AD-13 (shedding): the same test over the whole module, of calls that were lost to standing queues. A loss counts the more, the longer the call took:
   * an error that is as slow as answers may be an error, but a timeout is far slower than what is normal.
   * @param slowness how many times as long as a slow call it took, from 1 on
   * @param isCommon whether other hosts have queues too
   * @returns whether there are more of them than by chance
   */
  addQueueLoss(slowness: number, isCommon: boolean, moduleAnswersPerSec: number): boolean {
    const limit = this.limit(moduleAnswersPerSec);
    this.#queue = Math.min(limit, this.#queue + Math.min(slowness * this.#failure, (isCommon ? 1 : ONE_LOSS) * limit));
    return this.#queue >= limit;
  }

  #learn(ok: boolean): void {
    this.#reports += 1;
    this.#rate += ((ok ? 0 : 1) - this.#rate) * Math.max(NORMAL_STEP, 1 / (this.#reports + NORMAL_PRIOR));
    const rate = Math.min(RATE_MAX, Math.max(RATE_MIN, this.#rate));
    if (Math.abs(rate - this.#usedRate) > RATE_TOLERANCE || (rate === RATE_MIN && this.#usedRate !== RATE_MIN))
      this.#updateWeights();
  }

  #updateWeights(): void {
    const rate = Math.min(RATE_MAX, Math.max(RATE_MIN, this.#rate));
    const bad = Math.min(BAD_RATE_MAX, rate + EXCESS);
    this.#usedRate = rate;
    this.#failure = Math.log(bad / rate);
    this.#success = Math.log((1 - bad) / (1 - rate));
    this.#limit = LIMIT * (1 + LIMIT_GROWTH * Math.max(0, rate - CALM_RATE));
  }
}
