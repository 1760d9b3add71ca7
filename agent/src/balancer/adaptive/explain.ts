// pure
/** What people are told of a host and of a module by the adaptive algorithm. */

import { PRICE_MIN_MS } from '@lars/proto/pricing';
import { givenUpBeforeMs, isInFlightKnown } from './calls-in-flight.ts';
import { type ModuleState, NO_SHEDDING } from './module-state.ts';
import { priceMs, reportedPriceMs } from './price.ts';
import { countResults } from './recent-results.ts';
import {
  CHEAP_PRICE,
  DURATION,
  DURATIONS_TOLD,
  ERROR_RATE,
  EVIDENCE,
  PICKED_TURN,
  pickSlots,
  RESULTS,
  TURN,
  TYPICAL_MS,
} from './slots.ts';

/** A host is shown as avoided from so many times the price of the cheap hosts on, and below this part of its share of the picks: twice the price is no call while another host has fewer than one in flight. */
const AVOIDED_PRICE = 2;
const AVOIDED_SHARE = 0.5;
/** With fewer recent picks than this many for each host, a small share says nothing. */
const PICKS_PER_HOST = 2;

export function stateOf(state: ModuleState, host: number): string {
  if (state.table.at(host).drain) return 'draining';
  const { isEjected, onProbation } = state.pastEjectionOf(host);
  if (isEjected) return 'ejected';
  return onProbation ? 'probation' : 'healthy';
}

export function numbersOf(state: ModuleState, host: number, nowMs: number): Record<string, number> {
  const { evidence, inFlight, slots } = state;
  const { values } = slots;
  const row = slots.row(host);
  const ejection = state.pastEjectionOf(host);
  const perSec = state.answersPerSec(host, nowMs);
  const { calls, failures } = countResults(values[row + RESULTS] as number);
  return {
    expectedMs: values[row + DURATION] as number,
    priceMs: priceNowMs(state, host, false, nowMs),
    inFlight: inFlight.count(host, givenUpBeforeMs(values, nowMs)),
    errorRate: values[row + ERROR_RATE] as number,
    normalErrorRate: evidence.normalRate,
    evidence: values[row + EVIDENCE] as number,
    evidenceLimit: evidence.limit(perSec),
    answersPerSec: perSec,
    lastCalls: calls,
    lastFailures: failures,
    ...(ejection.isEjected ? { failuresInRow: ejection.failuresInRow, probeInMs: ejection.probeInMs(nowMs) } : {}),
  };
}

/**
 * How many times as expensive as the cheap hosts a host is that may be called and gets far less than its share of the picks for that.
 * @param allPicks of the module, lately
 * @returns 0 where the host is not avoided
 */
export function avoidedTimes(state: ModuleState, host: number, allPicks: number, nowMs: number): number {
  const { candidates, localZone, slots, table, weights } = state;
  if (allPicks < PICKS_PER_HOST * candidates.length || !state.isInPool(host)) return 0;
  // AD-19 (zones): it is left out for where it stands.
  if (localZone.length > 0 && !state.isInLocalZone(host)) return 0;
  const { values } = slots;
  const cheapMs = Math.max(PRICE_MIN_MS, values[CHEAP_PRICE] as number);
  const isRough = !isInFlightKnown(values) || values[DURATIONS_TOLD] !== 1;
  // Its price fades until it is called again; why it got less than its share is the price before that.
  const price = isRough ? priceNowMs(state, host, isRough, nowMs) : reportedPriceMs(values, host);
  const times = price / cheapMs;
  if (times < AVOIDED_PRICE) return 0;
  const fairShare = weights?.shareOf(table.at(host)) ?? 1 / candidates.length;
  return slots.recentPicks(host, nowMs) < AVOIDED_SHARE * fairShare * allPicks ? times : 0;
}

/** See ModuleBalancer.isInTrouble. */
export function isInTrouble(state: ModuleState, allPicks: number, nowMs: number): boolean {
  const { shedding } = state;
  if (state.candidates.length === 0 && state.table.size > 0) return true;
  if (state.ejected.length > 0 || (shedding !== NO_SHEDDING && shedding.isOpen && shedding.isActive(nowMs))) return true;
  return state.candidates.some(host => state.pastEjectionOf(host).onProbation || avoidedTimes(state, host, allPicks, nowMs) > 0);
}

function priceNowMs({ slots: { values }, table }: ModuleState, host: number, isRough: boolean, nowMs: number): number {
  const pick = pickSlots(host);
  const turns = (values[TURN] as number) - (values[pick + PICKED_TURN] as number);
  return priceMs(values, pick, values[TYPICAL_MS] as number, isRough, turns / table.size, nowMs);
}
