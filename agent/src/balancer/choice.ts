// pure
/** AD-1 to AD-3, AD-14: which of the hosts of a pool a call costs least on. */
import type { AdaptiveHosts } from './adaptive-hosts.ts';
import type { HostPool } from './host-pool.ts';
import type { Overload } from './overload.ts';
import type { Weights } from './weights.ts';

/** AD-1. Four do for equal hosts; six find the large ones among unequal hosts nearly as well as looking at all. */
const CHOICES = 6;
/** Where all that were drawn are full, so many more are looked at in a pick. */
const SECOND_LOOKS = 16;

/** What a choice depends on. */
export interface ChoosingModule {
  readonly table: AdaptiveHosts;
  readonly overload: Overload;
  /** Undefined where all hosts have the same. */
  readonly weights: Weights | undefined;
}

/** @param isForced whether hosts without room will do */
export function cheapest(pool: HostPool, module: ChoosingModule, isForced: boolean, nowMs: number): number | undefined {
  const size = pool.length;
  if (size === 0) return undefined;
  const { table, overload, weights } = module;
  const mayRefuse = !isForced && overload.isRecent(nowMs);
  const lostBeforeMs = table.lostBeforeMs(nowMs);
  const draws = Math.min(CHOICES, size);
  const start = draws === size ? 0 : table.throwBelow(size);
  let best: number | undefined;
  let bestPrice = Number.POSITIVE_INFINITY;
  let ties = 1;
  for (let drawn = 0; drawn < draws; drawn++) {
    const host = pool[draws === size ? drawn : drawPlace(table, drawn, size, start)] as number;
    const load = table.load(host, lostBeforeMs);
    if (!isForced && !hasRoom(table, host, load, overload, mayRefuse, nowMs)) continue;
    const callMs = table.priceMs(host, nowMs);
    const price = weights === undefined ? callMs * (load + 1) : weights.price(table, host, callMs, load, nowMs);
    if (price > bestPrice) continue;
    // Of equal ones each has the same chance.
    ties = price === bestPrice ? ties + 1 : 1;
    if (ties > 1 && table.throwBelow(ties) !== 0) continue;
    best = host;
    bestPrice = price;
  }
  return best;
}

/** Looks on where the drawn ones are full: over a few picks at every host, but in none of them at all. */
export function anyWithRoom(pool: HostPool, { table, overload }: ChoosingModule, nowMs: number): number | undefined {
  const size = pool.length;
  if (size <= CHOICES) return undefined;
  const lostBeforeMs = table.lostBeforeMs(nowMs);
  const mayRefuse = overload.isRecent(nowMs);
  return findFrom(pool, table, SECOND_LOOKS, host =>
    hasRoom(table, host, table.load(host, lostBeforeMs), overload, mayRefuse, nowMs),
  );
}

/** The first one that will do of so many, beginning at a random place. */
export function findFrom(
  pool: HostPool,
  table: AdaptiveHosts,
  looks: number,
  willDo: (host: number) => boolean,
): number | undefined {
  const size = pool.length;
  if (size === 0) return undefined;
  let place = table.throwBelow(size);
  for (let left = Math.min(looks, size); left > 0; left--) {
    const host = pool[place] as number;
    if (willDo(host)) return host;
    place = place + 1 < size ? place + 1 : 0;
  }
  return undefined;
}

/**
 * The places that are drawn lie each in a stretch of its own, all as long, of which the first begins at a random place: so all are
 * different, and each comes as often as the others.
 */
function drawPlace(table: AdaptiveHosts, drawn: number, size: number, start: number): number {
  const from = Math.floor((drawn * size) / CHOICES);
  const to = Math.floor(((drawn + 1) * size) / CHOICES);
  const place = start + from + table.throwBelow(to - from);
  return place < size ? place : place - size;
}

/** AD-14, AD-16 */
function hasRoom(
  table: AdaptiveHosts,
  host: number,
  load: number,
  { targetMs }: Overload,
  mayRefuse: boolean,
  nowMs: number,
): boolean {
  const window = table.windowOf(host);
  if (window === undefined) {
    if (!mayRefuse) return true;
    table.limitedWindow(host).limit(table.fittingCalls(host, targetMs, nowMs));
  } else if (!mayRefuse) window.endPause();
  return table.hasRoom(host, load, targetMs, nowMs);
}
