// pure
/** The chapter Shed of docs/load-balancing.md: AD-8, AD-13. */
import type { HostInfo } from '@lars/proto';
import type { HostSlots } from '../host-slots.ts';
import { slowFromMs } from './durations.ts';
import { type ModuleState, NO_SHEDDING } from './module-state.ts';
import { concurrencyLimit, Shedding } from './shedding-episode.ts';
import { ANSWERED_AT_MS, NORMAL_MS, QUICK_AT_MS, QUICK_IN_FLIGHT, SLOW_RUN } from './slots.ts';

/** AD-13 (shedding): this many hosts are looked at, at most, for whether they have queues too. */
const QUEUE_LOOKS = 32;
/** AD-8 (standing queue): so many slow answers in a row, with no quick one between, are a standing queue: ... */
const SLOW_RUN_MIN = 3;
/** ... unless none came at all for this many times as long as a lost call took: the host is not slow then, but silent. */
const SILENCE_FACTOR = 3;
/** AD-14 (concurrency limit): what is left, after one more quick answer, of the calls in flight that a host served quickly. */
const QUICK_IN_FLIGHT_KEEP = 0.995;

/** AD-13 (shedding): the episode, if one goes on. One that is over is closed, and told of, here: there is no timer. */
export function currentEpisode(state: ModuleState, nowMs: number): Shedding | undefined {
  const { shedding } = state;
  if (!shedding.isOpen) return undefined;
  if (shedding.isActive(nowMs)) return shedding;
  shedding.close();
  state.emit(shedding.startedBy as HostInfo, 'shedding-over', 'quick-again', { ...shedding.view(nowMs) });
  return undefined;
}

/** AD-8 (standing queue), AD-13 (shedding): an answer came, after `tookMs`. @param inFlight calls in flight until then; 0 where nobody knows (AD-21 (copies)) */
export function recordAnswer(
  state: ModuleState,
  host: number,
  tookMs: number,
  isSlow: boolean,
  inFlight: number,
  nowMs: number,
): void {
  const { shedding, slots } = state;
  const isShedding = shedding !== NO_SHEDDING && shedding.isOpen && shedding.isActive(nowMs);
  if (!isSlow) recordQuick(slots, host, isShedding ? 0 : inFlight, nowMs);
  else if (recordSlow(slots, host)) {
    if (isShedding) shedding.renew(nowMs);
    else if (inFlight > 0 && isAgain(state, host, tookMs, nowMs)) beginShedding(state, host, shedding.timeoutMs, inFlight, nowMs);
  }
}

/** AD-8 (standing queue). @param inFlight calls in flight until the answer came; 0 where they say nothing of what the host can do */
function recordQuick(slots: HostSlots, host: number, inFlight: number, nowMs: number): void {
  const { values } = slots;
  const row = slots.row(host);
  values[row + QUICK_AT_MS] = nowMs;
  values[row + SLOW_RUN] = 0;
  if (inFlight === 0) return;
  const most = (values[row + QUICK_IN_FLIGHT] as number) * QUICK_IN_FLIGHT_KEEP;
  values[row + QUICK_IN_FLIGHT] = inFlight > most ? inFlight : most;
}

/** AD-8 (standing queue). @returns whether several slow answers came in a row */
function recordSlow(slots: HostSlots, host: number): boolean {
  const at = slots.row(host) + SLOW_RUN;
  const run = (slots.values[at] as number) + 1;
  slots.values[at] = run;
  return run >= SLOW_RUN_MIN;
}

/** AD-8 (standing queue): does work wait at the host? Its last answers were slow, none was quick for as long as a lost call took, and it still answers. */
export function hasStandingQueue(slots: HostSlots, host: number, lostMs: number, nowMs: number): boolean {
  const { values } = slots;
  const row = slots.row(host);
  return (
    (values[row + SLOW_RUN] as number) >= SLOW_RUN_MIN &&
    nowMs - (values[row + QUICK_AT_MS] as number) >= lostMs &&
    nowMs - (values[row + ANSWERED_AT_MS] as number) < SILENCE_FACTOR * lostMs
  );
}

/** AD-13 (shedding): after an episode it is remembered how long callers wait, and a queue in which an answer takes half of that begins the next one. */
function isAgain({ options, shedding, slots }: ModuleState, host: number, tookMs: number, nowMs: number): boolean {
  if (!options.shed || !shedding.isRemembered(nowMs) || tookMs < shedding.targetMs) return false;
  return hasStandingQueue(slots, host, shedding.targetMs, nowMs);
}

/** AD-8 (standing queue), AD-13 (shedding): a loss to a standing queue is no evidence against the host; if the module has more such losses than chance explains, it sheds. */
export function recordQueueLoss(state: ModuleState, host: number, tookMs: number, inFlight: number, nowMs: number): void {
  state.requireAgentPick(nowMs);
  const { evidence, table, options, slots } = state;
  const slowness = tookMs / slowFromMs(slots.values);
  const isOverload = evidence.addQueueLoss(slowness, isQueueCommon(state, host), table.size * state.answersPerSec(host, nowMs));
  if (!isOverload || !options.shed) return;
  beginShedding(state, host, tookMs, inFlight, nowMs);
}

/** Begins an episode, or goes on with it. */
function beginShedding(state: ModuleState, host: number, timeoutMs: number, inFlight: number, nowMs: number): void {
  if (state.shedding === NO_SHEDDING) state.shedding = new Shedding();
  const { table, shedding, slots } = state;
  // The end of the last episode may not have been noticed yet.
  currentEpisode(state, nowMs);
  if (!shedding.begin(table.at(host), timeoutMs, nowMs)) return;
  state.emit(table.at(host), 'shedding', 'standing-queue', {
    inFlight,
    limit: concurrencyLimit(slots, host, shedding.targetMs, nowMs),
    answersPerSec: state.answersPerSec(host, nowMs),
    normalMs: slots.values[NORMAL_MS] as number,
    timeoutMs,
  });
}

/** Whether at least half of the other hosts answer slowly too; of a large module the first are looked at. */
function isQueueCommon({ candidates, slots }: ModuleState, self: number): boolean {
  let others = 0;
  let queues = 0;
  for (let at = 0; at < candidates.length && others < QUEUE_LOOKS; at++) {
    const host = candidates[at] as number;
    if (host === self) continue;
    others += 1;
    if ((slots.values[slots.row(host) + SLOW_RUN] as number) >= SLOW_RUN_MIN) queues += 1;
  }
  return queues > 0 && 2 * queues >= others;
}
