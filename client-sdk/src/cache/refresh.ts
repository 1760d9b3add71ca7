// pure
/** A copy is compared with the agent's route when it is this old. */
export const REFRESH_MS = 2_000;
/** After a failure the route is queried at once, because the agent may have to pick now; but two queries are this far apart at least. */
export const MIN_REFRESH_GAP_MS = 10;
/** A query that got no answer is repeated after this time. */
const RETRY_MS = 1_000;
/** A copy that the agent has not confirmed for this long is not picked from. It is long enough for the restart of an agent. */
const MAX_AGE_MS = 6_000;
/** The route of a module that cannot be cached is queried after this time: its agent or dnsserver may be of another generation then. */
export const UNCACHEABLE_MS = 30_000;

/** When a module's route is to be queried from the agent: one query at a time, every two seconds, and at once where there is a reason. */
export class RefreshSchedule {
  #isWaiting = false;
  #queriedAtMs = Number.NEGATIVE_INFINITY;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  #nextMs = Number.NEGATIVE_INFINITY;
  /** Something happened after the query that waits for its answer was sent: the answer may not know of it. */
  #isOutdated = false;

  isDue(nowMs: number): boolean {
    return !this.#isWaiting && nowMs >= this.#nextMs;
  }

  /** Whether the agent has not confirmed the copy for too long. */
  isOverdue(nowMs: number): boolean {
    return nowMs - this.#confirmedAtMs > MAX_AGE_MS;
  }

  /** There is a reason to query before the two seconds are over. */
  expedite(): void {
    this.#isOutdated = this.#isWaiting;
    this.#nextMs = Math.min(this.#nextMs, this.#queriedAtMs + MIN_REFRESH_GAP_MS);
  }

  /** Whether there is a reason to query, but the last query is too recent. */
  get isRateLimited(): boolean {
    return !this.#isWaiting && this.#nextMs <= this.#queriedAtMs + MIN_REFRESH_GAP_MS;
  }

  onQuerySent(nowMs: number): void {
    this.#isWaiting = true;
    this.#isOutdated = false;
    this.#queriedAtMs = nowMs;
  }

  /** @param afterMs how long after this query the next one is due */
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
