// pure
/** AD-15: calls in flight with which a host begins that is new or was ejected. */
const START = 2;
/** AD-16: the smallest window; one call in ten times the target. */
const MIN = 0.1;
/** AD-13: a cut takes at least three tenths. */
const CUT = 0.7;
/** AD-13: where calls are slow but no line is growing, less is in flight than this part of what is answered in a lost call's time. */
const OVERFULL_SHARE = 0.7;
/** AD-15: a window grows only while it is used to at least this share. */
const USED_SHARE = 0.5;
/** AD-16: growth per answer of a window below one call. */
const SMALL_GROWTH = 1.1;

/**
 * How many calls one host may have in flight (AD-13 to AD-16); a host without one has no limit. Cut when the host is overloaded to what it
 * answered lately in the time that its callers have; grows while it is used and answers come soon, as TCP's does.
 */
export class LoadWindow {
  #size = Number.POSITIVE_INFINITY;
  /** Below, the window doubles in one round of answers; above, it grows by one. */
  #threshold = Number.POSITIVE_INFINITY;
  #cutAtMs = Number.NEGATIVE_INFINITY;
  #sentAtMs = Number.NEGATIVE_INFINITY;

  /** In calls; Infinity until it is first set. */
  get size(): number {
    return this.#size;
  }

  /** A call is sent to the host. */
  sent(nowMs: number): void {
    this.#sentAtMs = nowMs;
  }

  /** AD-16: a window below one call is a pause between calls. */
  hasRoom(load: number, targetMs: number, nowMs: number): boolean {
    if (this.#size >= 1) return load < this.#size;
    return load < 1 && nowMs - this.#sentAtMs >= targetMs / this.#size;
  }

  /** AD-15 */
  startSlowly(): void {
    this.#size = START;
  }

  /** AD-16: a pause does not outlast the overload that it was made for. */
  endPause(): void {
    if (this.#size < START) this.#size = START;
  }

  /** AD-14. @param fitting as many calls as are answered in the target time */
  limit(fitting: number): void {
    this.#size = Math.max(MIN, fitting);
  }

  /**
   * AD-13. At most one cut for what was sent before it.
   * @param durationMs how long the lost call took
   * @param fitting as many calls as are answered in the target time
   * @returns whether the window was cut
   */
  cut(durationMs: number, fitting: number, nowMs: number): boolean {
    if (nowMs - this.#cutAtMs <= durationMs) return false;
    this.#cutAtMs = nowMs;
    // A pause begins now at the latest.
    this.#sentAtMs = nowMs;
    this.limit(Math.min(CUT * this.#size, fitting));
    this.#threshold = this.#size;
    return true;
  }

  /** AD-15. Call for an answer that came soon; `load` is what was in flight before it came. */
  grow(load: number): void {
    const size = this.#size;
    if (load < USED_SHARE * size) return;
    if (size < 1) this.#size = size * SMALL_GROWTH;
    else this.#size = size < this.#threshold ? size + 1 : size + 1 / size;
  }
}

/** Little's law: calls in flight = answers per second × seconds per answer. */
export function fittingCalls(answersPerSec: number, durationMs: number): number {
  return (answersPerSec * durationMs) / 1_000;
}

/** AD-13: is more in flight than is answered in the time that a lost call took, or nearly so? */
export function isOverfull(load: number, fitting: number): boolean {
  return load >= OVERFULL_SHARE * fitting;
}
