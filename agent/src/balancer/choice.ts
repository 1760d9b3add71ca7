// pure
/** AD-1 to AD-3, AD-14: which of the hosts of a pool a call costs least on. */
import { below, rolled } from '@lars/proto/dice';
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

/** AD-1, AD-19: a near host if one has room, else a far one. */
export function withRoom(near: HostPool, far: HostPool, module: ChoosingModule, nowMs: number): number | undefined {
  return (
    cheapest(near, module, false, nowMs) ??
    cheapest(far, module, false, nowMs) ??
    anyWithRoom(near, module, nowMs) ??
    anyWithRoom(far, module, nowMs)
  );
}

/**
 * Where more than CHOICES are in the pool, the places that are drawn lie each in a stretch of its own, all as long, of which the first begins
 * at a random place: so all are different, and each comes as often as the others.
 * @param isForced whether hosts without room will do
 */
export function cheapest(pool: HostPool, module: ChoosingModule, isForced: boolean, nowMs: number): number | undefined {
  const size = pool.length;
  if (size === 0) return undefined;
  const { table, overload, weights } = module;
  const mayRefuse = !isForced && overload.isRecent(nowMs);
  const lostBeforeMs = table.lostBeforeMs(nowMs);
  const draws = Math.min(CHOICES, size);
  const isDrawn = size > CHOICES;
  let dice = table.dice;
  const start = isDrawn ? below(dice, size) : 0;
  let to = 0;
  let best: number | undefined;
  let bestPrice = Number.POSITIVE_INFINITY;
  let ties = 1;
  for (let drawn = 0; drawn < draws; drawn++) {
    const from = to;
    let place = drawn;
    if (isDrawn) {
      to = (((drawn + 1) * size) / CHOICES) | 0;
      dice = rolled(dice);
      place = start + from + below(dice, to - from);
      if (place >= size) place -= size;
    }
    const host = pool[place] as number;
    const load = table.load(host, lostBeforeMs);
    if (!isForced && !hasRoom(table, host, load, overload, mayRefuse, nowMs)) continue;
    const callMs = table.priceMs(host, nowMs);
    const price = weights === undefined ? callMs * (load + 1) : weights.price(table, host, callMs, load, nowMs);
    if (price > bestPrice) continue;
    if (price === bestPrice) {
      // Of equal ones each has the same chance.
      ties += 1;
      dice = rolled(dice);
      if (below(dice, ties) !== 0) continue;
    } else ties = 1;
    best = host;
    bestPrice = price;
  }
  table.dice = rolled(dice);
  return best;
}

/** Looks on where the drawn ones are full: over a few picks at every host, but in none of them at all. */
function anyWithRoom(pool: HostPool, { table, overload }: ChoosingModule, nowMs: number): number | undefined {
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
  let place = below(table.dice, size);
  table.dice = rolled(table.dice);
  for (let left = Math.min(looks, size); left > 0; left--) {
    const host = pool[place] as number;
    if (willDo(host)) return host;
    place = place + 1 < size ? place + 1 : 0;
  }
  return undefined;
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
  const known = table.windowOf(host);
  if (!mayRefuse) {
    if (known === undefined) return true;
    known.endPause();
    return known.hasRoom(load, targetMs, nowMs);
  }
  const window = known ?? table.limitedWindow(host);
  if (known === undefined) window.limit(table.fittingCalls(host, targetMs, nowMs));
  return window.hasRoom(load, targetMs, nowMs);
}
