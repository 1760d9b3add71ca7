// pure
/** Part of the typical duration that one more success replaces. */
const TYPICAL_STEP = 0.02;
/** What is left of the slowest duration after one more report: a thousand reports forget two thirds of it. */
const SLOWEST_KEEP = 0.999;
/** A failure at least this close to the slowest duration is a slow one: most likely somebody's timeout. */
const SLOW_FAILURE_SHARE = 0.7;
/** After a success, calls that are older than this many times the slowest duration are through, or their reports are lost. */
const THROUGH_SHARE = 1.2;
/** Without successes, calls stay in flight for this many times the slowest duration, ... */
const STALE_SHARE = 2;
/** ... but not less than this: a host that swallows calls must not look idle before the first timeout. */
const STALE_MIN_MS = 5_000;
/** Failures by timeout take the same time, but for this part; other slow failures seldom do. */
const TIMEOUT_SPREAD = 0.05;
/** What a caller says beyond this is not believed. */
const MAX_DURATION_MS = 60_000;
/** A clock that ticks in milliseconds may say 0; nothing is for free. */
const MIN_DURATION_MS = 0.1;

/** How long a module's calls take, over all its hosts. */
export class ModuleLatency {
  #typicalMs = 0;
  #slowestMs = 0;
  #lastSlowFailureMs = 0;

  /** About the mean duration of the successes; 0 before the first. */
  get typicalMs(): number {
    return this.#typicalMs;
  }

  /** About the longest duration of the last thousand reports; 0 before the first. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** A call without a report this long ago is lost. */
  get staleAfterMs(): number {
    return Math.max(STALE_MIN_MS, STALE_SHARE * this.#slowestMs);
  }

  /** A call this long ago is through when its host answers later ones. */
  get throughAfterMs(): number {
    return THROUGH_SHARE * this.#slowestMs;
  }

  add(ok: boolean, durationMs: number): void {
    this.#slowestMs = Math.max(durationMs, this.#slowestMs * SLOWEST_KEEP);
    if (ok) this.#typicalMs += (durationMs - this.#typicalMs) * (this.#typicalMs === 0 ? 1 : TYPICAL_STEP);
  }

  isSlowFailure(durationMs: number): boolean {
    return durationMs >= SLOW_FAILURE_SHARE * this.#slowestMs;
  }

  /** Call for each slow failure: did it take as long as the one before? */
  isTimeout(durationMs: number): boolean {
    const previousMs = this.#lastSlowFailureMs;
    this.#lastSlowFailureMs = durationMs;
    return Math.abs(durationMs - previousMs) <= TIMEOUT_SPREAD * durationMs;
  }
}

export function believable(durationMs: number): number {
  return Math.max(MIN_DURATION_MS, Math.min(MAX_DURATION_MS, durationMs));
}
