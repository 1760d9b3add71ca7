// pure
/** The chapter Recover of docs/load-balancing.md, AD-9 to AD-12, and the free probe of AD-17. */

import type { AdaptiveCause } from '../balancer.ts';
import { type HostPool, withHost, withoutHost } from '../host-pool.ts';
import { givenUpBeforeMs } from './calls-in-flight.ts';
import { scanFrom } from './choose.ts';
import { restartMean } from './durations.ts';
import { numbersOf } from './explain.ts';
import type { ModuleState } from './module-state.ts';
import { setPrice } from './price.ts';
import { ProbeBudget } from './probe-budget.ts';
import { DURATION, ERROR_RATE, EVIDENCE, SLOW_RUN, TYPICAL_MS } from './slots.ts';

/** So many ejected hosts are looked at in a pick for one whose probe is due. */
const PROBE_LOOKS = 4;
/** AD-17 (none left): so many where nothing else is left. */
const FREE_PROBE_LOOKS = 16;
/** AD-12 (probation): a readmitted host starts with at least this part of the limit, and never more than one failure below it. */
const PROBATION_EVIDENCE = 0.75;

/** AD-9 (ejection). @param isLost whether it failed by silence */
export function eject(state: ModuleState, host: number, isLost: boolean, nowMs: number): void {
  const { environment, options } = state;
  state.ejectionOf(host).start(options, isLost, environment.random, nowMs);
  state.localZone = withoutHost(state.localZone, host);
  state.otherZones = withoutHost(state.otherZones, host);
  state.ejected = withHost(state.ejected, host);
  state.emitChange(host, 'ejected', 'error-evidence', numbersOf(state, host, nowMs), nowMs);
}

/** AD-12 (probation) */
function readmit(state: ModuleState, host: number, cause: AdaptiveCause, tookMs: number, nowMs: number): void {
  const { ejectedAtMs, failuresInRow } = state.pastEjectionOf(host);
  beginProbation(state, host, tookMs, nowMs);
  state.requireAgentPick(nowMs);
  state.ejected = withoutHost(state.ejected, host);
  if (state.isInLocalZone(host)) state.localZone = withHost(state.localZone, host);
  else state.otherZones = withHost(state.otherZones, host);
  state.emitChange(host, 'healthy', cause, { tookMs, ejectedForMs: nowMs - ejectedAtMs, failuresInRow }, nowMs);
}

/** AD-12 (probation): nearly the next failure ejects it again; old errors are forgiven. */
function beginProbation(state: ModuleState, host: number, tookMs: number, nowMs: number): void {
  const { evidence, slots } = state;
  const { values } = slots;
  const row = slots.row(host);
  const limit = evidence.limit(state.answersPerSec(host, nowMs));
  state.ejectionOf(host).end(nowMs);
  values[row + EVIDENCE] = Math.max(limit * PROBATION_EVIDENCE, limit - evidence.failure);
  values[row + ERROR_RATE] = evidence.normalRate;
  values[row + SLOW_RUN] = 0;
  restartMean(values, row + DURATION, tookMs, nowMs);
  setPrice(slots, host, row, evidence, nowMs);
}

/** AD-9 (ejection): who was ejected first is no worse than the others. */
export function readmitAll(state: ModuleState, cause: AdaptiveCause, nowMs: number): void {
  for (const host of state.ejected) readmit(state, host, cause, state.slots.values[TYPICAL_MS] as number, nowMs);
}

/** AD-10 (probe backoff), AD-11 (probe budget): an ejected host that has waited for its pause, when a probe has been earned. There must be ejected hosts. */
export function dueProbe(state: ModuleState, ejected: HostPool, nowMs: number): number | undefined {
  state.probeBudget ??= new ProbeBudget(state.options.probeShare);
  const budget = state.probeBudget;
  budget.earn(state.ejected.length, state.candidates.length);
  if (budget.isEmpty) return undefined;
  const host = scanFrom(ejected, state.slots.values, PROBE_LOOKS, one => state.pastEjectionOf(one).isProbeDue(nowMs));
  if (host === undefined) return undefined;
  budget.spend();
  return probe(state, host, 'probe-due', nowMs);
}

/** AD-17 (none left): the refused call might as well be a probe. */
export function freeProbe(state: ModuleState, ejected: HostPool, nowMs: number): number | undefined {
  const { values } = state.slots;
  const sentBeforeMs = givenUpBeforeMs(values, nowMs);
  const host = scanFrom(ejected, values, FREE_PROBE_LOOKS, one => state.inFlight.count(one, sentBeforeMs) === 0);
  return host === undefined ? undefined : probe(state, host, 'none-left', nowMs);
}

function probe(state: ModuleState, host: number, cause: AdaptiveCause, nowMs: number): number {
  const ejection = state.ejectionOf(host);
  const { pauseMs, failuresInRow } = ejection;
  const numbers = { ejectedForMs: nowMs - ejection.ejectedAtMs, pauseMs, failuresInRow };
  state.slots.countProbe(host);
  ejection.probeSent(state.options, nowMs);
  state.emit(state.table.at(host), 'probed', cause, numbers);
  return host;
}

/**
 * AD-10 (probe backoff), AD-12 (probation): a report about an ejected host. Calls that were sent before the ejection say nothing new, but for an answer of a host that was
 * ejected because it did not answer. A call that is alone in flight is the probe.
 */
export function evaluateProbe(
  state: ModuleState,
  host: number,
  ok: boolean,
  sentMs: number,
  inFlight: number,
  nowMs: number,
): void {
  const ejection = state.ejectionOf(host);
  const isProbe = ejection.probing && inFlight <= 1;
  const isAlive = ok && ejection.forSilence;
  if (!isProbe && !isAlive && sentMs < ejection.heardSinceMs) return;
  // Of a host that was silent, the call that ends it tells how long it was silent, not how long a call takes.
  const tookMs = isProbe || !isAlive ? nowMs - sentMs : (state.slots.values[TYPICAL_MS] as number);
  if (ok) readmit(state, host, 'call-succeeded', tookMs, nowMs);
  else if (ejection.probing) ejection.probeFailed(state.options, state.environment.random, nowMs);
}
