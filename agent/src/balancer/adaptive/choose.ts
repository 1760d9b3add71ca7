// pure
/** The chapter Choose of docs/load-balancing.md, AD-1 and AD-2: which of the hosts of a pool a call costs least on. */
import { nextState, uniformBelow } from '@lars/proto/prng';
import type { HostPool } from '../host-pool.ts';
import { givenUpBeforeMs, isInFlightKnown, takeTurn } from './calls-in-flight.ts';
import { slowFromMs } from './durations.ts';
import type { ModuleState } from './module-state.ts';
import { priceMs } from './price.ts';
import { concurrencyLimit, type Shedding } from './shedding-episode.ts';
import { DURATIONS_TOLD, OLDEST_AT_MS, PICKED_TURN, PRNG_STATE, pickSlots, TURN, TYPICAL_MS } from './slots.ts';

/** Four suffice for equal hosts; among unequal ones six find the fast hosts nearly as well as looking at all. */
const CHOICES = 6;
/** Where all hosts that were drawn are full, so many more are looked at in a pick. */
const SECOND_LOOKS = 16;
/** A call that takes this many times as long as a slow one is overdue: pauses are mostly over by then. */
const OVERDUE_FACTOR = 8;
/** A host with an overdue call in flight is tried again after this many fair shares of the picks, and twice as many for each further call. */
const DUE_SHARES = 3;

/** Notes that the host was picked: a call is in flight. */
export function recordPick(state: ModuleState, host: number, nowMs: number): void {
  state.slots.countPick(host, nowMs);
  takeTurn(state.slots.values, host);
  state.inFlight.add(host, state.table.size, nowMs);
  state.weights?.countPick(nowMs);
}

/** AD-14 (concurrency limit), AD-19 (zones): a host of the own zone with capacity, else one of another. @param shedding the episode whose limits apply */
export function pickWithCapacity(
  localZone: HostPool,
  otherZones: HostPool,
  state: ModuleState,
  shedding: Shedding,
  nowMs: number,
): number | undefined {
  return (
    pickCheapest(localZone, state, shedding, nowMs) ??
    pickCheapest(otherZones, state, shedding, nowMs) ??
    scanForCapacity(localZone, state, shedding, nowMs) ??
    scanForCapacity(otherZones, state, shedding, nowMs)
  );
}

/**
 * Stratified sampling: a pool of more than CHOICES hosts is cut into CHOICES equal strides from a random offset, and one host is drawn from
 * each. Draws never repeat, and every host is equally likely. Of equally cheap hosts the one that waits longest for its turn is taken.
 * @param shedding undefined where hosts without room will do
 */
export function pickCheapest(
  pool: HostPool,
  state: ModuleState,
  shedding: Shedding | undefined,
  nowMs: number,
): number | undefined {
  const size = pool.length;
  if (size === 0) return undefined;
  const { table, inFlight: calls, slots, weights } = state;
  const { values } = slots;
  const sentBeforeMs = givenUpBeforeMs(values, nowMs);
  const isKnown = isInFlightKnown(values);
  const isRough = !isKnown || values[DURATIONS_TOLD] !== 1;
  const typicalMs = values[TYPICAL_MS] as number;
  const now = values[TURN] as number;
  const perTurn = 1 / table.size;
  const draws = Math.min(CHOICES, size);
  const isDrawn = size > CHOICES;
  let prng = values[PRNG_STATE] as number;
  const start = isDrawn ? uniformBelow(prng, size) : 0;
  let to = 0;
  let best: number | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  let bestTurn = 0;
  for (let drawn = 0; drawn < draws; drawn++) {
    let place = drawn;
    if (isDrawn) {
      const from = to;
      to = (((drawn + 1) * size) / CHOICES) | 0;
      prng = nextState(prng);
      place = start + from + uniformBelow(prng, to - from);
      if (place >= size) place -= size;
    }
    const host = pool[place] as number;
    const pick = pickSlots(host);
    const inFlight = calls.count(host, sentBeforeMs);
    if (shedding !== undefined && inFlight >= concurrencyLimit(slots, host, shedding.targetMs, nowMs)) continue;
    const turn = values[pick + PICKED_TURN] as number;
    const shares = (now - turn) * perTurn;
    const callMs = priceMs(values, pick, typicalMs, isRough, shares, nowMs);
    let load = isKnown ? inFlight : 0;
    if (shares > DUE_SHARES && load > 0 && !isRough && isDue(values, pick, inFlight, shares, nowMs)) load = 0;
    const cost = weights === undefined ? callMs * (load + 1) : weights.price(table, slots, host, callMs, load, nowMs);
    if (cost > bestCost) continue;
    if (cost === bestCost && turn >= bestTurn && best !== undefined) continue;
    best = host;
    bestCost = cost;
    bestTurn = turn;
  }
  if (isDrawn) values[PRNG_STATE] = nextState(prng);
  return best;
}

/** AD-2 (price): whether a host that was passed over because of an overdue call in flight is to be called all the same, to find out what holds it up. */
function isDue(values: readonly number[], pick: number, inFlight: number, shares: number, nowMs: number): boolean {
  return (
    nowMs - (values[pick + OLDEST_AT_MS] as number) >= OVERDUE_FACTOR * slowFromMs(values) &&
    shares > DUE_SHARES * 2 ** (inFlight - 1)
  );
}

/** Fallback when every sampled host is full: a few picks together cover the pool, but no single pick scans all of it. */
function scanForCapacity(pool: HostPool, state: ModuleState, { targetMs }: Shedding, nowMs: number): number | undefined {
  if (pool.length <= CHOICES) return undefined;
  const { inFlight, slots } = state;
  const sentBeforeMs = givenUpBeforeMs(slots.values, nowMs);
  return scanFrom(
    pool,
    slots.values,
    SECOND_LOOKS,
    host => inFlight.count(host, sentBeforeMs) < concurrencyLimit(slots, host, targetMs, nowMs),
  );
}

/** The first host that will do of `looks` in a row, from a random place on. */
export function scanFrom(pool: HostPool, values: number[], looks: number, willDo: (host: number) => boolean): number | undefined {
  const size = pool.length;
  if (size === 0) return undefined;
  let place = uniformBelow(values[PRNG_STATE] as number, size);
  values[PRNG_STATE] = nextState(values[PRNG_STATE] as number);
  for (let left = Math.min(looks, size); left > 0; left--) {
    const host = pool[place] as number;
    if (willDo(host)) return host;
    place = place + 1 < size ? place + 1 : 0;
  }
  return undefined;
}
