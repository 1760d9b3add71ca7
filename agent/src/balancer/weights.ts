// pure
import { countRecent, NO_EVENTS, recentCount } from './recent-count.ts';

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
  readonly #picks: number[] = [...NO_EVENTS];
  #sum = 0;
  #mean = 0;

  /** Those of a module that had others, or whose weights were the same. @returns undefined where they are the same */
  static of(hosts: readonly WeighedHost[], before: Weights | undefined, nowMs: number): Weights | undefined {
    if (hosts.every(host => host.weight === hosts[0]?.weight)) return undefined;
    const weights = before ?? new Weights(hosts, nowMs);
    weights.#sum = hosts.reduce((sum, host) => sum + host.weight, 0);
    weights.#mean = weights.#sum / hosts.length;
    return weights;
  }

  private constructor(hosts: readonly WeighedHost[], nowMs: number) {
    const picks = hosts.reduce((sum, host) => sum + host.recentPicks(nowMs), 0);
    countRecent(this.#picks, 0, picks, nowMs);
  }

  countPick(nowMs: number): void {
    countRecent(this.#picks, 0, 1, nowMs);
  }

  /** The price of a call on this host: a load weighs less on a host with more weight, and so does a host that got less than its share. */
  price(host: WeighedHost, expectedMs: number, load: number, nowMs: number): number {
    const picks = recentCount(this.#picks, 0, nowMs);
    const share = picks === 0 ? 1 : (host.recentPicks(nowMs) * this.#sum) / (picks * host.weight);
    return expectedMs * (1 + (load * this.#mean) / host.weight) * Math.sqrt(Math.max(RATIO_MIN, Math.min(RATIO_MAX, share)));
  }
}
