// pure
/** The chapter Detect of docs/load-balancing.md: AD-6, AD-7, AD-9, and what AD-21 takes for trouble. */

import type { HostSlots } from '../host-slots.ts';
import { AGENT_PICK_MS, type ModuleState, NO_FAILURES } from './module-state.ts';
import { FADE_MS, updateCheapPrice } from './price.ts';
import { eject, readmitAll } from './recover.ts';
import { lowerQuartile, sampleOthers } from './siblings.ts';
import { ERROR_RATE, EVIDENCE, HAS_ANSWERED } from './slots.ts';

/** AD-9 (ejection): evidence grows to this many times the limit, so that a host can stand out where the others are not free of it. */
const EVIDENCE_CAP = 2;
/** AD-9 (ejection): a host that is ejected errs more than this many times as often as the others. */
const RATE_FACTOR = 3;
/** AD-9 (ejection): where the lower quartile of the others has this part of the limit, the trouble is shared. */
const SHARED = 0.5;
/** AD-21 (copies): a host with this part of the evidence that ejects may be ejected soon. */
const TROUBLE_EVIDENCE = 0.4;

/** AD-6 (normal error rate), AD-7 (error evidence), AD-9 (ejection): a report as evidence for or against its host. @param isSlow whether the call was lost, where it failed */
export function updateEvidence(state: ModuleState, host: number, ok: boolean, isSlow: boolean, nowMs: number): void {
  const { evidence, slots } = state;
  if (evidence === NO_FAILURES) return;
  const { values } = slots;
  const at = slots.row(host) + EVIDENCE;
  const before = values[at] as number;
  const now = evidence.add(before, ok);
  if (now < evidence.lowestLimit) {
    if (now !== before) values[at] = now;
    if (now === 0 && before !== 0) state.endProbation(host);
    return;
  }
  const limit = evidence.limit(state.answersPerSec(host, nowMs));
  values[at] = Math.min(now, EVIDENCE_CAP * limit);
  // Where no success was ever told, failures say nothing.
  if (!ok && now >= limit && values[HAS_ANSWERED] === 1) ejectOutlier(state, host, limit, isSlow, nowMs);
}

/** AD-9 (ejection): a host that errs clearly more than the others is ejected; where most do, the trouble is shared. */
function ejectOutlier(state: ModuleState, host: number, limit: number, isLost: boolean, nowMs: number): void {
  const { candidates, environment, evidence, slots } = state;
  const others = sampleOthers(candidates, host, environment.random);
  const siblings = lowerQuartile(others.map(other => evidenceOf(slots, other)));
  const siblingRate = lowerQuartile(others.map(other => errorRateOf(slots, other)));
  const standsOut = evidenceOf(slots, host) - siblings >= limit && errorRateOf(slots, host) > RATE_FACTOR * siblingRate;
  if (standsOut) eject(state, host, isLost, nowMs);
  else if (siblings >= SHARED * limit) {
    evidence.share();
    readmitAll(state, 'all-err', nowMs);
  }
}

/**
 * AD-21 (copies): for how long clients must ask the agent for each call: AGENT_PICK_MS if the host may be ejected soon, or costs clearly more than
 * the cheap ones. If both, FADE_MS: otherwise clients would pick from their copies again and each call it to find out.
 */
export function agentPickMs(state: ModuleState, host: number, nowMs: number): number {
  if (!state.isInPool(host)) return 0;
  const { values } = state.slots;
  const isOutlier = updateCheapPrice(values, host);
  const mayBeEjected = mayBeEjectedSoon(state, host, nowMs);
  if (isOutlier && mayBeEjected) return FADE_MS;
  return isOutlier || mayBeEjected ? AGENT_PICK_MS : 0;
}

function mayBeEjectedSoon(state: ModuleState, host: number, nowMs: number): boolean {
  const { evidence, slots } = state;
  if (evidence === NO_FAILURES) return false;
  const against = evidenceOf(slots, host);
  if (against < TROUBLE_EVIDENCE * evidence.lowestLimit) return false;
  return against >= TROUBLE_EVIDENCE * evidence.limit(state.answersPerSec(host, nowMs));
}

/** AD-7 (error evidence), nats. */
function evidenceOf(slots: HostSlots, host: number): number {
  return slots.values[slots.row(host) + EVIDENCE] as number;
}

/** In about the last 32 reports, 0..1. */
function errorRateOf(slots: HostSlots, host: number): number {
  return slots.values[slots.row(host) + ERROR_RATE] as number;
}
