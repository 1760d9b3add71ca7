// pure
import { DEFAULT_WEIGHT, type HostInfo } from '@lars/proto';
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
  PICKS,
  PRICED_MS,
  REPORTED_AT_MS,
  REPORTS,
  SENT_AT_MS,
  THROUGHPUT,
  UNCALLED_ADAPTIVE,
} from './host-cells.ts';
import type { HostPool, PoolMember } from './host-pool.ts';
import { type PastChange, TrackedHost } from './host-table.ts';
import { HostTrouble, NO_TROUBLE } from './host-trouble.ts';
import { InFlight } from './in-flight.ts';
import { fittingCalls, type LoadWindow } from './load-window.ts';
import { type ModuleCells, staleAfterMs, TYPICAL_MS } from './module-latency.ts';
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

/** What the adaptive rules remember of one host. Decisions about it fall in adaptive.ts. */
export class AdaptiveHost extends TrackedHost implements PoolMember {
  slot = 0;
  /** None while it drains. */
  pool: HostPool<AdaptiveHost> | undefined;
  // An agent may know half a million hosts, and call few of them: what is not needed yet is not made.
  /** While calls are in flight. */
  #inFlight: InFlight | undefined = undefined;
  #trouble: Readonly<HostTrouble> = NO_TROUBLE;

  constructor(host: HostInfo) {
    super(host, UNCALLED_ADAPTIVE);
  }

  get weight(): number {
    return this.host.weight > 0 ? this.host.weight : DEFAULT_WEIGHT;
  }

  get state(): string {
    if (this.host.drain) return 'draining';
    if (this.overloaded) return 'ejected';
    return this.#trouble.onProbation ? 'probation' : 'idle';
  }

  moveTo(pool: HostPool<AdaptiveHost> | undefined): void {
    if (this.pool === pool) return;
    this.pool?.remove(this);
    this.pool = pool;
    pool?.add(this);
  }

  /** 0..1 */
  get errorRate(): number {
    return this.cells[ERROR_RATE] as number;
  }

  /** AD-7 */
  get evidence(): number {
    return this.cells[EVIDENCE] as number;
  }

  /** The mean of the last answers, 0 before the first. */
  get answerMs(): number {
    return this.cells[ANSWERS] as number;
  }

  override get overloaded(): boolean {
    return this.#trouble.overloaded;
  }

  override set overloaded(overloaded: boolean) {
    this.#ownTrouble().overloaded = overloaded;
  }

  override get last(): PastChange | undefined {
    return this.#trouble.last;
  }

  override set last(last: PastChange | undefined) {
    this.#ownTrouble().last = last;
  }

  get ejection(): Ejection {
    return this.#ownTrouble().ejection;
  }

  /** Undefined where the host has no limit. */
  get window(): LoadWindow | undefined {
    return this.#trouble.window;
  }

  /** To be set a size at once. */
  limitedWindow(): LoadWindow {
    return this.#ownTrouble().limitedWindow();
  }

  answersPerSec(nowMs: number): number {
    return perSecond(this.cells, THROUGHPUT, nowMs);
  }

  /** AD-13, AD-14: how many calls it answers in such a time. */
  fittingCalls(durationMs: number, nowMs: number): number {
    return fittingCalls(this.answersPerSec(nowMs), durationMs);
  }

  /** AD-14, AD-16 */
  hasRoom(load: number, targetMs: number, nowMs: number): boolean {
    const { window } = this.#trouble;
    return window === undefined || window.hasRoom(load, targetMs, this.cells[SENT_AT_MS] as number, nowMs);
  }

  /** AD-4 */
  send(nowMs: number): void {
    const cells = this.ownCells();
    countRecent(cells, PICKS, 1, nowMs);
    cells[SENT_AT_MS] = nowMs;
    this.#inFlight ??= InFlight.take();
    this.#inFlight.add(nowMs);
  }

  /** AD-4: calls in flight, but for those that were sent so long ago that they are given up. */
  load(lostBeforeMs: number): number {
    const inFlight = this.#inFlight;
    if (inFlight === undefined) return 0;
    inFlight.forgetBefore(lostBeforeMs);
    return this.#countInFlight(inFlight);
  }

  /** AD-3: what a call is expected to take, errors included; 0 while neither the host nor the module has been measured. */
  expectedMs(typicalMs: number, nowMs: number): number {
    const { cells } = this;
    const pricedMs = cells[PRICED_MS] as number;
    const known = pricedMs === 0 ? typicalMs : pricedMs;
    const faded = FADED_TO * typicalMs;
    if (known <= faded) return known;
    const age = (nowMs - (cells[REPORTED_AT_MS] as number)) / FADE_MS;
    return age >= 1 ? faded : known - (known - faded) * age;
  }

  /** AD-4, AD-5: takes a reported call out of flight; returns what it took, as told or else as inferred. */
  settle(ok: boolean, toldMs: number | undefined, typicalMs: number, nowMs: number): number {
    const tookMs = toldMs ?? nowMs - this.#inferSentMs(ok, typicalMs, nowMs);
    const inFlight = this.#inFlight;
    if (inFlight !== undefined) {
      inFlight.settle(nowMs - tookMs);
      this.#countInFlight(inFlight);
    }
    return tookMs;
  }

  /** AD-3, AD-8: learns from a report. A fast failure says nothing about how long an answer takes. AD-21: `tookMs` may be unknown. */
  learn(ok: boolean, isSlowFailure: boolean, tookMs: number | undefined, normalErrorRate: number, nowMs: number): void {
    const cells = this.ownCells();
    const reports = (cells[REPORTS] as number) + 1;
    const errorRate = cells[ERROR_RATE] as number;
    cells[REPORTS] = reports;
    cells[ERROR_RATE] = errorRate + ((ok ? 0 : 1) - errorRate) * Math.max(ERROR_STEP, 1 / (reports + ERROR_PRIOR));
    cells[REPORTED_AT_MS] = nowMs;
    if (ok) countAnswer(cells, THROUGHPUT, nowMs);
    else cells[FAILED_AT_MS] = nowMs;
    if (tookMs !== undefined) {
      if (ok) addSample(cells, ANSWERS, tookMs, nowMs, ANSWERS_DECAY);
      if (ok || isSlowFailure) addSample(cells, DURATION, tookMs, nowMs, DURATION_DECAY);
    }
    price(cells, normalErrorRate, nowMs);
  }

  /** AD-7; without any evidence, a probation is over (AD-12). @returns whether the evidence has reached the limit */
  weigh(logLikelihoodRatio: number, limit: number): boolean {
    const evidence = weighReport(this.evidence, logLikelihoodRatio, limit);
    this.ownCells()[EVIDENCE] = evidence;
    if (evidence === 0) this.#trouble.endProbation();
    return evidence >= limit;
  }

  /** AD-8: does a slow failure of this host say that it has too much to do? */
  isBehind(tookMs: number, nowMs: number): boolean {
    const answeredAtMs = this.cells[ANSWERS + 1] as number;
    return this.answerMs >= SLOW_ANSWER_SHARE * tookMs && nowMs - answeredAtMs < SILENCE_FACTOR * tookMs;
  }

  /** AD-12. The evidence goes back to a single failure's distance from the limit; old errors are forgiven. */
  beginProbation(tookMs: number, baseline: ErrorBaseline, nowMs: number): void {
    this.overloaded = false;
    this.ejection.end(nowMs);
    this.limitedWindow().startSlowly();
    const cells = this.ownCells();
    cells[EVIDENCE] = baseline.limit * PROBATION_EVIDENCE;
    cells[ERROR_RATE] = baseline.rate;
    restartMean(cells, DURATION, tookMs, nowMs);
    price(cells, baseline.rate, nowMs);
  }

  /** What people see of it. An unlimited window is left out: it is no number. */
  numbers(module: ModuleCells, baseline: ErrorBaseline, nowMs: number): Record<string, number> {
    const { window, errorRate, evidence } = this;
    return {
      expectedMs: this.expectedMs(module[TYPICAL_MS] as number, nowMs),
      inFlight: this.load(nowMs - staleAfterMs(module)),
      ...(window !== undefined ? { window: window.size } : {}),
      errorRate,
      normalErrorRate: baseline.rate,
      evidence,
      evidenceLimit: baseline.limit,
      answersPerSec: this.answersPerSec(nowMs),
      ...(this.overloaded ? { failuresInRow: this.ejection.failuresInRow, probeInMs: this.ejection.probeInMs(nowMs) } : {}),
    };
  }

  /** Callers are taken to be answered in the order in which they asked; see AD-5 for the exception. */
  #inferSentMs(ok: boolean, typicalMs: number, nowMs: number): number {
    const durationMs = this.cells[DURATION] as number;
    const usualMs = durationMs === 0 ? typicalMs : durationMs;
    const otherwiseMs = nowMs - usualMs;
    const sinceMs = ok ? nowMs - PLAUSIBLE * usualMs : Number.NEGATIVE_INFINITY;
    return this.#inFlight?.oldestSince(sinceMs, otherwiseMs) ?? otherwiseMs;
  }

  /** Gives the list back where it is empty. */
  #countInFlight(inFlight: InFlight): number {
    const { count } = inFlight;
    if (count === 0) {
      InFlight.giveBack(inFlight);
      this.#inFlight = undefined;
    }
    return count;
  }

  #ownTrouble(): HostTrouble {
    if (this.#trouble === NO_TROUBLE) this.#trouble = new HostTrouble();
    return this.#trouble as HostTrouble;
  }

  protected override ownCells(): number[] {
    if (this.cells === UNCALLED_ADAPTIVE) this.cells = this.cells.slice();
    return this.cells as number[];
  }
}

/** AD-3: a host that is seldom called would carry the surcharge for hours if it did not fade. */
function price(cells: number[], normalErrorRate: number, nowMs: number): void {
  const fresh = Math.max(0, 1 - (nowMs - (cells[FAILED_AT_MS] as number)) / FADE_MS);
  const excess = Math.max(0, (cells[ERROR_RATE] as number) - normalErrorRate);
  cells[PRICED_MS] = (cells[DURATION] as number) * (1 + ERROR_SURCHARGE * fresh * excess);
}
