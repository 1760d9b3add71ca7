// pure
/**
 * How long a module's calls take (docs/load-balancing.md, Learn): what is typical, what is normal in quiet times, and which duration is slow; and how
 * many answers a host gives in a time.
 * Works on the slots of slots.ts.
 */
import { ANSWERS, NORMAL_AT_MS, NORMAL_MS, SLOWEST_MS, TYPICAL_MS } from './slots.ts';

/** A call is slow from this many times the normal duration on. Below, a duration may be long by chance or by the size of its job, ... */
const SLOW_FACTOR = 4;
/** ... and from this on at least: durations are told in whole milliseconds, and one of them more is no sign of anything. */
const SLOW_MIN_MS = 1.5;
/** Normal follows typical down at once, and up by a factor of two in this time at most: an overload is over before it looks normal. */
const NORMAL_DOUBLES_MS = 30_000;
/** The first answers are quick whatever they take: nobody knows yet what is normal. */
const WARM_UP_ANSWERS = 40;
/** Part of the typical duration that one more answer replaces, after the warm-up, which is a plain mean. */
const TYPICAL_STEP = 0.02;
/** One answer counts as this many times what was expected at most: a single long job says little of the next. */
export const ANSWER_CAP_FACTOR = 3;
/** What is left of the slowest duration after one more report: a thousand reports forget two thirds of it. */
const SLOWEST_KEEP = 0.999;
/** Longer durations are taken for this. */
const MAX_DURATION_MS = 60_000;
/** A clock that ticks in milliseconds may say 0, but nothing is for free. */
const MIN_DURATION_MS = 0.1;

export function clampDuration(durationMs: number): number {
  // The usual case is handed on as it came: V8 makes an object of each number that was computed and leaves the function.
  if (durationMs >= MIN_DURATION_MS && durationMs <= MAX_DURATION_MS) return durationMs;
  return durationMs > MAX_DURATION_MS ? MAX_DURATION_MS : MIN_DURATION_MS;
}

/** Learns from a report whose duration was told. */
export function learnSlowest(module: number[], tookMs: number): void {
  module[SLOWEST_MS] = Math.max(tookMs, (module[SLOWEST_MS] as number) * SLOWEST_KEEP);
}

/** Learns from an answer. */
export function learnTypical(module: number[], answerMs: number, nowMs: number): void {
  const answers = module[ANSWERS] as number;
  const before = module[TYPICAL_MS] as number;
  const isWarmUp = answers < WARM_UP_ANSWERS;
  const step = isWarmUp ? 1 / (answers + 1) : TYPICAL_STEP;
  // The first answer is taken as it is: its step is 1.
  const mostMs = answers === 0 ? Number.POSITIVE_INFINITY : ANSWER_CAP_FACTOR * before;
  const typicalMs = before + (Math.min(answerMs, mostMs) - before) * step;
  module[TYPICAL_MS] = typicalMs;
  const normalMs = module[NORMAL_MS] as number;
  if (isWarmUp) {
    module[ANSWERS] = answers + 1;
    module[NORMAL_MS] = typicalMs;
  } else if (typicalMs <= normalMs) {
    module[NORMAL_MS] = typicalMs;
  } else {
    // The first term of the exponential is enough for the time between two answers, and costs no power.
    const growth = 1 + (Math.LN2 * (nowMs - (module[NORMAL_AT_MS] as number))) / NORMAL_DOUBLES_MS;
    module[NORMAL_MS] = Math.min(typicalMs, normalMs * growth);
  }
  module[NORMAL_AT_MS] = nowMs;
}

/** From this duration on a call is slow; Infinity while nobody knows what is normal. */
export function slowFromMs(module: readonly number[]): number {
  return (module[ANSWERS] as number) < WARM_UP_ANSWERS
    ? Number.POSITIVE_INFINITY
    : Math.max(SLOW_MIN_MS, SLOW_FACTOR * (module[NORMAL_MS] as number));
}

export interface Decay {
  /** What is left at most of the old mean after one more sample, 0..1. */
  readonly keep: number;
  /** After this time without a sample, half is left of the old mean at most. */
  readonly halfLifeMs: number;
}

/** Takes a sample into the mean in `cells` at `at`, behind which stands when its last sample came. A sample counts less the more samples, and the more time, have come since. */
export function addSample(cells: number[], at: number, sample: number, nowMs: number, decay: Decay): void {
  // A hyperbola instead of an exponential: it fades as well, and costs a division. Before the first sample it is 0.
  const age = Math.max(0, nowMs - (cells[at + 1] as number));
  const keep = Math.min(decay.keep, decay.halfLifeMs / (decay.halfLifeMs + age));
  cells[at] = sample + ((cells[at] as number) - sample) * keep;
  cells[at + 1] = nowMs;
}

/** Everything before is forgotten. */
export function restartMean(cells: number[], at: number, sample: number, nowMs: number): void {
  cells[at] = sample;
  cells[at + 1] = nowMs;
}

/** Long enough to count the few answers that one of many agents gets. */
const WINDOW_MS = 2_000;
/** What is left of the best window after one more. */
const BEST_KEEP = 0.65;

export function countAnswer(cells: number[], at: number, nowMs: number): void {
  const ageMs = nowMs - startOf(cells, at);
  if (ageMs >= WINDOW_MS) {
    const windows = Math.floor(ageMs / WINDOW_MS);
    cells[at] = bestOf(cells, at) * BEST_KEEP ** (windows - 1);
    cells[at + 1] = 0;
    cells[at + 2] = nowMs;
  }
  cells[at + 1] = (cells[at + 1] as number) + 1;
}

/**
 * How many answers a second a host gave lately at its best. What it gives just now says less: a host that is busy with calls whose
 * callers have gone gives none, and is as able as before.
 */
export function perSecond(cells: readonly number[], at: number, nowMs: number): number {
  const age = (nowMs - startOf(cells, at)) / WINDOW_MS;
  if (age === Number.POSITIVE_INFINITY) return 0;
  return (bestOf(cells, at) * BEST_KEEP ** Math.max(0, age - 1) * 1_000) / WINDOW_MS;
}

function bestOf(cells: readonly number[], at: number): number {
  return Math.max(cells[at + 1] as number, (cells[at] as number) * BEST_KEEP);
}

function startOf(cells: readonly number[], at: number): number {
  return cells[at + 2] as number;
}
