// pure

import { PRICE_MIN_MS, weightedPrice } from '@lars/proto/pricing';
import type { Xorshift32 } from '@lars/proto/prng';
import type { LarsHost } from '../lars-host.ts';
import type { HostStats } from './host-stats.ts';
import type { ModuleStats } from './module-stats.ts';

/** A pick compares this many random hosts, or all where there are no more. */
const SAMPLE_SIZE = 4;

/** A pick while the agent is away compares as many of those that are not failing. */
const ALONE_SAMPLE_SIZE = 2 * SAMPLE_SIZE;

/** A host of a copy, ready to be given to callers again and again. */
export interface CopiedHost {
  readonly host: LarsHost;
  /** Resolved with the host, for callers of getHost. */
  readonly promise: Promise<LarsHost>;
  readonly stats: HostStats;
}

/** One version of a route, to pick from. */
export class RouteCopy {
  readonly version: number;
  /** The hosts that may be called: those that drain are left out. */
  readonly #hosts: readonly CopiedHost[];
  /** Those of the caller's own zone. */
  readonly #localZone: readonly CopiedHost[];
  readonly #module: ModuleStats;
  readonly #random: Xorshift32;
  readonly #weightSum: number;
  readonly #weightsDiffer: boolean;
  #picks = 0;

  constructor(version: number, hosts: readonly CopiedHost[], module: ModuleStats, random: Xorshift32, zone: string) {
    this.version = version;
    this.#hosts = hosts.filter(({ host }) => !host.drain);
    this.#localZone = zone === '' ? [] : this.#hosts.filter(({ host }) => host.zone === zone);
    this.#module = module;
    this.#random = random;
    this.#weightSum = this.#hosts.reduce((sum, { host }) => sum + host.weight, 0);
    // A host's picks are compared with those of this copy, so they start at 0 with it.
    for (const { stats } of hosts) stats.picks = 0;
    this.#weightsDiffer = this.#hosts.some(({ host }) => host.weight !== this.#hosts[0]?.host.weight);
  }

  /** Whether there is no host to pick. */
  get isEmpty(): boolean {
    return this.#hosts.length === 0;
  }

  /** The cheapest of a few random hosts; of equally cheap ones each with the same chance. The copy must not be empty. */
  pick(): CopiedHost {
    const hosts = this.#hosts;
    const random = this.#random;
    const size = hosts.length;
    const isSample = size > SAMPLE_SIZE;
    let best = hosts[isSample ? random.nextBelow(size) : 0] as CopiedHost;
    if (size > 1) {
      let bestPrice = this.#price(best);
      let ties = 1;
      const compared = isSample ? SAMPLE_SIZE : size;
      for (let at = 1; at < compared; at++) {
        const one = hosts[isSample ? random.nextBelow(size) : at] as CopiedHost;
        const price = this.#price(one);
        if (price > bestPrice) continue;
        if (price < bestPrice) ties = 1;
        // In a sample the first of equally cheap hosts is a random one already.
        else if (isSample || random.nextBelow(++ties) !== 0) continue;
        best = one;
        bestPrice = price;
      }
    }
    // As in #take: nearly all calls pass here, and a function more costs each of them.
    this.#picks += 1;
    best.stats.picks += 1;
    best.stats.addCall();
    return best;
  }

  /**
   * As `pick`, but without the hosts that are failing, and from the caller's own zone where that has others: while the agent is away nobody else
   * looks to either. The copy must not be empty.
   */
  pickAlone(): CopiedHost {
    const well = this.#cheapestWell(this.#localZone) ?? this.#cheapestWell(this.#hosts);
    return this.#take(well ?? this.#cheapest(this.#hosts));
  }

  /** Called every 2 s, when the hosts forget half of their picks. */
  fadePicks(): void {
    this.#picks /= 2;
  }

  #take(picked: CopiedHost): CopiedHost {
    this.#picks += 1;
    picked.stats.picks += 1;
    picked.stats.addCall();
    return picked;
  }

  /** The cheapest of some hosts that are not failing; undefined when all are. */
  #cheapestWell(hosts: readonly CopiedHost[]): CopiedHost | undefined {
    let best: CopiedHost | undefined;
    if (hosts.length === 0) return undefined;
    for (let tries = 0; tries < ALONE_SAMPLE_SIZE; tries++) {
      const one = hosts[this.#random.nextBelow(hosts.length)] as CopiedHost;
      if (!one.stats.isFailing(this.#module)) best = this.#cheaper(best, one);
    }
    if (best !== undefined) return best;
    // Nearly all are failing: a search through all of them finds the one that is not.
    const well = hosts.filter(({ stats }) => !stats.isFailing(this.#module));
    return well.length === 0 ? undefined : this.#cheapest(well);
  }

  #cheapest(hosts: readonly CopiedHost[]): CopiedHost {
    return hosts.reduce((best, one) => this.#cheaper(best, one));
  }

  #cheaper(best: CopiedHost | undefined, one: CopiedHost): CopiedHost {
    return best === undefined || this.#price(one) < this.#price(best) ? one : best;
  }

  #price({ stats, host }: CopiedHost): number {
    const priceMs = stats.priceMs === 0 ? Math.max(PRICE_MIN_MS, this.#module.typicalMs) : stats.priceMs;
    if (!this.#weightsDiffer) return priceMs * (stats.inFlight + 1);
    const pickRatio = this.#picks === 0 ? 1 : (stats.picks * this.#weightSum) / (this.#picks * host.weight);
    return weightedPrice(priceMs, stats.inFlight, host.weight, this.#weightSum / this.#hosts.length, pickRatio);
  }
}
