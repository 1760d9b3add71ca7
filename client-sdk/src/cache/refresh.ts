// pure
/** How old a copy gets before it is compared with the agent's. */
export const REFRESH_MS = 2_000;
/** After a failure the agent is asked at once, for it may want to see every call now; but not more often than this. */
export const HASTE_MS = 10;
/** A question without an answer is asked again after this time, ... */
const RETRY_MS = 1_000;
/** ... and a copy that the agent has not confirmed for so long is not picked from. It bridges the restart of an agent. */
const MAX_AGE_MS = 6_000;
/** A module that cannot be cached is asked for again after this time: its agent or dnsserver may be of another generation then. */
export const UNCACHEABLE_MS = 30_000;

/** When the agent is to be asked for a route: one question at a time, on a period, and at once where there is a reason. */
export class Refresh {
  #isAsked = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  #nextMs = Number.NEGATIVE_INFINITY;
  /** Something happened after the question that is under way: its answer may not know of it. */
  #isOutdated = false;

  isDue(nowMs: number): boolean {
    return !this.#isAsked && nowMs >= this.#nextMs;
  }

  /** Has the agent not confirmed the copy for too long? */
  isOverdue(nowMs: number): boolean {
    return nowMs - this.#confirmedAtMs > MAX_AGE_MS;
  }

  /** There is a reason to ask before the period is over. */
  hasten(): void {
    this.#isOutdated = this.#isAsked;
    this.#nextMs = Math.min(this.#nextMs, this.#askedAtMs + HASTE_MS);
  }

  /** There is a reason to ask, but the last question was only just asked. */
  get isHeldBack(): boolean {
    return !this.#isAsked && this.#nextMs <= this.#askedAtMs + HASTE_MS;
  }

  asked(nowMs: number): void {
    this.#isAsked = true;
    this.#isOutdated = false;
    this.#askedAtMs = nowMs;
  }

  /** @param afterMs how long after this question to ask the next one */
  answered(nowMs: number, afterMs: number): void {
    this.#isAsked = false;
    this.#confirmedAtMs = nowMs;
    this.#nextMs = this.#askedAtMs + (this.#isOutdated ? HASTE_MS : afterMs);
  }

  unanswered(nowMs: number): void {
    this.#isAsked = false;
    this.#nextMs = nowMs + (this.#isOutdated ? HASTE_MS : RETRY_MS);
  }
}
