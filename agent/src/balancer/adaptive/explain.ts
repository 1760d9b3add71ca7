// pure
/** What people are told of a host and of a module by the adaptive algorithm. */

import { givenUpBeforeMs } from './calls-in-flight.ts';
import type { ModuleState } from './module-state.ts';
import { priceMs } from './price.ts';
import { DURATION, ERROR_RATE, EVIDENCE, PICKED_TURN, pickSlots, TURN, TYPICAL_MS } from './slots.ts';

export function stateOf(state: ModuleState, host: number): string {
  if (state.table.at(host).drain) return 'draining';
  const { isEjected, onProbation } = state.pastEjectionOf(host);
  if (isEjected) return 'ejected';
  return onProbation ? 'probation' : 'healthy';
}

export function numbersOf(state: ModuleState, host: number, nowMs: number): Record<string, number> {
  const { evidence, table, inFlight, slots } = state;
  const { values } = slots;
  const row = slots.row(host);
  const pick = pickSlots(host);
  const turns = (values[TURN] as number) - (values[pick + PICKED_TURN] as number);
  const ejection = state.pastEjectionOf(host);
  const perSec = state.answersPerSec(host, nowMs);
  return {
    expectedMs: values[row + DURATION] as number,
    priceMs: priceMs(values, pick, values[TYPICAL_MS] as number, false, turns / table.size, nowMs),
    inFlight: inFlight.count(host, givenUpBeforeMs(values, nowMs)),
    errorRate: values[row + ERROR_RATE] as number,
    normalErrorRate: evidence.normalRate,
    evidence: values[row + EVIDENCE] as number,
    evidenceLimit: evidence.limit(perSec),
    answersPerSec: perSec,
    ...(ejection.isEjected ? { failuresInRow: ejection.failuresInRow, probeInMs: ejection.probeInMs(nowMs) } : {}),
  };
}
