// pure
/** The chapter Shed of docs/load-balancing.md: AD-8, AD-13. */
import type { HostInfo } from '@lars/proto';
import { slowFromMs } from './durations.ts';
import { type ModuleState, NO_SHEDDING } from './module-state.ts';
import { Shedding } from './shedding.ts';
import { NORMAL_MS } from './slots.ts';

/** AD-13: so many hosts are looked at, at most, for whether they have queues too. */
const QUEUE_LOOKS = 32;

/** AD-13: the episode of shedding, while there is one. */
export function openShedding(state: ModuleState, nowMs: number): Shedding | undefined {
  const { shedding } = state;
  if (!shedding.isOpen) return undefined;
  if (shedding.isActive(nowMs)) return shedding;
  shedding.close();
  state.tell(shedding.startedBy as HostInfo, 'shedding-over', 'quick-again', { ...shedding.view(nowMs) });
  return undefined;
}

/** AD-8, AD-13: an answer came, after `tookMs`. @param inFlight calls in flight until then; 0 where nobody knows (AD-21) */
export function noteAnswer(
  state: ModuleState,
  host: number,
  tookMs: number,
  isSlow: boolean,
  inFlight: number,
  nowMs: number,
): void {
  const { shedding, table } = state;
  const isShedding = shedding.isOpen && shedding.isActive(nowMs);
  if (!isSlow) table.noteQuick(host, isShedding ? 0 : inFlight, nowMs);
  else if (table.noteSlow(host)) {
    if (isShedding) shedding.renew(nowMs);
    else if (inFlight > 0 && isAgain(state, host, tookMs, nowMs)) beginShedding(state, host, shedding.timeoutMs, inFlight, nowMs);
  }
}

/** AD-13: after an episode it is remembered how long callers wait, and a queue in which an answer takes half of that begins the next one. */
function isAgain({ options, shedding, table }: ModuleState, host: number, tookMs: number, nowMs: number): boolean {
  if (!options.shed || !shedding.isRemembered(nowMs) || tookMs < shedding.targetMs) return false;
  return table.hasStandingQueue(host, shedding.targetMs, nowMs);
}

/** AD-8, AD-13: a loss to a standing queue is no evidence against the host; where the module has more than it can have by chance, it sheds. */
export function loseToQueue(state: ModuleState, host: number, tookMs: number, inFlight: number, nowMs: number): void {
  state.wantEveryCall(nowMs);
  const { evidence, options, table } = state;
  const answersPerSec = table.answersPerSec(host, nowMs);
  const slowness = tookMs / slowFromMs(table.module);
  const isOverload = evidence.addQueueLoss(slowness, isQueueCommon(state, host), table.size * answersPerSec);
  if (!isOverload || !options.shed) return;
  beginShedding(state, host, tookMs, inFlight, nowMs);
}

/** Begins an episode, or goes on with it. */
function beginShedding(state: ModuleState, host: number, timeoutMs: number, inFlight: number, nowMs: number): void {
  if (state.shedding === NO_SHEDDING) state.shedding = new Shedding();
  const { shedding, table } = state;
  // The end of the last episode may not have been noticed yet.
  openShedding(state, nowMs);
  if (!shedding.lose(table.at(host), timeoutMs, nowMs)) return;
  state.tell(table.at(host), 'shedding', 'standing-queue', {
    inFlight,
    limit: table.limitOf(host, shedding.targetMs, nowMs),
    answersPerSec: table.answersPerSec(host, nowMs),
    normalMs: table.module[NORMAL_MS] as number,
    timeoutMs,
  });
}

/** Whether at least half of the other hosts answer slowly too; of a large module the first are looked at. */
function isQueueCommon({ candidates, table }: ModuleState, self: number): boolean {
  let others = 0;
  let queues = 0;
  for (let at = 0; at < candidates.length && others < QUEUE_LOOKS; at++) {
    const host = candidates[at] as number;
    if (host === self) continue;
    others += 1;
    if (table.isSlowNow(host)) queues += 1;
  }
  return queues > 0 && 2 * queues >= others;
}
