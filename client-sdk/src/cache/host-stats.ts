// pure
import type { HostAddress } from '@lars/proto';
import type { ModuleStats } from './module-stats.ts';

/** About the last ten answers count. */
const DURATION_STEP = 0.1;
/** Part of the error rate that one more report replaces. */
const ERROR_STEP = 1 / 32;
/** An error costs as much as so many calls. */
const ERROR_SURCHARGE = 20;
/** Durations are told in whole milliseconds, and what lies below is noise. */
export const PRICE_MIN_MS = 1;
/** What a host without reports keeps, every 2 s, of how much worse than this part of typical it is: in half a minute it is tried again. */
const FADED_TO = 0.7;
const FADE_KEEP = 0.7;

/** The module of a host: where reports about it go. */
export interface StatsOwner {
  /** Whose module it is: a host that another client picked is none of this one's. */
  readonly cache: object;
  /** How a call to a host that was picked from the copy went. @param tcostMs whole milliseconds; 0 where the caller did not time it */
  bufferResult(stats: HostStats, ok: boolean, tcostMs: number): void;
  /** How a call to a host that the agent picked went. The agent is told of it by others, after this. */
  observeResult(stats: HostStats, ok: boolean, tcostMs: number): void;
}

/**
 * What one client knows of one host of a module. It outlives the copies of the route that name the host. The agent knows more, for it
 * hears of all callers; this is only to choose well between two of its answers.
 */
export class HostStats {
  readonly address: HostAddress;
  readonly owner: StatsOwner;
  /** Successes that wait to be sent: those with a duration and the sum of these, and those without. */
  timed = 0;
  timedMs = 0;
  untimed = 0;
  /** What one more call is expected to cost on an idle host, errors included; 0 before the first report that tells a duration. */
  priceMs = 0;
  /** So many of the copy's picks. Fades: half of it is forgotten every now and then. */
  picks = 0;
  #durationMs = 0;
  #errorRate = 0;
  #isReported = false;
  #isAnswering = false;
  /** Calls under way since the last turn, and since the one before. */
  #recent = 0;
  #older = 0;

  constructor(address: HostAddress, owner: StatsOwner) {
    this.address = address;
    this.owner = owner;
  }

  /** Calls under way. */
  get inFlight(): number {
    return this.#recent + this.#older;
  }

  addCall(): void {
    this.#recent += 1;
  }

  /** A call has ended, most likely one of the older ones. */
  endCall(ok: boolean, tcostMs: number, moduleStats: ModuleStats): void {
    if (this.#older > 0) this.#older -= 1;
    else if (this.#recent > 0) this.#recent -= 1;
    this.#isReported = true;
    if (ok) this.#isAnswering = true;
    this.#errorRate += ((ok ? 0 : 1) - this.#errorRate) * ERROR_STEP;
    // A fast failure says nothing about how long an answer takes.
    if (tcostMs > 0 && (ok || tcostMs > this.#durationMs)) {
      this.#durationMs += (tcostMs - this.#durationMs) * (this.#durationMs === 0 ? 1 : DURATION_STEP);
    }
    this.#updatePrice(moduleStats);
  }

  /**
   * Every now and then: forgets the calls that began before the last turn. Nobody will report them, for the host has answered later ones;
   * or it is so long ago that it is stale.
   */
  rotateCounts(isGivenUp: boolean): void {
    this.#older = this.#isAnswering || isGivenUp ? this.#recent : this.#older + this.#recent;
    this.#recent = 0;
    this.#isAnswering = false;
  }

  /** Every now and then: what was not confirmed since the last time becomes more typical. */
  fadeStats(moduleStats: ModuleStats): void {
    this.picks /= 2;
    if (!this.#isReported) {
      const faded = FADED_TO * moduleStats.typicalMs;
      if (this.#durationMs > faded) this.#durationMs = faded + (this.#durationMs - faded) * FADE_KEEP;
      this.#errorRate *= FADE_KEEP;
      this.#updatePrice(moduleStats);
    }
    this.#isReported = false;
  }

  #updatePrice(moduleStats: ModuleStats): void {
    if (this.#durationMs === 0 && this.#errorRate === 0) return;
    const durationMs = this.#durationMs === 0 ? moduleStats.typicalMs : this.#durationMs;
    const surplus = Math.max(0, this.#errorRate - moduleStats.errorRate);
    this.priceMs = Math.max(PRICE_MIN_MS, durationMs) * (1 + ERROR_SURCHARGE * surplus);
  }
}
