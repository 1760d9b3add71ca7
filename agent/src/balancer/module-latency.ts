// pure
/** Part of the typical duration that one more success replaces. */
const TYPICAL_STEP = 0.02;
/** What is left of the slowest duration after one more report: a thousand reports forget two thirds of it. */
const SLOWEST_KEEP = 0.999;
/** A failure at least this close to the slowest duration is a slow one: most likely somebody's timeout. */
const SLOW_FAILURE_SHARE = 0.7;
/** After a success, calls that are older than this many times the slowest duration are through, or their reports are lost. */
const THROUGH_SHARE = 1.2;
/** Without successes, calls stay in flight for this many times the slowest duration, ... */
const STALE_SHARE = 2;
/** ... but not less than this: a host that swallows calls must not look idle before the first timeout. */
const STALE_MIN_MS = 5_000;
/** Failures by timeout take the same time, but for this part; other slow failures seldom do. */
const TIMEOUT_SPREAD = 0.05;
/** What a caller says beyond this is not believed. */
const MAX_DURATION_MS = 60_000;
/** A clock that ticks in milliseconds may say 0; nothing is for free. */
const MIN_DURATION_MS = 0.1;

/**
 * What the adaptive algorithm keeps of a module, in front of its hosts' rows (host-cells.ts): how long its calls take, over all hosts; the
 * price that the cheap ones have (price-spread.ts); the state of the dice; and when all erred.
 */
export type ModuleCells = readonly number[];

/** About the mean duration of the successes; 0 before the first. */
export const TYPICAL_MS = 0;
/** About the longest duration of the last thousand reports; 0 before the first. */
export const SLOWEST_MS = 1;
const LAST_SLOW_FAILURE_MS = 2;
export const CHEAP_PRICE = 3;
export const DICE = 4;
/** When most calls of all hosts failed last. */
export const ALL_ERRED_AT_MS = 5;

/** Before the first report, but for the dice, which the module throws itself. No failure takes Infinity. */
export const NEW_MODULE: ModuleCells = [0, 0, Number.POSITIVE_INFINITY, 0, 0, Number.NEGATIVE_INFINITY];

/** A call without a report this long ago is lost. */
export function staleAfterMs(cells: ModuleCells): number {
  return Math.max(STALE_MIN_MS, STALE_SHARE * (cells[SLOWEST_MS] as number));
}

/** A call this long ago is through when its host answers later ones. */
export function throughAfterMs(cells: ModuleCells): number {
  return THROUGH_SHARE * (cells[SLOWEST_MS] as number);
}

export function addDuration(cells: number[], ok: boolean, durationMs: number): void {
  cells[SLOWEST_MS] = Math.max(durationMs, (cells[SLOWEST_MS] as number) * SLOWEST_KEEP);
  const typicalMs = cells[TYPICAL_MS] as number;
  if (ok) cells[TYPICAL_MS] = typicalMs + (durationMs - typicalMs) * (typicalMs === 0 ? 1 : TYPICAL_STEP);
}

export function isSlowFailure(cells: ModuleCells, durationMs: number): boolean {
  return durationMs >= SLOW_FAILURE_SHARE * (cells[SLOWEST_MS] as number);
}

/** Call for each slow failure: did it take as long as the one before? */
export function isTimeout(cells: number[], durationMs: number): boolean {
  const previousMs = cells[LAST_SLOW_FAILURE_MS] as number;
  cells[LAST_SLOW_FAILURE_MS] = durationMs;
  return Math.abs(durationMs - previousMs) <= TIMEOUT_SPREAD * durationMs;
}

export function believable(durationMs: number): number {
  return Math.max(MIN_DURATION_MS, Math.min(MAX_DURATION_MS, durationMs));
}
