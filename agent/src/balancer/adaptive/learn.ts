// pure
/** The chapter Learn of docs/load-balancing.md, AD-3 to AD-5 and AD-21: what a report says, and who is to know. */
import { ERROR_STEP } from '@lars/proto/pricing';
import { knowsOldest, oldestAgeMs, takeTurn } from './calls-in-flight.ts';
import { updateEvidence } from './detect.ts';
import {
  ANSWER_CAP_FACTOR,
  addSample,
  clampDuration,
  countAnswer,
  type Decay,
  learnSlowest,
  learnTypical,
  restartMean,
  slowFromMs,
} from './durations.ts';
import type { ModuleState } from './module-state.ts';
import { fadedShare, setPrice } from './price.ts';
import { evaluateProbe } from './recover.ts';
import { hasStandingQueue, recordAnswer, recordQueueLoss } from './shed.ts';
import {
  ANSWERED_AT_MS,
  ANSWERED_SENT_MS,
  DURATION,
  DURATIONS_TOLD,
  ERROR_RATE,
  HAS_ANSWERED,
  IMPOSSIBLE_SHARE,
  THROUGHPUT,
  TYPICAL_MS,
} from './slots.ts';

/** AD-3 (expected duration): about the last ten answers count, and less of them after five seconds. */
const DURATION_DECAY: Decay = { keep: 0.9, halfLifeMs: 5_000 };
/** AD-5 (told durations): one is impossible above IMPOSSIBLE_FACTOR × the age of the host's oldest call in flight, plus IMPOSSIBLE_MS. */
const IMPOSSIBLE_FACTOR = 10;
const IMPOSSIBLE_MS = 100;
/** Part of the share of impossible durations that one more report replaces, ... */
const IMPOSSIBLE_STEP = 1 / 64;
/** ... and the share from which on no duration is believed. */
const IMPOSSIBLE_MAX = 0.5;

/** A report about a call that was picked here. */
export function learn(state: ModuleState, host: number, ok: boolean, toldMs: number | undefined, nowMs: number): void {
  const { inFlight, slots } = state;
  const { values } = slots;
  const row = slots.row(host);
  const callsBefore = inFlight.countNow(host, nowMs);
  const isTold = toldMs !== undefined && checkTold(values, host, toldMs, nowMs);
  const tookMs = clampDuration(isTold ? toldMs : inFlight.guessMs(host, ok, nowMs));
  const sentMs = nowMs - tookMs;
  inFlight.settle(host, tookMs, nowMs);
  const isSlow = isTold && tookMs >= slowFromMs(values);
  // AD-5 (told durations): a slow call that a later one has overtaken was large, or tells of a trouble that is over.
  const isOvertaken = isSlow && sentMs < (values[row + ANSWERED_SENT_MS] as number);
  if (isTold) learnSlowest(values, tookMs);
  values[DURATIONS_TOLD] = isTold ? 1 : 0;
  if (ok) {
    if (!isOvertaken) learnTypical(values, tookMs, nowMs);
    learnAnswer(state, host, row, tookMs, !isOvertaken, nowMs);
    if (sentMs > (values[row + ANSWERED_SENT_MS] as number)) values[row + ANSWERED_SENT_MS] = sentMs;
    // AD-4 (calls in flight): only a quick answer shows that an overtaken call is stuck; while all answers are slow, all calls wait.
    if (!isSlow) inFlight.giveUpOvertaken(host, nowMs);
    if (isTold && !isOvertaken) recordAnswer(state, host, tookMs, isSlow, callsBefore, nowMs);
  } else learnFailure(state, host, row, tookMs, isSlow && !isOvertaken, nowMs);
  if (state.table.at(host).drain) return;
  if (state.isEjected(host)) evaluateProbe(state, host, ok, sentMs, callsBefore, nowMs);
  else if (!ok && isSlow && hasStandingQueue(slots, host, tookMs, nowMs))
    recordQueueLoss(state, host, tookMs, callsBefore, nowMs);
  else if (ok || !isOvertaken) updateEvidence(state, host, ok, isSlow, nowMs);
}

/** AD-21 (copies): nobody saw the call begin, nor what else was in flight then, and the report comes late, together with many others. */
export function learnFromClientPick(
  state: ModuleState,
  host: number,
  ok: boolean,
  toldMs: number | undefined,
  nowMs: number,
): void {
  const { slots } = state;
  const { values } = slots;
  const row = slots.row(host);
  slots.countPick(host, nowMs);
  takeTurn(values, host);
  state.weights?.countPick(nowMs);
  const isTold = toldMs !== undefined;
  const tookMs = isTold ? clampDuration(toldMs) : 0;
  const isSlow = isTold && tookMs >= slowFromMs(values);
  if (isTold) learnSlowest(values, tookMs);
  if (ok) {
    if (isTold) learnTypical(values, tookMs, nowMs);
    learnAnswer(state, host, row, tookMs, isTold, nowMs);
    if (isTold) recordAnswer(state, host, tookMs, isSlow, 0, nowMs);
  } else learnFailure(state, host, row, tookMs, isSlow, nowMs);
  if (!state.isInPool(host)) return;
  if (!ok && isSlow && hasStandingQueue(slots, host, tookMs, nowMs)) state.requireAgentPick(nowMs);
  else updateEvidence(state, host, ok, isSlow, nowMs);
}

/** AD-3 (expected duration). @param isTelling whether the answer's duration says how long others take */
function learnAnswer(
  { evidence, slots }: ModuleState,
  host: number,
  row: number,
  tookMs: number,
  isTelling: boolean,
  nowMs: number,
): void {
  const { values } = slots;
  const errorRate = values[row + ERROR_RATE] as number;
  if (errorRate > 0) {
    // Squared, so that short pauses between reports forget almost nothing: the errors of a host that is called every few seconds must add up.
    const faded = fadedShare(values, host, nowMs) ** 2;
    values[row + ERROR_RATE] = errorRate * (1 - ERROR_STEP) * (1 - faded);
  }
  values[HAS_ANSWERED] = 1;
  countAnswer(values, row + THROUGHPUT, nowMs);
  values[row + ANSWERED_AT_MS] = nowMs;
  if (isTelling) {
    const knownMs = values[row + DURATION] as number;
    const expectedMs = knownMs === 0 ? (values[TYPICAL_MS] as number) : knownMs;
    addSample(values, row + DURATION, Math.min(tookMs, ANSWER_CAP_FACTOR * expectedMs), nowMs, DURATION_DECAY);
  }
  setPrice(slots, host, row, evidence, nowMs);
}

/** AD-3 (expected duration). @param isLost whether the failure was slow; a fast one says nothing about how long an answer takes */
function learnFailure(
  { evidence, slots }: ModuleState,
  host: number,
  row: number,
  tookMs: number,
  isLost: boolean,
  nowMs: number,
): void {
  const { values } = slots;
  const rate = values[row + ERROR_RATE] as number;
  values[row + ERROR_RATE] = rate + (1 - rate) * ERROR_STEP;
  if (isLost) {
    // Without an answer the mean would be this one lost call alone: it starts at typical.
    if (values[row + DURATION] === 0) restartMean(values, row + DURATION, values[TYPICAL_MS] as number, nowMs);
    addSample(values, row + DURATION, tookMs, nowMs, DURATION_DECAY);
  }
  setPrice(slots, host, row, evidence, nowMs);
}

/** AD-5 (told durations): do callers of this module tell durations that cannot be? */
export function tellsImpossible(values: readonly number[]): boolean {
  return (values[IMPOSSIBLE_SHARE] as number) > IMPOSSIBLE_MAX;
}

/** AD-5 (told durations): learns whether callers of this module tell what cannot be. @returns whether to believe them */
function checkTold(values: number[], host: number, toldMs: number, nowMs: number): boolean {
  const share = values[IMPOSSIBLE_SHARE] as number;
  if ((share > 0 || toldMs > IMPOSSIBLE_MS) && knowsOldest(values, host)) {
    const isImpossible = toldMs > IMPOSSIBLE_FACTOR * oldestAgeMs(values, host, nowMs) + IMPOSSIBLE_MS;
    if (isImpossible || share > 0) values[IMPOSSIBLE_SHARE] = share + ((isImpossible ? 1 : 0) - share) * IMPOSSIBLE_STEP;
  }
  return !tellsImpossible(values);
}
