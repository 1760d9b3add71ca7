// pure
import { DEFAULT_WEIGHT } from '@lars/proto';
import { diceState } from '@lars/proto/dice';
import { weighReport } from './cusum.ts';
import { addSample, type Decay, restartMean } from './decaying-mean.ts';
import type { Ejection } from './ejection.ts';
import type { ErrorBaseline } from './error-baseline.ts';
import {
  ANSWERS,
  DURATION,
  ERROR_RATE,
  EVIDENCE,
  FAILED_AT_MS,
  NEW_ADAPTIVE_BRIEF,
  NEW_ADAPTIVE_ROW,
  PICKS,
  PRICED_MS,
  REPORTED_AT_MS,
  REPORTS,
  THROUGHPUT,
} from './host-cells.ts';
import { type CellLayout, type HostTable, movedTo } from './host-table.ts';
import { HostTrouble, NO_TROUBLE } from './host-trouble.ts';
import { HostsInFlight } from './hosts-in-flight.ts';
import { fittingCalls, type LoadWindow } from './load-window.ts';
import { ALL_ERRED_AT_MS, DICE, type ModuleCells, NEW_MODULE, staleAfterMs, TYPICAL_MS } from './module-latency.ts';
import { countRecent } from './recent-count.ts';
import { countAnswer, perSecond } from './throughput.ts';

/** AD-3: about the last ten answers count, and less of them after five seconds. */
const DURATION_DECAY: Decay = { keep: 0.9, halfLifeMs: 5_000 };
/** AD-8: whether a host answers slowly is asked at the moment of a failure, so only its last few answers count. */
const ANSWERS_DECAY: Decay = { keep: 0.8, halfLifeMs: 1_000 };
/** AD-3: part of the error rate that one more report replaces at least; the first reports replace more, ... */
const ERROR_STEP = 1 / 32;
/** ... as though there had been so many successes before. */
const ERROR_PRIOR = 4;
/** AD-3: an error costs as much as so many calls. */
const ERROR_SURCHARGE = 20;
/** AD-3: after this time without a report, nothing bad is held against a host any more, ... */
const FADE_MS = 30_000;
/** ... and it is taken for somewhat better than typical, so that it is tried again. */
const FADED_TO = 0.7;
/** AD-5: a success of a caller who told no duration took at most so many times what is expected, or its true call is another one. */
const PLAUSIBLE = 3;
/** AD-8: answers that take this part of the time that a lost call took say that the host is alive, and behind. */
const SLOW_ANSWER_SHARE = 0.4;
/** AD-8: without any answer for so many times as long as a lost call took, a host is not just slow. */
const SILENCE_FACTOR = 3;
/** AD-12: a readmitted host has this part of the evidence that convicts: the next failure ejects it again. */
const PROBATION_EVIDENCE = 0.75;
/** AD-2: durations are told in whole milliseconds, and what lies below is noise: it must not pile all calls on one host. */
const PRICE_MIN_MS = 1;

const LAYOUT: CellLayout = { module: NEW_MODULE, brief: NEW_ADAPTIVE_BRIEF, row: NEW_ADAPTIVE_ROW };
const ROW_LENGTH = NEW_ADAPTIVE_ROW.length;

/** What the adaptive rules remember of a module's hosts. Decisions about them fall in adaptive.ts. */
export class AdaptiveHosts extends HostsInFlight {
  /** Of hosts that have any, as few of half a million have. */
  #troubles: (HostTrouble | undefined)[] | undefined = undefined;

  /** @param random uniform in [0, 1); asked once */
  constructor(random: () => number) {
    super();
    this.cells[DICE] = diceState(random);
  }

  /** What is known of the module. */
  get module(): ModuleCells {
    return this.cells;
  }

  /** The same, to write to, until the next sync. */
  get ownModule(): number[] {
    return this.cells;
  }

  override sync(hosts: Parameters<HostTable['sync']>[0]): ReturnType<HostTable['sync']> {
    const before = super.sync(hosts);
    this.#troubles = movedTo(before, this.#troubles);
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
    return this.#troubleOf(host).overloaded;
  }

  stateOf(host: number): string {
    if (this.at(host).drain) return 'draining';
    const { overloaded, onProbation } = this.#troubleOf(host);
    if (overloaded) return 'ejected';
    return onProbation ? 'probation' : 'idle';
  }

  /** See Weights. */
  weightOf(host: number): number {
    const { weight } = this.at(host);
    return weight > 0 ? weight : DEFAULT_WEIGHT;
  }

  /** 0..1 */
  errorRateOf(host: number): number {
    return this.#cell(host, ERROR_RATE);
  }

  /** AD-7 */
  evidenceOf(host: number): number {
    return this.#cell(host, EVIDENCE);
  }

  /** The mean of the last answers, 0 before the first. */
  answerMs(host: number): number {
    return this.#cell(host, ANSWERS);
  }

  ejectionOf(host: number): Ejection {
    return this.#ownTrouble(host).ejection;
  }

  /** Undefined where the host has no limit. */
  windowOf(host: number): LoadWindow | undefined {
    return this.#troubles?.[host]?.window;
  }

  /** To be set a size at once. */
  limitedWindow(host: number): LoadWindow {
    return this.#ownTrouble(host).limitedWindow();
  }

  answersPerSec(host: number, nowMs: number): number {
    return perSecond(this.cells, this.row(host) + THROUGHPUT, nowMs);
  }

  /** AD-13, AD-14: how many calls it answers in such a time. */
  fittingCalls(host: number, durationMs: number, nowMs: number): number {
    return fittingCalls(this.answersPerSec(host, nowMs), durationMs);
  }

  /** AD-4: a call that was sent before is lost, if there is no report. */
  lostBeforeMs(nowMs: number): number {
    return nowMs - staleAfterMs(this.cells);
  }

  /** AD-4 */
  send(host: number, nowMs: number): void {
    const { cells } = this;
    countRecent(cells, this.row(host) + PICKS, 1, nowMs);
    if (this.#troubles !== undefined) this.windowOf(host)?.sent(nowMs);
    this.addInFlight(host, nowMs);
  }

  /** AD-2, AD-3: what a call is expected to cost, errors included, but for the load. */
  priceMs(host: number, nowMs: number): number {
    return Math.max(PRICE_MIN_MS, this.expectedMs(host, nowMs));
  }

  /** AD-3: what a call is expected to take, errors included; 0 while neither the host nor the module has been measured. */
  expectedMs(host: number, nowMs: number): number {
    const { cells } = this;
    const brief = this.brief(host);
    const typicalMs = cells[TYPICAL_MS] as number;
    const pricedMs = cells[brief + PRICED_MS] as number;
    const known = pricedMs === 0 ? typicalMs : pricedMs;
    const faded = FADED_TO * typicalMs;
    if (known <= faded) return known;
    const age = (nowMs - (cells[brief + REPORTED_AT_MS] as number)) / FADE_MS;
    return age >= 1 ? faded : known - (known - faded) * age;
  }

  /** AD-4, AD-5: takes a reported call out of flight; returns what it took, as told or else as inferred. */
  settle(host: number, ok: boolean, toldMs: number | undefined, nowMs: number): number {
    const tookMs = toldMs ?? nowMs - this.#inferSentMs(host, ok, nowMs);
    this.settleInFlight(host, nowMs - tookMs);
    return tookMs;
  }

  /** AD-3, AD-8: learns from a report. A fast failure says nothing about how long an answer takes. AD-21: `tookMs` may be unknown. */
  learn(
    host: number,
    ok: boolean,
    isSlowFailure: boolean,
    tookMs: number | undefined,
    baseline: ErrorBaseline,
    nowMs: number,
  ): void {
    const { cells } = this;
    const row = this.row(host);
    const reports = (cells[row + REPORTS] as number) + 1;
    const errorRate = cells[row + ERROR_RATE] as number;
    cells[row + REPORTS] = reports;
    cells[row + ERROR_RATE] = errorRate + ((ok ? 0 : 1) - errorRate) * Math.max(ERROR_STEP, 1 / (reports + ERROR_PRIOR));
    cells[this.brief(host) + REPORTED_AT_MS] = nowMs;
    if (ok) countAnswer(cells, row + THROUGHPUT, nowMs);
    else cells[row + FAILED_AT_MS] = nowMs;
    if (tookMs !== undefined) {
      if (ok) addSample(cells, row + ANSWERS, tookMs, nowMs, ANSWERS_DECAY);
      if (ok || isSlowFailure) addSample(cells, row + DURATION, tookMs, nowMs, DURATION_DECAY);
    }
    this.#setPrice(host, baseline, nowMs);
  }

  /** AD-7; without any evidence, a probation is over (AD-12). @returns whether the evidence has reached the limit */
  weigh(host: number, logLikelihoodRatio: number, limit: number): boolean {
    const evidence = weighReport(this.evidenceOf(host), logLikelihoodRatio, limit);
    this.cells[this.row(host) + EVIDENCE] = evidence;
    if (evidence === 0) this.#troubleOf(host).endProbation();
    return evidence >= limit;
  }

  /** AD-8: does a slow failure of this host say that it has too much to do? */
  isBehind(host: number, tookMs: number, nowMs: number): boolean {
    const answeredAtMs = this.#cell(host, ANSWERS + 1);
    return this.answerMs(host) >= SLOW_ANSWER_SHARE * tookMs && nowMs - answeredAtMs < SILENCE_FACTOR * tookMs;
  }

  /** AD-9 */
  beginEjection(host: number): Ejection {
    const trouble = this.#ownTrouble(host);
    trouble.overloaded = true;
    return trouble.ejection;
  }

  /** AD-12. The evidence goes back to a single failure's distance from the limit; old errors are forgiven. */
  beginProbation(host: number, tookMs: number, baseline: ErrorBaseline, nowMs: number): void {
    const trouble = this.#ownTrouble(host);
    trouble.overloaded = false;
    trouble.ejection.end(nowMs);
    trouble.limitedWindow().startSlowly();
    const { cells } = this;
    const row = this.row(host);
    cells[row + EVIDENCE] = baseline.limit * PROBATION_EVIDENCE;
    cells[row + ERROR_RATE] = baseline.rate;
    restartMean(cells, row + DURATION, tookMs, nowMs);
    this.#setPrice(host, baseline, nowMs);
  }

  /** What people see of it. An unlimited window is left out: it is no number. */
  numbers(host: number, baseline: ErrorBaseline, nowMs: number): Record<string, number> {
    const { window, overloaded } = this.#troubleOf(host);
    const ejection = overloaded ? this.ejectionOf(host) : undefined;
    return {
      expectedMs: this.expectedMs(host, nowMs),
      inFlight: this.load(host, this.lostBeforeMs(nowMs)),
      ...(window !== undefined ? { window: window.size } : {}),
      errorRate: this.errorRateOf(host),
      normalErrorRate: baseline.rate,
      evidence: this.evidenceOf(host),
      evidenceLimit: baseline.limit,
      answersPerSec: this.answersPerSec(host, nowMs),
      ...(ejection !== undefined ? { failuresInRow: ejection.failuresInRow, probeInMs: ejection.probeInMs(nowMs) } : {}),
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

  /** Callers are taken to be answered in the order in which they asked; see AD-5 for the exception. */
  #inferSentMs(host: number, ok: boolean, nowMs: number): number {
    const durationMs = this.#cell(host, DURATION);
    const usualMs = durationMs === 0 ? (this.cells[TYPICAL_MS] as number) : durationMs;
    const sinceMs = ok ? nowMs - PLAUSIBLE * usualMs : Number.NEGATIVE_INFINITY;
    return this.oldestInFlight(host, sinceMs) ?? nowMs - usualMs;
  }

  #troubleOf(host: number): Readonly<HostTrouble> {
    return this.#troubles?.[host] ?? NO_TROUBLE;
  }

  #ownTrouble(host: number): HostTrouble {
    this.#troubles ??= new Array(this.size).fill(undefined);
    this.#troubles[host] ??= new HostTrouble();
    return this.#troubles[host];
  }

  /**
   * AD-3: a host that is seldom called would carry the surcharge for hours if it did not fade. What it failed in while all did is not held
   * against it when that is over.
   */
  #setPrice(host: number, baseline: ErrorBaseline, nowMs: number): void {
    const { cells } = this;
    const failedAtMs = this.#cell(host, FAILED_AT_MS);
    if (baseline.isShared) cells[ALL_ERRED_AT_MS] = nowMs;
    const isExcused = !baseline.isShared && failedAtMs <= (cells[ALL_ERRED_AT_MS] as number);
    const fresh = Math.max(0, 1 - (nowMs - failedAtMs) / FADE_MS);
    const excess = isExcused ? 0 : Math.max(0, this.errorRateOf(host) - baseline.rate);
    cells[this.brief(host) + PRICED_MS] = this.#cell(host, DURATION) * (1 + ERROR_SURCHARGE * fresh * excess);
  }
}
