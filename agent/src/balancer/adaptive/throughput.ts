// pure
/** Long enough to count the few answers that one of many agents gets. */
const WINDOW_MS = 2_000;
/** What is left of the best window after one more. */
const BEST_KEEP = 0.65;

/** A throughput in `cells` at `at`: the most answers of an earlier window, faded; the answers in this window; when it began. See slots.ts. */
export const NO_THROUGHPUT = [0, 0, Number.NEGATIVE_INFINITY] as const;

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
