// pure
import { DEFAULT_WEIGHT, type HostInfo } from '@lars/proto';
import { weightedPrice } from '@lars/proto/pricing';
import type { HostPool } from '../host-pool.ts';
import type { HostSlots } from '../host-slots.ts';
import { countRecent, NO_EVENTS, recentCount } from '../host-slots.ts';
import type { HostTable } from '../host-table.ts';

/** A host's weight; DEFAULT_WEIGHT if it has none. */
function weightOf({ weight }: HostInfo): number {
  return weight > 0 ? weight : DEFAULT_WEIGHT;
}

/** AD-20 (weights). What the weights of a module's hosts mean to each of them. Where all weights are the same they mean nothing, and cost nothing. */
export class Weights {
  readonly #picks: number[] = [...NO_EVENTS];
  #sum = 0;
  #mean = 0;

  /** Those of a module that had others, or whose weights were the same. @returns undefined where they are the same */
  static of(hosts: HostTable, slots: HostSlots, pool: HostPool, before: Weights | undefined, nowMs: number): Weights | undefined {
    const known = pool.map(host => weightOf(hosts.at(host)));
    if (known.every(weight => weight === known[0])) return undefined;
    const weights = before ?? new Weights(slots, pool, nowMs);
    weights.#sum = known.reduce((sum, weight) => sum + weight, 0);
    weights.#mean = weights.#sum / pool.length;
    return weights;
  }

  private constructor(slots: HostSlots, pool: HostPool, nowMs: number) {
    const picks = pool.reduce((sum, host) => sum + slots.recentPicks(host, nowMs), 0);
    countRecent(this.#picks, 0, picks, nowMs);
  }

  countPick(nowMs: number): void {
    countRecent(this.#picks, 0, 1, nowMs);
  }

  /** The part of the picks that the host's weight asks for, 0..1. */
  shareOf(host: HostInfo): number {
    return weightOf(host) / this.#sum;
  }

  /** The price of a call on a host: a load weighs less on a host with more weight, and so does a host that got less than its share. */
  price(hosts: HostTable, slots: HostSlots, host: number, expectedMs: number, load: number, nowMs: number): number {
    const weight = weightOf(hosts.at(host));
    const picks = recentCount(this.#picks, 0, nowMs);
    const share = picks === 0 ? 1 : (slots.recentPicks(host, nowMs) * this.#sum) / (picks * weight);
    return weightedPrice(expectedMs, load, weight, this.#mean, share);
  }
}
