// pure
import type { AdaptiveHost } from './adaptive-host.ts';
import { Dice } from './dice.ts';
import type { HostPool } from './host-pool.ts';
import type { ModuleLatency } from './module-latency.ts';
import type { Overload } from './overload.ts';
import type { Weights } from './weights.ts';

/** AD-1. Four do for equal hosts; six find the large ones among unequal hosts nearly as well as looking at all. */
const CHOICES = 6;
/** Where all that were drawn are full, so many more are looked at in a pick. */
const SECOND_LOOKS = 16;
/** AD-2: durations are told in whole milliseconds, and what lies below is noise: it must not pile all calls on one host. */
const PRICE_MIN_MS = 1;

/** AD-1 to AD-3, AD-14: which of the hosts of a pool a call costs least on. */
export class Choice {
  readonly #latency: ModuleLatency;
  readonly #overload: Overload;
  readonly #weights: Weights;
  readonly #dice: Dice;

  constructor(latency: ModuleLatency, overload: Overload, weights: Weights, random: () => number) {
    this.#latency = latency;
    this.#overload = overload;
    this.#weights = weights;
    this.#dice = new Dice(random);
  }

  /** @param isForced whether hosts without room will do */
  cheapest(pool: HostPool<AdaptiveHost>, isForced: boolean, nowMs: number): AdaptiveHost | undefined {
    let best: AdaptiveHost | undefined;
    let bestPrice = Number.POSITIVE_INFINITY;
    const choices = Math.min(CHOICES, pool.size);
    const lostBeforeMs = nowMs - this.#latency.staleAfterMs;
    const mayRefuse = !isForced && this.#overload.isRecent(nowMs);
    for (let drawn = 0; drawn < choices; drawn++) {
      const host = pool.draw(drawn, this.#dice);
      const load = host.load(lostBeforeMs);
      if (!isForced && !this.#hasRoom(host, load, mayRefuse, nowMs)) continue;
      const price = this.#price(host, load, nowMs);
      if (price >= bestPrice) continue;
      best = host;
      bestPrice = price;
    }
    return best;
  }

  /** Looks on where the drawn ones are full: over a few picks at every host, but in none of them at all. */
  anyWithRoom(pool: HostPool<AdaptiveHost>, nowMs: number): AdaptiveHost | undefined {
    if (pool.size <= CHOICES) return undefined;
    const lostBeforeMs = nowMs - this.#latency.staleAfterMs;
    const mayRefuse = this.#overload.isRecent(nowMs);
    for (let looks = Math.min(SECOND_LOOKS, pool.size); looks > 0; looks--) {
      const host = pool.next();
      if (this.#hasRoom(host, host.load(lostBeforeMs), mayRefuse, nowMs)) return host;
    }
    return undefined;
  }

  /** AD-2, AD-3: what a call is expected to take on this host. */
  expectedMs(host: AdaptiveHost, nowMs: number): number {
    return Math.max(PRICE_MIN_MS, host.expectedMs(this.#latency.typicalMs, nowMs));
  }

  /** AD-14, AD-16 */
  #hasRoom(host: AdaptiveHost, load: number, mayRefuse: boolean, nowMs: number): boolean {
    if (!host.hasLimit) {
      if (!mayRefuse) return true;
      host.window.limit(this.#overload.targetMs, nowMs);
    }
    const { window } = host;
    if (!mayRefuse) window.endPause();
    return window.hasRoom(load, this.#overload.targetMs, nowMs);
  }

  /** AD-2 */
  #price(host: AdaptiveHost, load: number, nowMs: number): number {
    const expectedMs = this.expectedMs(host, nowMs);
    return this.#weights.differ ? this.#weights.price(host, expectedMs, load, nowMs) : expectedMs * (load + 1);
  }
}
