// pure
import { giveUpAfterMs, slowFromMs } from './durations.ts';
import { HostTable, movedTo } from './host-table.ts';
import { InFlight } from './in-flight.ts';
import { countRecent } from './recent-count.ts';
import {
  ANSWERED_SENT_MS,
  DURATION,
  GIVEN_UP,
  HAS_ANSWERED,
  IN_FLIGHT,
  IS_TOLD,
  NEW_ADAPTIVE_BRIEF,
  NEW_MODULE,
  OLDEST_AT_MS,
  PICKED_TURN,
  PICKS,
  TURN,
  TYPICAL_MS,
  UNPICKED,
  UNREPORTED,
} from './slots.ts';

/** Given-up calls that are remembered of a host at most; reports that never come would add up otherwise. */
const MAX_GIVEN_UP = 1_000;
/** After so many picks the counts of odd calls are halved, so that they tell of the last thousand picks or so. A power of two. */
const HALF_LIFE = 512;
/** AD-4: calls in flight are not known where more than this share of the recent picks, and this many, have no report, or as many reports no pick. */
const ODD_SHARE = 0.3;
const ODD_MIN = 10;
/** AD-5: a success without a told duration took at most so many times what is expected, or its call is another one. */
const PLAUSIBLE = 3;
/** AD-4: without told durations, a call that was overtaken is given up after so many times the typical duration. */
const UNTOLD_SLOW_FACTOR = 12;

const MODULE_LENGTH = NEW_MODULE.length;
const BRIEF_LENGTH = NEW_ADAPTIVE_BRIEF.length;

/**
 * AD-4: the calls in flight of a module's hosts. Most hosts of an agent have one at a time, if any, and its send time stands in a slot; a
 * host with more than one has a ring of its own.
 */
export abstract class HostsInFlight extends HostTable {
  #rings: (InFlight | undefined)[] | undefined = undefined;

  override sync(hosts: Parameters<HostTable['sync']>[0]): ReturnType<HostTable['sync']> {
    const before = super.sync(hosts);
    this.#rings = movedTo(before, this.#rings);
    return before;
  }

  /** The host was picked. */
  send(host: number, nowMs: number): void {
    countRecent(this.cells, this.row(host) + PICKS, 1, nowMs);
    this.takeTurn(host);
    this.#add(host, nowMs);
  }

  /** AD-1: the host was called. */
  takeTurn(host: number): void {
    const { cells } = this;
    const turn = (cells[TURN] as number) + 1;
    cells[TURN] = turn;
    cells[this.brief(host) + PICKED_TURN] = turn;
    if ((turn & (HALF_LIFE - 1)) !== 0) return;
    cells[UNREPORTED] = (cells[UNREPORTED] as number) / 2;
    cells[UNPICKED] = (cells[UNPICKED] as number) / 2;
  }

  /** The picks of which UNREPORTED and UNPICKED tell: as many as since the last halving, and half a life before it. */
  get countedPicks(): number {
    const turn = this.cells[TURN] as number;
    return turn < HALF_LIFE ? turn : HALF_LIFE + (turn & (HALF_LIFE - 1));
  }

  /** AD-1: of two hosts, the one with the lower number waits longer for its turn. */
  pickedTurn(host: number): number {
    return this.cells[this.brief(host) + PICKED_TURN] as number;
  }

  /** Picks of other hosts since the last one of this. */
  turnsSincePick(host: number): number {
    return (this.cells[TURN] as number) - this.pickedTurn(host);
  }

  /** AD-4: a call that was sent before is given up, if there is no report. */
  givenUpBeforeMs(nowMs: number): number {
    return nowMs - giveUpAfterMs(this.cells);
  }

  /** Calls in flight, but for those that were sent so long ago that they are given up. */
  inFlight(host: number, givenUpBeforeMs: number): number {
    const { cells } = this;
    const brief = this.brief(host);
    const count = cells[brief + IN_FLIGHT] as number;
    return count === 0 || (cells[brief + OLDEST_AT_MS] as number) >= givenUpBeforeMs
      ? count
      : this.#giveUp(host, givenUpBeforeMs);
  }

  /** AD-4: do picks and reports belong together, so that the calls in flight are known? Where no success was ever told they do not. */
  get isInFlightKnown(): boolean {
    const { cells } = this;
    const odd = (cells[UNREPORTED] as number) + (cells[UNPICKED] as number);
    return cells[HAS_ANSWERED] === 1 && odd <= ODD_SHARE * this.countedPicks + ODD_MIN;
  }

  /** AD-5: did the last report tell how long its call took? */
  get isTold(): boolean {
    return this.cells[IS_TOLD] === 1;
  }

  /**
   * AD-4: takes the call out of flight that was sent closest to then. A report of a call that was sent before all that are in flight may belong
   * to one that was given up.
   */
  settle(host: number, sentMs: number): void {
    const { cells } = this;
    const brief = this.brief(host);
    const inFlight = cells[brief + IN_FLIGHT] as number;
    const givenUp = cells[brief + GIVEN_UP] as number;
    if (givenUp > 0 && (inFlight === 0 || sentMs < (cells[brief + OLDEST_AT_MS] as number))) {
      cells[brief + GIVEN_UP] = givenUp - 1;
      cells[UNREPORTED] = Math.max(0, (cells[UNREPORTED] as number) - 1);
    } else if (inFlight === 0) {
      cells[UNPICKED] = (cells[UNPICKED] as number) + 1;
    } else {
      const ring = this.#rings?.[host];
      if (ring === undefined) {
        cells[brief + IN_FLIGHT] = 0;
        return;
      }
      ring.settle(sentMs);
      this.#count(host, ring);
    }
  }

  /** AD-5: how long a call took that nobody told: callers are taken to be answered in the order in which they asked. */
  guessMs(host: number, ok: boolean, nowMs: number): number {
    const { cells } = this;
    const knownMs = cells[this.row(host) + DURATION] as number;
    const usualMs = knownMs === 0 ? (cells[TYPICAL_MS] as number) : knownMs;
    if (cells[this.brief(host) + IN_FLIGHT] === 0) return usualMs;
    const sinceMs = ok && usualMs > 0 ? nowMs - PLAUSIBLE * usualMs : Number.NEGATIVE_INFINITY;
    return nowMs - (this.#rings?.[host]?.oldestSince(sinceMs) ?? (cells[this.brief(host) + OLDEST_AT_MS] as number));
  }

  /** Is the oldest call in flight known? It is not where it may be one that was given up. */
  knowsOldest(host: number): boolean {
    const brief = this.brief(host);
    return (this.cells[brief + IN_FLIGHT] as number) > 0 && this.cells[brief + GIVEN_UP] === 0;
  }

  /** How long the oldest call is under way; there must be one. */
  oldestAgeMs(host: number, nowMs: number): number {
    return nowMs - (this.cells[this.brief(host) + OLDEST_AT_MS] as number);
  }

  /** AD-4 */
  noteAnswered(host: number, sentMs: number): void {
    const at = this.row(host) + ANSWERED_SENT_MS;
    if (sentMs > (this.cells[at] as number)) this.cells[at] = sentMs;
  }

  /** AD-5: has the host answered a call that was sent later? */
  isOvertaken(host: number, sentMs: number): boolean {
    return sentMs < (this.cells[this.row(host) + ANSWERED_SENT_MS] as number);
  }

  /** AD-4: gives up the calls that a later one has overtaken and that are slow. */
  giveUpOvertaken(host: number, nowMs: number): void {
    const { cells } = this;
    const slowMs = this.isTold ? slowFromMs(cells) : UNTOLD_SLOW_FACTOR * (cells[TYPICAL_MS] as number);
    this.inFlight(host, Math.min(nowMs - slowMs, cells[this.row(host) + ANSWERED_SENT_MS] as number));
  }

  /** Offset of what a pick reads of a host. */
  brief(host: number): number {
    return MODULE_LENGTH + host * BRIEF_LENGTH;
  }

  #add(host: number, nowMs: number): void {
    const { cells } = this;
    const brief = this.brief(host);
    if (cells[brief + IN_FLIGHT] === 0) {
      cells[brief + IN_FLIGHT] = 1;
      cells[brief + OLDEST_AT_MS] = nowMs;
      return;
    }
    const ring = this.#ownRing(host);
    ring.add(nowMs);
    this.#count(host, ring);
  }

  /** Gives up the calls that were sent before then. @returns how many are left */
  #giveUp(host: number, sentMs: number): number {
    const { cells } = this;
    const brief = this.brief(host);
    const before = cells[brief + IN_FLIGHT] as number;
    const ring = this.#rings?.[host];
    let left = 0;
    if (ring === undefined) cells[brief + IN_FLIGHT] = 0;
    else {
      ring.forgetBefore(sentMs);
      left = this.#count(host, ring);
    }
    const count = before - left;
    cells[brief + GIVEN_UP] = Math.min(MAX_GIVEN_UP, (cells[brief + GIVEN_UP] as number) + count);
    cells[UNREPORTED] = (cells[UNREPORTED] as number) + count;
    return left;
  }

  /** Copies the ring's count and oldest send time into the slots. With at most one call left the ring is released: the slots can hold that. */
  #count(host: number, ring: InFlight): number {
    const { cells } = this;
    const brief = this.brief(host);
    const { count } = ring;
    cells[brief + IN_FLIGHT] = count;
    if (count > 0) cells[brief + OLDEST_AT_MS] = ring.oldestMs;
    if (count <= 1) {
      (this.#rings as (InFlight | undefined)[])[host] = undefined;
      InFlight.giveBack(ring);
    }
    return count;
  }

  /** Of a host with a call in flight. */
  #ownRing(host: number): InFlight {
    this.#rings ??= new Array(this.size).fill(undefined);
    const rings = this.#rings;
    const known = rings[host];
    if (known !== undefined) return known;
    const ring = InFlight.take();
    ring.add(this.cells[this.brief(host) + OLDEST_AT_MS] as number);
    rings[host] = ring;
    return ring;
  }
}
