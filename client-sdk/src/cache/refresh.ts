// pure
/** How old a copy gets before it is compared with the agent's. */
export const REFRESH_MS = 2_000;
/** After a failure the agent is asked at once, for it may want to see every call now; but not more often than this. */
export const MIN_REFRESH_GAP_MS = 10;
/** A context without an answer is asked again after this time, ... */
const RETRY_MS = 1_000;
/** ... and a copy that the agent has not confirmed for so long is not picked from. It bridges the restart of an agent. */
const MAX_AGE_MS = 6_000;
/** A module that cannot be cached is asked for again after this time: its agent or dnsserver may be of another generation then. */
export const UNCACHEABLE_MS = 30_000;

/** When the agent is to be asked for a route: one context at a time, on a period, and at once where there is a reason. */
export class RefreshSchedule {
  #isWaiting = false;
  #queriedAtMs = Number.NEGATIVE_INFINITY;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  #nextMs = Number.NEGATIVE_INFINITY;
  /** Something happened after the context that is under way: its answer may not know of it. */
  #isOutdated = false;

  isDue(nowMs: number): boolean {
    return !this.#isWaiting && nowMs >= this.#nextMs;
  }

  /** Has the agent not confirmed the copy for too long? */
  isOverdue(nowMs: number): boolean {
    return nowMs - this.#confirmedAtMs > MAX_AGE_MS;
  }

  /** There is a reason to ask before the period is over. */
  expedite(): void {
    this.#isOutdated = this.#isWaiting;
    this.#nextMs = Math.min(this.#nextMs, this.#queriedAtMs + MIN_REFRESH_GAP_MS);
  }

  /** There is a reason to ask, but the last context was only just asked. */
  get isRateLimited(): boolean {
    return !this.#isWaiting && this.#nextMs <= this.#queriedAtMs + MIN_REFRESH_GAP_MS;
  }

  onQuerySent(nowMs: number): void {
    this.#isWaiting = true;
    this.#isOutdated = false;
    this.#queriedAtMs = nowMs;
  }

  /** @param afterMs how long after this context to ask the next one */
  onAnswer(nowMs: number, afterMs: number): void {
    this.#isWaiting = false;
    this.#confirmedAtMs = nowMs;
    this.#nextMs = this.#queriedAtMs + (this.#isOutdated ? MIN_REFRESH_GAP_MS : afterMs);
  }

  onNoAnswer(nowMs: number): void {
    this.#isWaiting = false;
    this.#nextMs = nowMs + (this.#isOutdated ? MIN_REFRESH_GAP_MS : RETRY_MS);
  }
}
