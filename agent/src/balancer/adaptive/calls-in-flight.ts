// pure
/** AD-4 (calls in flight): which calls of a module's hosts are under way, and whether that can be known at all. */
import { giveUpAfterMs } from '@lars/proto/pricing';
import type { HostSlots } from '../host-slots.ts';
import { type FormerNumbers, movedTo } from '../host-table.ts';
import { slowFromMs } from './durations.ts';
import { SendTimes } from './send-times.ts';
import {
  ANSWERED_SENT_MS,
  DURATION,
  DURATIONS_TOLD,
  GIVEN_UP,
  HAS_ANSWERED,
  IN_FLIGHT,
  LATE,
  OLDEST_AT_MS,
  PICKED_TURN,
  pickSlots,
  SLOWEST_MS,
  TURN,
  TYPICAL_MS,
  UNPICKED,
  UNREPORTED,
} from './slots.ts';

/** Given-up calls that are remembered of a host at most; reports that never come would add up otherwise. */
const MAX_GIVEN_UP = 1_000;
/** After so many picks the counts of odd calls are halved, so that they tell of the last thousand picks or so. A power of two. */
const HALF_LIFE = 512;
/** Calls in flight are unknown when unreported calls, unpicked reports and late ones together exceed this share of the recent picks plus ODD_MIN. */
const ODD_SHARE = 0.3;
const ODD_MIN = 10;
/** A late report counts as many times: who reports in time has none, and of those who do not only some are known by it. */
const LATE_WEIGHT = 5;
/** Durations are told in whole milliseconds: so much earlier than it was a call may seem to have been sent. */
const ROUNDING_MS = 0.5;
/** AD-5 (told durations): a success without one took at most this many times the expected duration; an older call in flight is not the one that ended. */
const PLAUSIBLE = 3;
/** Without told durations, a call that was overtaken is given up after this many times the typical duration. */
const UNTOLD_SLOW_FACTOR = 12;

/** AD-1 (choice): the host was called. Its turn is over. */
export function takeTurn(values: number[], host: number): void {
  const turn = (values[TURN] as number) + 1;
  values[TURN] = turn;
  values[pickSlots(host) + PICKED_TURN] = turn;
  if ((turn & (HALF_LIFE - 1)) !== 0) return;
  values[UNREPORTED] = (values[UNREPORTED] as number) / 2;
  values[UNPICKED] = (values[UNPICKED] as number) / 2;
  values[LATE] = (values[LATE] as number) / 2;
}

/** How many picks UNREPORTED, UNPICKED and LATE cover: those since the last halving, and HALF_LIFE for all before. */
export function countedPicks(values: readonly number[]): number {
  const turn = values[TURN] as number;
  return turn < HALF_LIFE ? turn : HALF_LIFE + (turn & (HALF_LIFE - 1));
}

/** Do picks and reports belong together, so that the calls in flight are known? Where no success was ever told they do not. */
export function isInFlightKnown(values: readonly number[]): boolean {
  if (values[HAS_ANSWERED] !== 1) return false;
  const odd = (values[UNREPORTED] as number) + (values[UNPICKED] as number) + LATE_WEIGHT * (values[LATE] as number);
  // Saves countedPicks in the usual case.
  return odd <= ODD_MIN || odd <= ODD_SHARE * countedPicks(values) + ODD_MIN;
}

/** Calls that were sent before this time and are not reported are given up. */
export function givenUpBeforeMs(values: readonly number[], nowMs: number): number {
  return nowMs - giveUpAfterMs(values[SLOWEST_MS] as number);
}

/** Is the oldest call in flight known? It is not where it may be one that was given up. */
export function knowsOldest(values: readonly number[], host: number): boolean {
  const pick = pickSlots(host);
  return (values[pick + IN_FLIGHT] as number) > 0 && values[pick + GIVEN_UP] === 0;
}

/** How long the oldest call is under way; there must be one. */
export function oldestAgeMs(values: readonly number[], host: number, nowMs: number): number {
  return nowMs - (values[pickSlots(host) + OLDEST_AT_MS] as number);
}

/**
 * The calls in flight by host. Most hosts of an agent have one at a time, if any, and its send time stands in a slot; a host with more than one has
 * a ring of its own.
 */
export class CallsInFlight {
  readonly #slots: HostSlots;
  #rings: (SendTimes | undefined)[] | undefined = undefined;

  constructor(slots: HostSlots) {
    this.#slots = slots;
  }

  /** Follows a change of the route. */
  move(before: FormerNumbers): void {
    this.#rings = movedTo(before, this.#rings);
  }

  add(host: number, hostCount: number, nowMs: number): void {
    const { values } = this.#slots;
    const pick = pickSlots(host);
    if (values[pick + IN_FLIGHT] === 0) {
      values[pick + IN_FLIGHT] = 1;
      values[pick + OLDEST_AT_MS] = nowMs;
      return;
    }
    const ring = this.#ownRing(host, hostCount);
    ring.add(nowMs);
    this.#copyCount(host, ring);
  }

  /** How many now, but for those that were sent so long ago that they are given up. */
  countNow(host: number, nowMs: number): number {
    const { values } = this.#slots;
    return values[pickSlots(host) + IN_FLIGHT] === 0 ? 0 : this.count(host, givenUpBeforeMs(values, nowMs));
  }

  /** The same. @param sentBeforeMs calls sent before this are given up */
  count(host: number, sentBeforeMs: number): number {
    const { values } = this.#slots;
    const pick = pickSlots(host);
    if (values[pick + IN_FLIGHT] !== 0 && (values[pick + OLDEST_AT_MS] as number) < sentBeforeMs)
      this.#giveUp(host, sentBeforeMs);
    // Read again rather than returned by giveUp: a number that may come from a call is an object to V8, for each host of each pick.
    return values[pick + IN_FLIGHT] as number;
  }

  /**
   * Takes the call out of flight that was sent closest to `tookMs` ago. A report of a call that was sent before all that are in flight may belong to one that
   * was given up, which was slow; if it says that it was quick, it comes late.
   */
  settle(host: number, tookMs: number, nowMs: number): void {
    const { values } = this.#slots;
    const sentMs = nowMs - tookMs;
    const pick = pickSlots(host);
    const inFlight = values[pick + IN_FLIGHT] as number;
    const givenUp = values[pick + GIVEN_UP] as number;
    if (givenUp > 0 && (inFlight === 0 || sentMs + ROUNDING_MS < (values[pick + OLDEST_AT_MS] as number))) {
      values[pick + GIVEN_UP] = givenUp - 1;
      if (values[DURATIONS_TOLD] === 1 && tookMs < slowFromMs(values)) values[LATE] = (values[LATE] as number) + 1;
      else values[UNREPORTED] = Math.max(0, (values[UNREPORTED] as number) - 1);
    } else if (inFlight === 0) {
      values[UNPICKED] = (values[UNPICKED] as number) + 1;
    } else {
      const ring = this.#rings?.[host];
      if (ring === undefined) {
        values[pick + IN_FLIGHT] = 0;
        return;
      }
      ring.settle(sentMs);
      this.#copyCount(host, ring);
    }
  }

  /** AD-5 (told durations): the duration of a call that was not timed. It is taken to be the oldest in flight, as if calls were answered in the order in which they were sent. */
  guessMs(host: number, ok: boolean, nowMs: number): number {
    const { values } = this.#slots;
    const pick = pickSlots(host);
    const knownMs = values[this.#slots.row(host) + DURATION] as number;
    const usualMs = knownMs === 0 ? (values[TYPICAL_MS] as number) : knownMs;
    if (values[pick + IN_FLIGHT] === 0) return usualMs;
    const sinceMs = ok && usualMs > 0 ? nowMs - PLAUSIBLE * usualMs : Number.NEGATIVE_INFINITY;
    return nowMs - (this.#rings?.[host]?.oldestSince(sinceMs) ?? (values[pick + OLDEST_AT_MS] as number));
  }

  /** Gives up the calls that a later one has overtaken and that are slow. */
  giveUpOvertaken(host: number, nowMs: number): void {
    const { values } = this.#slots;
    const pick = pickSlots(host);
    if (values[pick + IN_FLIGHT] === 0) return;
    const answeredSentMs = values[this.#slots.row(host) + ANSWERED_SENT_MS] as number;
    // Mostly the oldest call is the next to be answered.
    if ((values[pick + OLDEST_AT_MS] as number) >= answeredSentMs) return;
    const sureMs = values[DURATIONS_TOLD] === 1 ? slowFromMs(values) : UNTOLD_SLOW_FACTOR * (values[TYPICAL_MS] as number);
    const sentBeforeMs = Math.min(nowMs - sureMs, answeredSentMs);
    if ((values[pick + OLDEST_AT_MS] as number) < sentBeforeMs) this.#giveUp(host, sentBeforeMs);
  }

  /** Gives up the calls that were sent before then. */
  #giveUp(host: number, sentMs: number): void {
    const { values } = this.#slots;
    const pick = pickSlots(host);
    const before = values[pick + IN_FLIGHT] as number;
    const ring = this.#rings?.[host];
    let left = 0;
    if (ring === undefined) values[pick + IN_FLIGHT] = 0;
    else {
      ring.forgetBefore(sentMs);
      left = this.#copyCount(host, ring);
    }
    const count = before - left;
    values[pick + GIVEN_UP] = Math.min(MAX_GIVEN_UP, (values[pick + GIVEN_UP] as number) + count);
    values[UNREPORTED] = (values[UNREPORTED] as number) + count;
  }

  /** Copies the ring's count and oldest send time into the slots. With at most one call left the ring is released: the slots are enough for that. */
  #copyCount(host: number, ring: SendTimes): number {
    const { values } = this.#slots;
    const pick = pickSlots(host);
    const { count } = ring;
    values[pick + IN_FLIGHT] = count;
    if (count > 0) values[pick + OLDEST_AT_MS] = ring.oldestMs;
    if (count <= 1) {
      (this.#rings as (SendTimes | undefined)[])[host] = undefined;
      SendTimes.release(ring);
    }
    return count;
  }

  /** Of a host with a call in flight. */
  #ownRing(host: number, hostCount: number): SendTimes {
    this.#rings ??= new Array(hostCount).fill(undefined);
    const rings = this.#rings;
    const known = rings[host];
    if (known !== undefined) return known;
    const ring = SendTimes.acquire();
    ring.add(this.#slots.values[pickSlots(host) + OLDEST_AT_MS] as number);
    rings[host] = ring;
    return ring;
  }
}
