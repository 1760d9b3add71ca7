// pure
import { LOAD, NEW_ADAPTIVE_BRIEF, OLDEST_AT_MS } from './host-cells.ts';
import { HostTable, movedTo } from './host-table.ts';
import { InFlight } from './in-flight.ts';
import { NEW_MODULE } from './module-latency.ts';

const MODULE_LENGTH = NEW_MODULE.length;
const BRIEF_LENGTH = NEW_ADAPTIVE_BRIEF.length;

/**
 * AD-4: the calls in flight of a module's hosts. Of most hosts of an agent there is one at a time, if any, and when it was sent stands in a
 * cell; a host with more than one has a ring of its own.
 */
export abstract class HostsInFlight extends HostTable {
  #rings: (InFlight | undefined)[] | undefined = undefined;

  override sync(hosts: Parameters<HostTable['sync']>[0]): ReturnType<HostTable['sync']> {
    const before = super.sync(hosts);
    this.#rings = movedTo(before, this.#rings);
    return before;
  }

  /** Calls in flight, but for those that were sent so long ago that they are given up. */
  load(host: number, lostBeforeMs: number): number {
    const { cells } = this;
    const brief = this.brief(host);
    const load = cells[brief + LOAD] as number;
    return load === 0 || (cells[brief + OLDEST_AT_MS] as number) >= lostBeforeMs ? load : this.#forget(host, lostBeforeMs);
  }

  protected addInFlight(host: number, nowMs: number): void {
    const { cells } = this;
    const brief = this.brief(host);
    if (cells[brief + LOAD] === 0) {
      cells[brief + LOAD] = 1;
      cells[brief + OLDEST_AT_MS] = nowMs;
      return;
    }
    const ring = this.#ownRing(host);
    ring.add(nowMs);
    this.#count(host, ring);
  }

  /** Forgets the call that was sent closest to then, if there is one. */
  protected settleInFlight(host: number, sentMs: number): void {
    const ring = this.#rings?.[host];
    if (ring === undefined) {
      this.cells[this.brief(host) + LOAD] = 0;
      return;
    }
    ring.settle(sentMs);
    this.#count(host, ring);
  }

  /** See InFlight; undefined where none is in flight. */
  protected oldestInFlight(host: number, sinceMs: number): number | undefined {
    const ring = this.#rings?.[host];
    if (ring !== undefined) return ring.oldestSince(sinceMs);
    const brief = this.brief(host);
    return this.cells[brief + LOAD] === 0 ? undefined : this.cells[brief + OLDEST_AT_MS];
  }

  /** Where in `cells` that begins which a pick reads of a host. */
  protected brief(host: number): number {
    return MODULE_LENGTH + host * BRIEF_LENGTH;
  }

  /** Gives up the calls that were sent before then. */
  #forget(host: number, lostBeforeMs: number): number {
    const ring = this.#rings?.[host];
    if (ring === undefined) {
      this.cells[this.brief(host) + LOAD] = 0;
      return 0;
    }
    ring.forgetBefore(lostBeforeMs);
    return this.#count(host, ring);
  }

  /** Takes over what a ring says; without more than one call there is none. */
  #count(host: number, ring: InFlight): number {
    const { cells } = this;
    const brief = this.brief(host);
    const { count } = ring;
    cells[brief + LOAD] = count;
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
