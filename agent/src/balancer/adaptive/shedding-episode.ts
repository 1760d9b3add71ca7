// pure
import type { HostInfo } from '@lars/proto';
import type { SheddingView } from '../balancer.ts';
import type { HostSlots } from '../host-slots.ts';
import { perSecond } from './durations.ts';
import { QUICK_IN_FLIGHT, THROUGHPUT } from './slots.ts';

/**
 * After the last slow answer of a standing queue, refusing ends within this time, or as long as callers wait, where that is longer: a queue that
 * answers no call in time gives no sign in between.
 */
const ENDS_AFTER_MS = 1_000;
/** AD-13 (shedding): after an episode, how long callers wait is remembered for this long. */
const MEMORY_MS = 60_000;
/** A host may have so much to do that a new call is answered in this share of the time that callers wait. */
const WAIT_SHARE = 0.5;

/**
 * AD-13 (shedding). A module's episode of shedding: it begins with a call that was lost to a standing queue, goes on while slow answers say that
 * the queue still stands, and is over soon after the last of them.
 */
export class Shedding {
  #signAtMs = Number.NEGATIVE_INFINITY;
  #startedMs = Number.NEGATIVE_INFINITY;
  #timeoutMs = 0;
  #isOpen = false;
  #startedBy: HostInfo | undefined = undefined;
  /** Calls refused in this episode. */
  refused = 0;

  isActive(nowMs: number): boolean {
    return nowMs - this.#signAtMs < Math.max(ENDS_AFTER_MS, this.#timeoutMs);
  }

  /** AD-13 (shedding): is the last episode so lately over that callers most likely wait as long as they did? */
  isRemembered(nowMs: number): boolean {
    return nowMs - this.#signAtMs < MEMORY_MS;
  }

  /** Whether an episode was begun and its end was not noticed yet. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The host whose queue began the episode. */
  get startedBy(): HostInfo | undefined {
    return this.#startedBy;
  }

  /** How long callers waited for the last call that was lost to the queue. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** How long an answer may take while hosts are as busy as they should be. */
  get targetMs(): number {
    return WAIT_SHARE * this.#timeoutMs;
  }

  /** A call was lost to a standing queue of the host after `timeoutMs`. @returns whether an episode begins with it */
  begin(host: HostInfo, timeoutMs: number, nowMs: number): boolean {
    const begins = !this.#isOpen;
    if (begins) {
      this.#startedMs = nowMs;
      this.#startedBy = host;
      this.refused = 0;
    }
    this.#isOpen = true;
    this.#timeoutMs = timeoutMs;
    this.#signAtMs = nowMs;
    return begins;
  }

  /** The queue still stands. */
  renew(nowMs: number): void {
    if (this.isActive(nowMs)) this.#signAtMs = nowMs;
  }

  /** Its end was noticed. */
  close(): void {
    this.#isOpen = false;
  }

  view(nowMs: number): SheddingView {
    return { forMs: nowMs - this.#startedMs, refused: this.refused, timeoutMs: this.#timeoutMs };
  }
}

/**
 * AD-14 (concurrency limit): how many calls a host may have in flight while its module sheds. By Little's law calls in flight = answers per second ×
 * seconds per answer; what it served lately while it answered quickly, and one call, it may have in any case.
 */
export function concurrencyLimit(slots: HostSlots, host: number, targetMs: number, nowMs: number): number {
  const { values } = slots;
  const row = slots.row(host);
  const fitting = (perSecond(values, row + THROUGHPUT, nowMs) * targetMs) / 1_000;
  return Math.max(1, values[row + QUICK_IN_FLIGHT] as number, fitting);
}
