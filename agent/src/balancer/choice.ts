// pure
/** AD-1 to AD-3, AD-14: which of the hosts of a pool a call costs least on. */

import type { Dice } from '@lars/proto/dice';
import type { AdaptiveHost } from './adaptive-host.ts';
import type { HostPool } from './host-pool.ts';
import { type ModuleCells, staleAfterMs, TYPICAL_MS } from './module-latency.ts';
import type { Overload } from './overload.ts';
import type { Weights } from './weights.ts';

/** AD-1. Four do for equal hosts; six find the large ones among unequal hosts nearly as well as looking at all. */
const CHOICES = 6;
/** Where all that were drawn are full, so many more are looked at in a pick. */
const SECOND_LOOKS = 16;
/** AD-2: durations are told in whole milliseconds, and what lies below is noise: it must not pile all calls on one host. */
const PRICE_MIN_MS = 1;

/** What a choice depends on but for the hosts. */
export interface ChoosingModule {
  readonly cells: ModuleCells;
  readonly overload: Overload;
  /** Undefined where all hosts have the same. */
  readonly weights: Weights | undefined;
  readonly dice: Dice;
}

/** @param isForced whether hosts without room will do */
export function cheapest(
  pool: HostPool<AdaptiveHost>,
  module: ChoosingModule,
  isForced: boolean,
  nowMs: number,
): AdaptiveHost | undefined {
  let best: AdaptiveHost | undefined;
  let bestPrice = Number.POSITIVE_INFINITY;
  const { cells, overload, weights, dice } = module;
  const choices = Math.min(CHOICES, pool.size);
  const typicalMs = cells[TYPICAL_MS] as number;
  const lostBeforeMs = nowMs - staleAfterMs(cells);
  const mayRefuse = !isForced && overload.isRecent(nowMs);
  for (let drawn = 0; drawn < choices; drawn++) {
    const host = pool.draw(drawn, dice);
    const load = host.load(lostBeforeMs);
    if (!isForced && !hasRoom(host, load, overload, mayRefuse, nowMs)) continue;
    const price = priceOf(host, load, typicalMs, weights, nowMs);
    if (price >= bestPrice) continue;
    best = host;
    bestPrice = price;
  }
  return best;
}

/** Looks on where the drawn ones are full: over a few picks at every host, but in none of them at all. */
export function anyWithRoom(
  pool: HostPool<AdaptiveHost>,
  { cells, overload }: ChoosingModule,
  nowMs: number,
): AdaptiveHost | undefined {
  if (pool.size <= CHOICES) return undefined;
  const lostBeforeMs = nowMs - staleAfterMs(cells);
  const mayRefuse = overload.isRecent(nowMs);
  for (let looks = Math.min(SECOND_LOOKS, pool.size); looks > 0; looks--) {
    const host = pool.next();
    if (hasRoom(host, host.load(lostBeforeMs), overload, mayRefuse, nowMs)) return host;
  }
  return undefined;
}

/** AD-2, AD-3: what a call is expected to take on this host. */
export function expectedMs(host: AdaptiveHost, typicalMs: number, nowMs: number): number {
  return Math.max(PRICE_MIN_MS, host.expectedMs(typicalMs, nowMs));
}

/** AD-14, AD-16 */
function hasRoom(host: AdaptiveHost, load: number, { targetMs }: Overload, mayRefuse: boolean, nowMs: number): boolean {
  const { window } = host;
  if (window === undefined) {
    if (!mayRefuse) return true;
    host.limitedWindow().limit(host.fittingCalls(targetMs, nowMs));
  } else if (!mayRefuse) window.endPause();
  return host.hasRoom(load, targetMs, nowMs);
}

/** AD-2 */
function priceOf(host: AdaptiveHost, load: number, typicalMs: number, weights: Weights | undefined, nowMs: number): number {
  const callMs = expectedMs(host, typicalMs, nowMs);
  return weights === undefined ? callMs * (load + 1) : weights.price(host, callMs, load, nowMs);
}
