// pure
import type { HostAddress } from '@lars/proto';
import { ERROR_STEP, FADED_SHARE, PRICE_MIN_MS, priceWithErrors } from '@lars/proto/pricing';
import type { ModuleStats } from './module-stats.ts';

/** Part of the duration that one more answer replaces, so that about the last ten count. */
const DURATION_STEP = 0.1;
/**
 * Every 2 s without reports a host keeps this part of its error rate, and of its excess over the faded duration, so that after about 30 s
 * it is tried again.
 */
const FADE_KEEP = 0.7;

/** A host that errs by this much more than its module is failing: two failures in a row are enough where the others are well. */
const FAILING_EXCESS = 1.5 * ERROR_STEP;

/** The module of a host, which takes the results of the calls to it. */
export interface StatsOwner {
  /** The cache that the module belongs to. A host that was picked from another client's cache has another one. */
  readonly cache: object;
  /**
   * Learns from the result of a call that was picked from the copy, and buffers it for the agent.
   * @param tcostMs whole milliseconds; 0 where the caller did not time it
   */
  bufferResult(stats: HostStats, ok: boolean, tcostMs: number): void;
  /** Learns from the result of a call that the agent picked. The caller sends the agent the result itself, after this. */
  observeResult(stats: HostStats, ok: boolean, tcostMs: number): void;
}

/**
 * What one client knows of one host of a module. It outlives the copies of the route that name the host. The agent knows more, because it
 * hears of all callers; this is only to choose well between two of its answers.
 */
export class HostStats {
  readonly address: HostAddress;
  readonly owner: StatsOwner;
  /** Unsent successes with a duration and the sum of these, and unsent successes without one. UnsentResults alone reads and writes them. */
  timed = 0;
  timedMs = 0;
  untimed = 0;
  /** What a call is expected to cost while no other is in flight, errors included; 0 before the first report with a duration. */
  priceMs = 0;
  /** Picks from the copy. Half of them are forgotten every 2 s. */
  picks = 0;
  #durationMs = 0;
  #errorRate = 0;
  #isReported = false;
  #hasJustFailed = false;
  #isAnswering = false;
  /** Calls in flight that began since the last rotation, and before it. */
  #recent = 0;
  #older = 0;

  constructor(address: HostAddress, owner: StatsOwner) {
    this.address = address;
    this.owner = owner;
  }

  /** Calls of this client that have no result yet. */
  get inFlight(): number {
    return this.#recent + this.#older;
  }

  /**
   * Whether the host erred in its last call, and lately more often than its module does. Without a report that is forgotten after some
   * seconds, and the host is tried again.
   */
  isFailing(module: ModuleStats): boolean {
    return this.#hasJustFailed && this.#errorRate - module.errorRate > FAILING_EXCESS;
  }

  addCall(): void {
    this.#recent += 1;
  }

  /** A call that was added just now will never be made. */
  cancelCall(): void {
    if (this.#recent > 0) this.#recent -= 1;
    else if (this.#older > 0) this.#older -= 1;
  }

  /** A call has ended. It is taken for one of the older ones while there are any. */
  endCall(ok: boolean, tcostMs: number, module: ModuleStats): void {
    if (this.#older > 0) this.#older -= 1;
    else if (this.#recent > 0) this.#recent -= 1;
    this.#isReported = true;
    this.#hasJustFailed = !ok;
    if (ok) this.#isAnswering = true;
    this.#errorRate += ((ok ? 0 : 1) - this.#errorRate) * ERROR_STEP;
    // A fast failure says nothing about how long an answer takes.
    if (tcostMs > 0 && (ok || tcostMs > this.#durationMs)) {
      this.#durationMs += (tcostMs - this.#durationMs) * (this.#durationMs === 0 ? 1 : DURATION_STEP);
    }
    this.#updatePrice(module);
  }

  /**
   * Forgets the calls that began before the last rotation, where the host has answered since then: nobody will report them any more.
   * @param isGivenUp whether those calls began so long ago that they are forgotten even without an answer
   */
  rotateCounts(isGivenUp: boolean): void {
    this.#older = this.#isAnswering || isGivenUp ? this.#recent : this.#older + this.#recent;
    this.#recent = 0;
    this.#isAnswering = false;
  }

  /** Called every 2 s. Without a report since the last time the host becomes more like the others of its module. */
  fadeStats(module: ModuleStats): void {
    this.picks /= 2;
    if (!this.#isReported) {
      const fadedMs = FADED_SHARE * module.typicalMs;
      if (this.#durationMs > fadedMs) this.#durationMs = fadedMs + (this.#durationMs - fadedMs) * FADE_KEEP;
      this.#errorRate *= FADE_KEEP;
      this.#updatePrice(module);
    }
    this.#isReported = false;
  }

  #updatePrice(module: ModuleStats): void {
    if (this.#durationMs === 0 && this.#errorRate === 0) return;
    const durationMs = this.#durationMs === 0 ? module.typicalMs : this.#durationMs;
    this.priceMs = priceWithErrors(Math.max(PRICE_MIN_MS, durationMs), this.#errorRate - module.errorRate);
  }
}
