// pure
import { RecentCount } from './recent-count.ts';

/** AD-20: the shares that are held against a weight's share at least and at most, so that a host that is new, or was away, gets no flood. */
const RATIO_MIN = 0.5;
const RATIO_MAX = 4;

interface WeighedHost {
  /** Above 0. */
  readonly weight: number;
  recentPicks(nowMs: number): number;
}

/** AD-20. What the weights of a module's hosts mean to each of them. Where all weights are the same they mean nothing, and cost nothing. */
export class Weights {
  readonly #picks = new RecentCount();
  #sum = 0;
  #mean = 0;
  #differ = false;

  /** Do hosts have different weights? */
  get differ(): boolean {
    return this.#differ;
  }

  setHosts(hosts: readonly WeighedHost[]): void {
    this.#sum = hosts.reduce((sum, host) => sum + host.weight, 0);
    this.#mean = this.#sum / hosts.length;
    this.#differ = hosts.some(host => host.weight !== hosts[0]?.weight);
  }

  countPick(nowMs: number): void {
    this.#picks.add(nowMs);
  }

  /** The price of a call on this host: a load weighs less on a host with more weight, and so does a host that got less than its share. */
  price(host: WeighedHost, expectedMs: number, load: number, nowMs: number): number {
    const picks = this.#picks.get(nowMs);
    const share = picks === 0 ? 1 : (host.recentPicks(nowMs) * this.#sum) / (picks * host.weight);
    return expectedMs * (1 + (load * this.#mean) / host.weight) * Math.sqrt(Math.max(RATIO_MIN, Math.min(RATIO_MAX, share)));
  }
}
