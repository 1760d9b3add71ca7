// pure
import { DEFAULT_WEIGHT } from '@lars/proto';
import { diceState } from '@lars/proto/dice';
import { addSample, type Decay, restartMean } from './decaying-mean.ts';
import { OUTLIER_FACTOR } from './durations.ts';
import { Ejection } from './ejection.ts';
import type { ErrorEvidence } from './error-evidence.ts';
import { type CellLayout, type HostTable, movedTo } from './host-table.ts';
import { HostsInFlight } from './hosts-in-flight.ts';
import { FADE_SHARES, fadedShare, PRICE_MIN_MS, priceMs } from './price.ts';
import { fittingCalls } from './shedding.ts';
import {
  ANSWERED_AT_MS,
  DICE,
  DURATION,
  ERROR_RATE,
  EVIDENCE,
  HAS_ANSWERED,
  NEW_ADAPTIVE_BRIEF,
  NEW_ADAPTIVE_ROW,
  NEW_MODULE,
  PICKED_TURN,
  PRICED_MS,
  QUICK_AT_MS,
  QUICK_IN_FLIGHT,
  REPORTED_AT_MS,
  SLOW_RUN,
  THROUGHPUT,
  TURN,
  TYPICAL_MS,
} from './slots.ts';
import { countAnswer, perSecond } from './throughput.ts';

/** AD-3: about the last ten answers count, and less of them after five seconds. */
const DURATION_DECAY: Decay = { keep: 0.9, halfLifeMs: 5_000 };
/** AD-3: part of the error rate that one more report replaces. */
const ERROR_STEP = 1 / 32;
/** AD-3: an error costs as much as so many calls, ... */
const ERROR_SURCHARGE = 20;
/** ... where the host errs by more than this, and this part of normal, above normal: less may be chance in 32 reports. */
const ERROR_NOISE = 0.05;
const ERROR_NOISE_SHARE = 0.3;
/** AD-12: a readmitted host has this part of the evidence that ejects, and at most one failure less than all. */
const PROBATION_EVIDENCE = 0.75;
/** AD-8: so many slow answers in a row, with no quick one between, are a standing queue: ... */
const SLOW_RUN_MIN = 3;
/** ... unless none came at all for so many times as long as a lost call took: the host is not slow then, but silent. */
const SILENCE_FACTOR = 3;
/** AD-14: what is left, after one more quick answer, of the calls in flight that a host served quickly. */
const QUICK_IN_FLIGHT_KEEP = 0.995;

const LAYOUT: CellLayout = { module: NEW_MODULE, brief: NEW_ADAPTIVE_BRIEF, row: NEW_ADAPTIVE_ROW };
const ROW_LENGTH = NEW_ADAPTIVE_ROW.length;
/** For hosts that were never ejected; they share it, so do not write to it. */
const NEVER_EJECTED: Readonly<Ejection> = new Ejection();

/** What the adaptive rules remember of a module's hosts. The chapters (see module-state.ts) decide about them. */
export class AdaptiveHosts extends HostsInFlight {
  #ejections: (Ejection | undefined)[] | undefined = undefined;

  /** @param random uniform in [0, 1); asked once */
  constructor(random: () => number) {
    super();
    this.cells[DICE] = diceState(random);
  }

  /** The module-wide slots, until the next sync. */
  get module(): number[] {
    return this.cells;
  }

  override sync(hosts: Parameters<HostTable['sync']>[0]): ReturnType<HostTable['sync']> {
    const before = super.sync(hosts);
    this.#ejections = movedTo(before, this.#ejections);
    before.forEach((from, host) => {
      // A new host has its turn like one that was just picked, not like one that was passed over since the beginning.
      if (from === undefined) this.cells[this.brief(host) + PICKED_TURN] = this.cells[TURN] as number;
    });
    return before;
  }

  /** The state of the module's dice: whoever looks at it rolls them. */
  get dice(): number {
    return this.cells[DICE] as number;
  }

  set dice(state: number) {
    this.cells[DICE] = state;
  }

  override isOverloaded(host: number): boolean {
    return this.#ejections?.[host]?.isEjected === true;
  }

  stateOf(host: number): string {
    if (this.at(host).drain) return 'draining';
    const { isEjected, onProbation } = this.#ejections?.[host] ?? NEVER_EJECTED;
    if (isEjected) return 'ejected';
    return onProbation ? 'probation' : 'idle';
  }

  /** See Weights. */
  weightOf(host: number): number {
    const { weight } = this.at(host);
    return weight > 0 ? weight : DEFAULT_WEIGHT;
  }

  /** AD-7, nats. */
  evidenceOf(host: number): number {
    return this.#cell(host, EVIDENCE);
  }

  /** In about the last 32 reports, 0..1. */
  errorRateOf(host: number): number {
    return this.#cell(host, ERROR_RATE);
  }

  ejectionOf(host: number): Ejection {
    this.#ejections ??= new Array(this.size).fill(undefined);
    this.#ejections[host] ??= new Ejection();
    return this.#ejections[host];
  }

  answersPerSec(host: number, nowMs: number): number {
    return perSecond(this.cells, this.row(host) + THROUGHPUT, nowMs);
  }

  /** AD-21: the price as it stood after the last report, before it faded; at least 1 ms. */
  reportedPriceMs(host: number): number {
    return Math.max(PRICE_MIN_MS, this.cells[this.brief(host) + PRICED_MS] as number);
  }

  /** AD-2, AD-3: the price of a call while no other is in flight, errors included; at least 1 ms. */
  priceMs(host: number, nowMs: number): number {
    return priceMs(this.cells, this.brief(host), false, this.turnsToFade, nowMs);
  }

  /** AD-3: so many turns of others are as many fair shares as fade mild news. */
  get turnsToFade(): number {
    return FADE_SHARES * this.size;
  }

  /** AD-3: learns from an answer. @param isTelling whether its duration says how long others take */
  learnAnswer(host: number, tookMs: number, isTelling: boolean, normalRate: number, nowMs: number): void {
    const { cells } = this;
    const row = this.row(host);
    // Squared: what is reported every few seconds is to keep its errors, so that those of a host that is seldom called still add up.
    const faded = fadedShare(cells, this.brief(host), nowMs) ** 2;
    cells[row + ERROR_RATE] = (cells[row + ERROR_RATE] as number) * (1 - ERROR_STEP) * (1 - faded);
    cells[HAS_ANSWERED] = 1;
    countAnswer(cells, row + THROUGHPUT, nowMs);
    cells[row + ANSWERED_AT_MS] = nowMs;
    if (isTelling) {
      const knownMs = cells[row + DURATION] as number;
      const expectedMs = knownMs === 0 ? (cells[TYPICAL_MS] as number) : knownMs;
      addSample(cells, row + DURATION, Math.min(tookMs, OUTLIER_FACTOR * expectedMs), nowMs, DURATION_DECAY);
    }
    this.#setPrice(host, normalRate, nowMs);
  }

  /** AD-3: learns from a failure. @param isLost whether it was slow; a fast failure says nothing about how long an answer takes */
  learnFailure(host: number, tookMs: number, isLost: boolean, normalRate: number, nowMs: number): void {
    const { cells } = this;
    const row = this.row(host);
    const rate = cells[row + ERROR_RATE] as number;
    cells[row + ERROR_RATE] = rate + (1 - rate) * ERROR_STEP;
    if (isLost) {
      // Before the first answer a mean would be all of it.
      if (cells[row + DURATION] === 0) restartMean(cells, row + DURATION, cells[TYPICAL_MS] as number, nowMs);
      addSample(cells, row + DURATION, tookMs, nowMs, DURATION_DECAY);
    }
    this.#setPrice(host, normalRate, nowMs);
  }

  /** AD-8: an answer came quickly. @param inFlight calls in flight until then; 0 where they say nothing of what the host can do */
  noteQuick(host: number, inFlight: number, nowMs: number): void {
    const row = this.row(host);
    this.cells[row + QUICK_AT_MS] = nowMs;
    this.cells[row + SLOW_RUN] = 0;
    if (inFlight === 0) return;
    const most = (this.cells[row + QUICK_IN_FLIGHT] as number) * QUICK_IN_FLIGHT_KEEP;
    this.cells[row + QUICK_IN_FLIGHT] = Math.max(inFlight, most);
  }

  /** AD-8: an answer was slow. @returns whether several were in a row */
  noteSlow(host: number): boolean {
    const at = this.row(host) + SLOW_RUN;
    const run = (this.cells[at] as number) + 1;
    this.cells[at] = run;
    return run >= SLOW_RUN_MIN;
  }

  /** AD-8: were its last answers slow? */
  isSlowNow(host: number): boolean {
    return this.#cell(host, SLOW_RUN) >= SLOW_RUN_MIN;
  }

  /** AD-8: does work wait at the host? Its last answers were slow, none was quick for as long as a lost call took, and it still answers. */
  hasStandingQueue(host: number, lostMs: number, nowMs: number): boolean {
    const row = this.row(host);
    const { cells } = this;
    return (
      (cells[row + SLOW_RUN] as number) >= SLOW_RUN_MIN &&
      nowMs - (cells[row + QUICK_AT_MS] as number) >= lostMs &&
      nowMs - (cells[row + ANSWERED_AT_MS] as number) < SILENCE_FACTOR * lostMs
    );
  }

  /** AD-14: how many calls the host may have in flight while the module sheds. */
  limitOf(host: number, targetMs: number, nowMs: number): number {
    return Math.max(1, this.#cell(host, QUICK_IN_FLIGHT), fittingCalls(this.answersPerSec(host, nowMs), targetMs));
  }

  setEvidence(host: number, evidence: number): void {
    this.cells[this.row(host) + EVIDENCE] = evidence;
    const ejection = this.#ejections?.[host];
    if (evidence === 0 && ejection !== undefined) ejection.onProbation = false;
  }

  /** AD-12: nearly the next failure ejects it again; old errors are forgiven. */
  beginProbation(host: number, tookMs: number, evidence: ErrorEvidence, nowMs: number): void {
    this.ejectionOf(host).end(nowMs);
    const { cells } = this;
    const row = this.row(host);
    const limit = evidence.limit(this.answersPerSec(host, nowMs));
    cells[row + EVIDENCE] = Math.max(limit * PROBATION_EVIDENCE, limit - evidence.failure);
    cells[row + ERROR_RATE] = evidence.normalRate;
    cells[row + SLOW_RUN] = 0;
    restartMean(cells, row + DURATION, tookMs, nowMs);
    this.#setPrice(host, evidence.normalRate, nowMs);
  }

  /** What people see of it. */
  numbers(host: number, evidence: ErrorEvidence, nowMs: number): Record<string, number> {
    const ejection = this.#ejections?.[host];
    const answersPerSec = this.answersPerSec(host, nowMs);
    return {
      expectedMs: this.#cell(host, DURATION),
      priceMs: this.priceMs(host, nowMs),
      inFlight: this.inFlight(host, this.givenUpBeforeMs(nowMs)),
      errorRate: this.#cell(host, ERROR_RATE),
      normalErrorRate: evidence.normalRate,
      evidence: this.evidenceOf(host),
      evidenceLimit: evidence.limit(answersPerSec),
      answersPerSec,
      ...(ejection?.isEjected ? { failuresInRow: ejection.failuresInRow, probeInMs: ejection.probeInMs(nowMs) } : {}),
    };
  }

  protected override layout(): CellLayout {
    return LAYOUT;
  }

  protected override rowLength(): number {
    return ROW_LENGTH;
  }

  #cell(host: number, at: number): number {
    return this.cells[this.row(host) + at] as number;
  }

  /** AD-3 */
  #setPrice(host: number, normalRate: number, nowMs: number): void {
    const { cells } = this;
    const row = this.row(host);
    const brief = this.brief(host);
    const excess = (cells[row + ERROR_RATE] as number) - normalRate * (1 + ERROR_NOISE_SHARE) - ERROR_NOISE;
    const durationMs = cells[row + DURATION] as number;
    cells[brief + PRICED_MS] = excess > 0 ? durationMs * (1 + ERROR_SURCHARGE * excess) : durationMs;
    cells[brief + REPORTED_AT_MS] = nowMs;
  }
}
