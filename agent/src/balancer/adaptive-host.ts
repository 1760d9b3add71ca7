// pure
import { DEFAULT_WEIGHT } from '@lars/proto';
import { Cusum } from './cusum.ts';
import { type Decay, DecayingMean } from './decaying-mean.ts';
import { Ejection } from './ejection.ts';
import type { ErrorBaseline } from './error-baseline.ts';
import type { HostPool, PoolMember } from './host-pool.ts';
import { TrackedHost } from './host-table.ts';
import { InFlight } from './in-flight.ts';
import { LoadWindow } from './load-window.ts';
import type { ModuleLatency } from './module-latency.ts';

/** AD-3: about the last ten answers count, and less of them after five seconds. */
const DURATIONS: Decay = { keep: 0.9, halfLifeMs: 5_000 };
/** AD-8: whether a host answers slowly is asked at the moment of a failure, so only its last few answers count. */
const ANSWERS: Decay = { keep: 0.8, halfLifeMs: 1_000 };
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
  errorRate = 0;
  onProbation = false;
  // An agent may know half a million hosts, and call few of them: what is not needed yet is not made.
  #duration: DecayingMean | undefined;
  #answers: DecayingMean | undefined;
  #inFlight: InFlight | undefined;
  #window: LoadWindow | undefined;
  #suspicion: Cusum | undefined;
  #ejection: Ejection | undefined;
  #reports = 0;
  #pricedMs = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  get weight(): number {
    return this.host.weight > 0 ? this.host.weight : DEFAULT_WEIGHT;
  }

  get state(): string {
    if (this.host.drain) return 'draining';
    if (this.overloaded) return 'ejected';
    return this.onProbation ? 'probation' : 'idle';
  }

  moveTo(pool: HostPool<AdaptiveHost> | undefined): void {
    if (this.pool === pool) return;
    this.pool?.remove(this);
    this.pool = pool;
    pool?.add(this);
  }

  get inFlight(): InFlight {
    this.#inFlight ??= new InFlight();
    return this.#inFlight;
  }

  get window(): LoadWindow {
    this.#window ??= new LoadWindow();
    return this.#window;
  }

  get hasLimit(): boolean {
    return this.#window?.limited === true;
  }

  get suspicion(): Cusum {
    this.#suspicion ??= new Cusum();
    return this.#suspicion;
  }

  get ejection(): Ejection {
    this.#ejection ??= new Ejection();
    return this.#ejection;
  }

  /** The mean of the last answers, 0 before the first. */
  get answerMs(): number {
    return this.#answers?.value ?? 0;
  }

  /** AD-4: calls in flight, but for those that were sent so long ago that they are given up. */
  load(lostBeforeMs: number): number {
    const inFlight = this.#inFlight;
    if (inFlight === undefined) return 0;
    inFlight.forgetBefore(lostBeforeMs);
    return inFlight.count;
  }

  /** AD-3: what a call is expected to take, errors included; 0 while neither the host nor the module has been measured. */
  expectedMs(typicalMs: number, nowMs: number): number {
    const known = this.#pricedMs === 0 ? typicalMs : this.#pricedMs;
    const faded = FADED_TO * typicalMs;
    if (known <= faded) return known;
    const age = (nowMs - this.#reportedAtMs) / FADE_MS;
    return age >= 1 ? faded : known - (known - faded) * age;
  }

  /** AD-4, AD-5: takes a reported call out of flight; returns what it took, as told or else as inferred. */
  settle(ok: boolean, toldMs: number | undefined, typicalMs: number, nowMs: number): number {
    const tookMs = toldMs ?? nowMs - this.#inferSentMs(ok, typicalMs, nowMs);
    this.inFlight.settle(nowMs - tookMs);
    return tookMs;
  }

  /** AD-3, AD-8: learns from a report. A fast failure says nothing about how long an answer takes. AD-21: `tookMs` may be unknown. */
  learn(ok: boolean, isSlowFailure: boolean, tookMs: number | undefined, normalErrorRate: number, nowMs: number): void {
    this.#reports += 1;
    this.errorRate += ((ok ? 0 : 1) - this.errorRate) * Math.max(ERROR_STEP, 1 / (this.#reports + ERROR_PRIOR));
    this.#reportedAtMs = nowMs;
    if (ok) this.window.onAnswer(nowMs);
    if (tookMs !== undefined) {
      if (ok) {
        this.#answers ??= new DecayingMean();
        this.#answers.add(tookMs, nowMs, ANSWERS);
      }
      if (ok || isSlowFailure) {
        this.#duration ??= new DecayingMean();
        this.#duration.add(tookMs, nowMs, DURATIONS);
      }
    }
    if (!ok) this.#failedAtMs = nowMs;
    this.#price(normalErrorRate, nowMs);
  }

  /** AD-8: does a slow failure of this host say that it has too much to do? */
  isBehind(tookMs: number, nowMs: number): boolean {
    const answers = this.#answers;
    if (answers === undefined) return false;
    return answers.value >= SLOW_ANSWER_SHARE * tookMs && nowMs - answers.atMs < SILENCE_FACTOR * tookMs;
  }

  /** AD-12. The evidence goes back to a single failure's distance from the limit; old errors are forgiven. */
  beginProbation(tookMs: number, baseline: ErrorBaseline, nowMs: number): void {
    this.overloaded = false;
    this.onProbation = true;
    this.ejection.end(nowMs);
    this.suspicion.restart(baseline.limit * PROBATION_EVIDENCE);
    this.window.startSlowly();
    this.errorRate = baseline.rate;
    this.#duration ??= new DecayingMean();
    this.#duration.restart(tookMs, nowMs);
    this.#price(baseline.rate, nowMs);
  }

  /** What people see of it. An unlimited window is left out: it is no number. */
  numbers(latency: ModuleLatency, baseline: ErrorBaseline, nowMs: number): Record<string, number> {
    const { window, ejection, suspicion, errorRate } = this;
    return {
      expectedMs: this.expectedMs(latency.typicalMs, nowMs),
      inFlight: this.load(nowMs - latency.staleAfterMs),
      ...(window.limited ? { window: window.size } : {}),
      errorRate,
      normalErrorRate: baseline.rate,
      evidence: suspicion.evidence,
      evidenceLimit: baseline.limit,
      answersPerSec: window.answersPerSecond(nowMs),
      ...(this.overloaded ? { failuresInRow: ejection.failuresInRow, probeInMs: ejection.probeInMs(nowMs) } : {}),
    };
  }

  /** 0 before the first answer. */
  get #durationMs(): number {
    return this.#duration?.value ?? 0;
  }

  /** AD-3: a host that is seldom called would carry the surcharge for hours if it did not fade. */
  #price(normalErrorRate: number, nowMs: number): void {
    const fresh = Math.max(0, 1 - (nowMs - this.#failedAtMs) / FADE_MS);
    this.#pricedMs = this.#durationMs * (1 + ERROR_SURCHARGE * fresh * Math.max(0, this.errorRate - normalErrorRate));
  }

  /** Callers are taken to be answered in the order in which they asked; see AD-5 for the exception. */
  #inferSentMs(ok: boolean, typicalMs: number, nowMs: number): number {
    const usualMs = this.#durationMs === 0 ? typicalMs : this.#durationMs;
    return this.inFlight.oldestSince(ok ? nowMs - PLAUSIBLE * usualMs : Number.NEGATIVE_INFINITY, nowMs - usualMs);
  }
}
