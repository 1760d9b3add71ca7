// pure

import type { Dice } from '@lars/proto/dice';
import type { LarsHost } from '../lars-host.ts';
import { type HostStats, PRICE_MIN_MS } from './host-stats.ts';
import type { ModuleStats } from './module-stats.ts';

/** So many hosts are looked at in a pick. */
const CHOICES = 4;
/** The shares of the picks that are held against a weight's share, at least and at most. */
const RATIO_MIN = 0.5;
const RATIO_MAX = 4;

/** A host of a copy, ready to be given out again and again. */
export interface CopiedHost {
  readonly host: LarsHost;
  /** Resolved with the host. */
  readonly promise: Promise<LarsHost>;
  readonly stats: HostStats;
}

/** One revision of a route, to pick from. */
export class RouteCopy {
  readonly version: number;
  /** Those that may be called: hosts that drain are left out. */
  readonly #hosts: readonly CopiedHost[];
  readonly #moduleStats: ModuleStats;
  readonly #random: Dice;
  readonly #weightSum: number;
  readonly #weightsDiffer: boolean;
  #picks = 0;

  constructor(version: number, hosts: readonly CopiedHost[], moduleStats: ModuleStats, random: Dice) {
    this.version = version;
    this.#hosts = hosts.filter(({ host }) => !host.drain);
    this.#moduleStats = moduleStats;
    this.#random = random;
    this.#weightSum = this.#hosts.reduce((sum, { host }) => sum + host.weight, 0);
    // They are shares of this copy's picks.
    for (const { stats } of hosts) stats.picks = 0;
    this.#weightsDiffer = this.#hosts.some(({ host }) => host.weight !== this.#hosts[0]?.host.weight);
  }

  /** Whether there is no host to pick. */
  get isEmpty(): boolean {
    return this.#hosts.length === 0;
  }

  /** The cheapest of a few random hosts; of equally cheap ones each with the same chance. There must be one. */
  pick(): CopiedHost {
    const hosts = this.#hosts;
    const random = this.#random;
    const size = hosts.length;
    const isDrawn = size > CHOICES;
    let best = hosts[isDrawn ? random.below(size) : 0] as CopiedHost;
    if (size > 1) {
      let bestPrice = this.#price(best);
      let ties = 1;
      const looks = isDrawn ? CHOICES : size;
      for (let look = 1; look < looks; look++) {
        const one = hosts[isDrawn ? random.below(size) : look] as CopiedHost;
        const price = this.#price(one);
        if (price > bestPrice) continue;
        if (price < bestPrice) ties = 1;
        // The first one that is drawn is any of them already.
        else if (isDrawn || random.below(++ties) !== 0) continue;
        best = one;
        bestPrice = price;
      }
    }
    this.#picks += 1;
    best.stats.picks += 1;
    best.stats.addCall();
    return best;
  }

  /** Every now and then. */
  fadePicks(): void {
    this.#picks /= 2;
  }

  #price({ stats, host }: CopiedHost): number {
    const priceMs = stats.priceMs === 0 ? Math.max(PRICE_MIN_MS, this.#moduleStats.typicalMs) : stats.priceMs;
    if (!this.#weightsDiffer) return priceMs * (stats.inFlight + 1);
    const share = this.#picks === 0 ? 1 : (stats.picks * this.#weightSum) / (this.#picks * host.weight);
    const meanWeight = this.#weightSum / this.#hosts.length;
    return (
      priceMs * (1 + (stats.inFlight * meanWeight) / host.weight) * Math.sqrt(Math.max(RATIO_MIN, Math.min(RATIO_MAX, share)))
    );
  }
}
