// pure
import { giveUpAfterMs } from '@lars/proto/pricing';

/** What is left of the slowest duration after 100 ms: half a minute forgets about 60 % of it. */
const SLOWEST_KEEP = 0.997;
/** Once a host has answered a call that began this many times the slowest duration later, an unreported call is presumed done. */
const PRESUMED_DONE_FACTOR = 1.2;
/** Part of the old mean that each call of an interval replaces, and that all of them together replace at most. */
const CALL_STEP = 0.1;
const INTERVAL_STEP = 0.3;
const ERROR_STEP = 0.02;
/** Part of the baseline that the calls of one more 2 s replace. */
const BASELINE_STEP = 0.1;
/** Calls that take more than this many times the baseline, and this many milliseconds more, say that the hosts fill up. */
const CONGESTION_FACTOR = 2;
const CONGESTION_MS = 5;
/**
 * The longest duration that a call counts with: this many times the baseline, and this many milliseconds more. Neither a few normal long
 * calls nor one interval full of them (this process may have paused) may look like congestion.
 */
const LONGEST_FACTOR = 4;
const LONGEST_MS = 15;

/** What is usual in a module, over all its hosts, as far as the callers of this client have reported. */
export class ModuleStats {
  #typicalMs = 0;
  #baselineMs = 0;
  #slowestMs = 0;
  #errorRate = 0;
  #longestMs = Number.POSITIVE_INFINITY;
  /** Sums since the last `onInterval`. */
  readonly #interval = { calls: 0, errors: 0, timed: 0, ms: 0, maxMs: 0 };
  /** Sums since the last `updateBaseline`. */
  #sinceBaseline = { timed: 0, ms: 0 };

  /** What a call took lately on average; 0 before the first report with a duration. */
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
    return giveUpAfterMs(this.#slowestMs);
  }

  /** @param tcostMs 0 where the caller did not time it */
  addResult(ok: boolean, tcostMs: number): void {
    const interval = this.#interval;
    interval.calls += 1;
    if (!ok) interval.errors += 1;
    // A fast failure says nothing about how long an answer takes.
    if (tcostMs === 0 || (!ok && tcostMs < this.#typicalMs)) return;
    interval.timed += 1;
    interval.ms += tcostMs < this.#longestMs ? tcostMs : this.#longestMs;
    if (tcostMs > interval.maxMs) interval.maxMs = tcostMs;
  }

  /**
   * Called every 100 ms.
   * @returns whether the module is congested: calls take much longer than in the last half minute, so its hosts fill up, or are about to
   */
  onInterval(): boolean {
    const { calls, errors, timed, ms, maxMs } = this.#interval;
    this.#slowestMs = Math.max(maxMs, this.#slowestMs * SLOWEST_KEEP);
    if (calls > 0) this.#errorRate += (errors / calls - this.#errorRate) * Math.min(INTERVAL_STEP, ERROR_STEP * calls);
    if (timed > 0) {
      const step = this.#typicalMs === 0 ? 1 : Math.min(INTERVAL_STEP, CALL_STEP * timed);
      this.#typicalMs += (ms / timed - this.#typicalMs) * step;
      this.#sinceBaseline.timed += timed;
      this.#sinceBaseline.ms += ms;
    }
    Object.assign(this.#interval, { calls: 0, errors: 0, timed: 0, ms: 0, maxMs: 0 });
    return timed > 0 && this.#baselineMs > 0 && this.#typicalMs > CONGESTION_FACTOR * this.#baselineMs + CONGESTION_MS;
  }

  /** Called every 2 s. The baseline follows whatever goes on, so that durations that stay long are no congestion after some time. */
  updateBaseline(): void {
    const { timed, ms } = this.#sinceBaseline;
    this.#sinceBaseline = { timed: 0, ms: 0 };
    if (timed === 0) return;
    this.#baselineMs += (ms / timed - this.#baselineMs) * (this.#baselineMs === 0 ? 1 : BASELINE_STEP);
    this.#longestMs = LONGEST_FACTOR * this.#baselineMs + LONGEST_MS;
  }
}
