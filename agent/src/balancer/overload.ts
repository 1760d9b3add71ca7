// pure
/** After a sign of overload, full hosts stay refused for this long; callers do not go away in a moment. */
const MEMORY_MS = 60_000;
/** A host may have so much to do that a new call is answered in this share of the time that callers wait. */
const WAIT_SHARE = 0.5;

/**
 * AD-14. What the module's last overload has taught: how long callers wait, and so how much may wait for them. Before the first one
 * nobody knows, and nothing is refused.
 */
export class Overload {
  #seenAtMs = Number.NEGATIVE_INFINITY;
  #timeoutMs = 0;

  /** How long callers waited for the last call that was lost to overload; 0 before the first. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** How long an answer may take while hosts are as busy as they should be. */
  get targetMs(): number {
    return WAIT_SHARE * this.#timeoutMs;
  }

  /** Is the module overloaded, or was it lately? */
  isRecent(nowMs: number): boolean {
    return nowMs - this.#seenAtMs < MEMORY_MS;
  }

  /** A call was lost to overload, after so long. */
  see(timeoutMs: number, nowMs: number): void {
    this.#seenAtMs = nowMs;
    this.#timeoutMs = timeoutMs;
  }
}
