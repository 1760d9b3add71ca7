// pure
/** The chapter Detect of docs/load-balancing.md: AD-6, AD-7, AD-9, and what AD-21 takes for trouble. */
import { type ModuleState, NO_FAILURES, WANTED_MS } from './module-state.ts';
import { FADE_MS } from './price.ts';
import { isDear } from './price-spread.ts';
import { eject, readmitAll } from './recover.ts';
import { lowerQuartile, sampleOthers } from './siblings.ts';
import { HAS_ANSWERED } from './slots.ts';

/** AD-9: evidence grows to so many times the limit, so that a host can stand out where the others are not free of it. */
const EVIDENCE_CAP = 2;
/** AD-9: a host that is ejected errs more than so many times as often as the others. */
const RATE_FACTOR = 3;
/** AD-9: where the lower quartile of the others has this part of the limit, the trouble is shared. */
const SHARED = 0.5;
/** AD-21: a host with this part of the evidence that ejects may be ejected soon. */
const TROUBLE_EVIDENCE = 0.4;

/** AD-6, AD-7, AD-9: a report as evidence for or against its host. @param isSlow whether the call was lost, where it failed */
export function weigh(state: ModuleState, host: number, ok: boolean, isSlow: boolean, nowMs: number): void {
  const { evidence, table } = state;
  if (evidence === NO_FAILURES) return;
  const before = table.evidenceOf(host);
  const now = evidence.add(before, ok);
  if (now < evidence.lowestLimit) {
    if (now !== before) table.setEvidence(host, now);
    return;
  }
  const limit = evidence.limit(table.answersPerSec(host, nowMs));
  table.setEvidence(host, Math.min(now, EVIDENCE_CAP * limit));
  // Where no success was ever told, failures say nothing.
  if (!ok && now >= limit && table.module[HAS_ANSWERED] === 1) convict(state, host, limit, isSlow, nowMs);
}

/** AD-9: a host that errs clearly more than the others is ejected; where most do, the trouble is shared. */
function convict(state: ModuleState, host: number, limit: number, isLost: boolean, nowMs: number): void {
  const { candidates, environment, evidence, table } = state;
  const others = sampleOthers(candidates, host, environment.random);
  const siblings = lowerQuartile(others.map(other => table.evidenceOf(other)));
  const siblingRate = lowerQuartile(others.map(other => table.errorRateOf(other)));
  const standsOut = table.evidenceOf(host) - siblings >= limit && table.errorRateOf(host) > RATE_FACTOR * siblingRate;
  if (standsOut) eject(state, host, isLost, nowMs);
  else if (siblings >= SHARED * limit) {
    evidence.share();
    readmitAll(state, 'all-err', nowMs);
  }
}

/**
 * AD-21: for how long every call is wanted after a report: the host may be ejected soon, or should get clearly less than its share. Where it is
 * both, other callers with a copy would go on to find out for themselves; so as long as the bad news takes to fade.
 */
export function wantedMs(state: ModuleState, host: number, nowMs: number): number {
  if (!state.isInPool(host)) return 0;
  const { table } = state;
  const dear = isDear(table.module, table.reportedPriceMs(host));
  const suspected = isSuspected(state, host, nowMs);
  if (dear && suspected) return FADE_MS;
  return dear || suspected ? WANTED_MS : 0;
}

function isSuspected({ evidence, table }: ModuleState, host: number, nowMs: number): boolean {
  const against = table.evidenceOf(host);
  if (against < TROUBLE_EVIDENCE * evidence.lowestLimit) return false;
  return against >= TROUBLE_EVIDENCE * evidence.limit(table.answersPerSec(host, nowMs));
}
