// pure
/** What is left of the slowest duration after one more tick: some half a minute forgets two thirds of it. */
const SLOWEST_KEEP = 0.997;
/** A call is through when its host answers one that began so many times the slowest duration later. */
const PRESUMED_DONE_FACTOR = 1.2;
/** A call is given up after so many times the slowest duration, ... */
const STALE_SHARE = 2;
/** ... but not sooner than this: a host that swallows calls must not look idle before the first timeout. */
const STALE_MIN_MS = 5_000;
/** How much each call of a tick replaces of what was, and all of them together at most. */
const CALL_STEP = 0.1;
const INTERVAL_STEP = 0.3;
const ERROR_STEP = 0.02;
/** Part of the calm duration that one more period replaces. */
const BASELINE_STEP = 0.1;
/** Calls that take so many times as long as in calm times, and so many milliseconds more, say that hosts fill up. */
const CONGESTION_FACTOR = 2;
const CONGESTION_MS = 5;
/**
 * A single call counts for so much at most: few enough ordinary long ones prove nothing, and neither does one tick of nothing else, for
 * this process may have paused.
 */
const LONGEST_FACTOR = 4;
const LONGEST_MS = 15;

/** What is usual in a module, over all its hosts, as far as this client was told. */
export class ModuleStats {
  #typicalMs = 0;
  #baselineMs = 0;
  #slowestMs = 0;
  #errorRate = 0;
  #longestMs = Number.POSITIVE_INFINITY;
  readonly #interval = { calls: 0, errors: 0, timed: 0, ms: 0, maxMs: 0 };
  #period = { timed: 0, ms: 0 };

  /** What a call took lately on average; 0 while nobody has told. */
  get typicalMs(): number {
    return this.#typicalMs;
  }

  /** The share of the calls that failed lately. */
  get errorRate(): number {
    return this.#errorRate;
  }

  get presumedDoneAfterMs(): number {
    return PRESUMED_DONE_FACTOR * this.#slowestMs;
  }

  get giveUpAfterMs(): number {
    return Math.max(STALE_MIN_MS, STALE_SHARE * this.#slowestMs);
  }

  /** @param tcostMs 0 where the caller did not time it */
  addResult(ok: boolean, tcostMs: number): void {
    const tick = this.#interval;
    tick.calls += 1;
    if (!ok) tick.errors += 1;
    // A fast failure says nothing about how long an answer takes.
    if (tcostMs === 0 || (!ok && tcostMs < this.#typicalMs)) return;
    tick.timed += 1;
    tick.ms += tcostMs < this.#longestMs ? tcostMs : this.#longestMs;
    if (tcostMs > tick.maxMs) tick.maxMs = tcostMs;
  }

  /**
   * Every 100 ms.
   * @returns whether calls take much longer than in the last half minute: the hosts fill up, or are about to
   */
  onInterval(): boolean {
    const { calls, errors, timed, ms, maxMs } = this.#interval;
    this.#slowestMs = Math.max(maxMs, this.#slowestMs * SLOWEST_KEEP);
    if (calls > 0) this.#errorRate += (errors / calls - this.#errorRate) * Math.min(INTERVAL_STEP, ERROR_STEP * calls);
    if (timed > 0) {
      const step = this.#typicalMs === 0 ? 1 : Math.min(INTERVAL_STEP, CALL_STEP * timed);
      this.#typicalMs += (ms / timed - this.#typicalMs) * step;
      this.#period.timed += timed;
      this.#period.ms += ms;
    }
    Object.assign(this.#interval, { calls: 0, errors: 0, timed: 0, ms: 0, maxMs: 0 });
    return timed > 0 && this.#baselineMs > 0 && this.#typicalMs > CONGESTION_FACTOR * this.#baselineMs + CONGESTION_MS;
  }

  /** Every 2 s: whatever goes on is calm after some time. */
  updateBaseline(): void {
    const { timed, ms } = this.#period;
    this.#period = { timed: 0, ms: 0 };
    if (timed === 0) return;
    this.#baselineMs += (ms / timed - this.#baselineMs) * (this.#baselineMs === 0 ? 1 : BASELINE_STEP);
    this.#longestMs = LONGEST_FACTOR * this.#baselineMs + LONGEST_MS;
  }
}
