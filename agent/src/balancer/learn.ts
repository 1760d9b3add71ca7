// pure
/** The chapter Learn of docs/load-balancing.md, AD-3 to AD-5 and AD-21: what a report says, and who is to know. */
import { weigh } from './detect.ts';
import { clampDuration, learnSlowest, learnTypical, slowFromMs } from './durations.ts';
import type { ModuleState } from './module-state.ts';
import { judgeProbe } from './recover.ts';
import { loseToQueue, noteAnswer } from './shed.ts';
import { IMPOSSIBLE_SHARE, IS_TOLD } from './slots.ts';

/** AD-5: a told duration is impossible beyond so many times what the host's oldest call in flight took until now, and this. */
const IMPOSSIBLE_FACTOR = 10;
const IMPOSSIBLE_MS = 100;
/** AD-5: part of the share of impossible durations that one more report replaces, ... */
const IMPOSSIBLE_STEP = 1 / 64;
/** ... and the share from which on no duration is believed. */
const IMPOSSIBLE_MAX = 0.5;

/** A report about a call that was picked here. */
export function learn(state: ModuleState, host: number, ok: boolean, toldMs: number | undefined, nowMs: number): void {
  const { table } = state;
  const { module } = table;
  const inFlight = table.inFlight(host, table.givenUpBeforeMs(nowMs));
  const isTold = toldMs !== undefined && isBelieved(state, host, toldMs, nowMs);
  const tookMs = clampDuration(isTold ? toldMs : table.guessMs(host, ok, nowMs));
  const sentMs = nowMs - tookMs;
  table.settle(host, sentMs);
  const isSlow = isTold && tookMs >= slowFromMs(module);
  // AD-5: a slow call that a later one has overtaken was large, or tells of a trouble that is over.
  const isOvertaken = isSlow && table.isOvertaken(host, sentMs);
  if (isTold) learnSlowest(module, tookMs);
  module[IS_TOLD] = isTold ? 1 : 0;
  if (ok) {
    if (!isOvertaken) learnTypical(module, tookMs, nowMs);
    table.learnAnswer(host, tookMs, !isOvertaken, state.evidence.normalRate, nowMs);
    table.noteAnswered(host, sentMs);
    // AD-4: where no answer is quick all calls wait, and none of them was overtaken for good.
    if (!isSlow) table.giveUpOvertaken(host, nowMs);
    if (isTold && !isOvertaken) noteAnswer(state, host, tookMs, isSlow, inFlight, nowMs);
  } else table.learnFailure(host, tookMs, isSlow && !isOvertaken, state.evidence.normalRate, nowMs);
  if (table.at(host).drain) return;
  if (table.isOverloaded(host)) judgeProbe(state, host, ok, sentMs, inFlight, nowMs);
  else if (!ok && isSlow && table.hasStandingQueue(host, tookMs, nowMs)) loseToQueue(state, host, tookMs, inFlight, nowMs);
  else if (ok || !isOvertaken) weigh(state, host, ok, isSlow, nowMs);
}

/** AD-21: nobody saw the call begin, nor what else was in flight then, and the report comes late, together with many others. */
export function learnOfCopy(state: ModuleState, host: number, ok: boolean, toldMs: number | undefined, nowMs: number): void {
  const { table } = state;
  const { module } = table;
  table.countPick(host, nowMs);
  table.takeTurn(host);
  state.weights?.countPick(nowMs);
  const isTold = toldMs !== undefined;
  const tookMs = isTold ? clampDuration(toldMs) : 0;
  const isSlow = isTold && tookMs >= slowFromMs(module);
  if (isTold) learnSlowest(module, tookMs);
  if (ok) {
    if (isTold) learnTypical(module, tookMs, nowMs);
    table.learnAnswer(host, tookMs, isTold, state.evidence.normalRate, nowMs);
    if (isTold) noteAnswer(state, host, tookMs, isSlow, 0, nowMs);
  } else table.learnFailure(host, tookMs, isSlow, state.evidence.normalRate, nowMs);
  if (!state.isInPool(host)) return;
  if (!ok && isSlow && table.hasStandingQueue(host, tookMs, nowMs)) state.wantEveryCall(nowMs);
  else weigh(state, host, ok, isSlow, nowMs);
}

/** AD-5: do callers of this module tell durations that cannot be? */
export function tellsImpossible(module: readonly number[]): boolean {
  return (module[IMPOSSIBLE_SHARE] as number) > IMPOSSIBLE_MAX;
}

/** AD-5: whether to believe what a caller tells: not where callers of this module tell what cannot be. */
function isBelieved({ table }: ModuleState, host: number, toldMs: number, nowMs: number): boolean {
  const { module } = table;
  const share = module[IMPOSSIBLE_SHARE] as number;
  if ((share > 0 || toldMs > IMPOSSIBLE_MS) && table.knowsOldest(host)) {
    const isImpossible = toldMs > IMPOSSIBLE_FACTOR * table.oldestAgeMs(host, nowMs) + IMPOSSIBLE_MS;
    if (isImpossible || share > 0) module[IMPOSSIBLE_SHARE] = share + ((isImpossible ? 1 : 0) - share) * IMPOSSIBLE_STEP;
  }
  return !tellsImpossible(module);
}
