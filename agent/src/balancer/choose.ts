// pure
/** AD-1: which of the hosts of a pool a call costs least on. */
import { below, rolled } from '@lars/proto/dice';
import type { AdaptiveHosts } from './adaptive-hosts.ts';
import { slowFromMs } from './durations.ts';
import type { HostPool } from './host-pool.ts';
import { priceMs } from './price.ts';
import type { Shedding } from './shedding.ts';
import type { Weights } from './weights.ts';

/** AD-1. Four do for equal hosts; six find the large ones among unequal hosts nearly as well as looking at all. */
const CHOICES = 6;
/** Where all hosts that were drawn are full, so many more are looked at in a pick. */
const SECOND_LOOKS = 16;

/** AD-2: a host with a slow call in flight is due after so many of its fair shares of the picks, and twice as many for each further call. */
const DUE_SHARES = 4;

/** What a choice depends on. */
export interface ChoosingModule {
  readonly table: AdaptiveHosts;
  /** Undefined where all hosts have the same. */
  readonly weights: Weights | undefined;
}

/** AD-14, AD-19: a near host with room, else a far one. @param shedding the episode whose limits hold */
export function withRoom(
  near: HostPool,
  far: HostPool,
  module: ChoosingModule,
  shedding: Shedding,
  nowMs: number,
): number | undefined {
  return (
    cheapest(near, module, shedding, nowMs) ??
    cheapest(far, module, shedding, nowMs) ??
    anyWithRoom(near, module, shedding, nowMs) ??
    anyWithRoom(far, module, shedding, nowMs)
  );
}

/**
 * Stratified sampling: a pool of more than CHOICES hosts is cut into CHOICES equal strides from a random offset, and one host is drawn from
 * each. Draws never repeat, and every host is equally likely. Of equally cheap hosts the one that waits longest for its turn is taken.
 * @param shedding undefined where hosts without room will do
 */
export function cheapest(
  pool: HostPool,
  { table, weights }: ChoosingModule,
  shedding: Shedding | undefined,
  nowMs: number,
): number | undefined {
  const size = pool.length;
  if (size === 0) return undefined;
  const givenUpBeforeMs = table.givenUpBeforeMs(nowMs);
  const { isInFlightKnown } = table;
  const isRough = !isInFlightKnown || !table.isTold;
  const { module, turnsToFade } = table;
  const slowMs = slowFromMs(module);
  const draws = Math.min(CHOICES, size);
  const isDrawn = size > CHOICES;
  let dice = table.dice;
  const start = isDrawn ? below(dice, size) : 0;
  let to = 0;
  let best: number | undefined;
  let bestPrice = Number.POSITIVE_INFINITY;
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
    const inFlight = table.inFlight(host, givenUpBeforeMs);
    if (shedding !== undefined && inFlight >= table.limitOf(host, shedding.targetMs, nowMs)) continue;
    const callMs = priceMs(module, table.brief(host), isRough, turnsToFade, nowMs);
    let load = isInFlightKnown ? inFlight : 0;
    // Most picks have a better host at hand before they ask this.
    if (load > 0 && !isRough && isDue(table, host, load, slowMs, nowMs)) load = 0;
    const price = weights === undefined ? callMs * (load + 1) : weights.price(table, host, callMs, load, nowMs);
    if (price > bestPrice) continue;
    if (price === bestPrice && best !== undefined && table.pickedTurn(host) >= table.pickedTurn(best)) continue;
    best = host;
    bestPrice = price;
  }
  if (isDrawn) table.dice = rolled(dice);
  return best;
}

/** AD-2: whether a host that was passed over because of a slow call in flight is to be called all the same, to find out what holds it up. */
function isDue(table: AdaptiveHosts, host: number, inFlight: number, slowMs: number, nowMs: number): boolean {
  if (table.oldestAgeMs(host, nowMs) < slowMs) return false;
  const shares = DUE_SHARES * 2 ** (inFlight - 1);
  return table.turnsSincePick(host) > shares * table.size;
}

/** Fallback when every sampled host is full: a few picks together cover the pool, but no single pick scans all of it. */
function anyWithRoom(pool: HostPool, { table }: ChoosingModule, { targetMs }: Shedding, nowMs: number): number | undefined {
  if (pool.length <= CHOICES) return undefined;
  const givenUpBeforeMs = table.givenUpBeforeMs(nowMs);
  return findFrom(
    pool,
    table,
    SECOND_LOOKS,
    host => table.inFlight(host, givenUpBeforeMs) < table.limitOf(host, targetMs, nowMs),
  );
}

/** The first host that will do of `looks` in a row, from a random place on. */
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
