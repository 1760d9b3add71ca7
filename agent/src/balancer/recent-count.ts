// pure
const BUCKET_MS = 10_000;

/** A count in `cells` at `at`: the number of the bucket, the events in it, and those in the one before. See slots.ts. */
export const NO_EVENTS = [Number.NaN, 0, 0] as const;

/** Counts events of the last 10 to 20 seconds, in two buckets: one division and one addition per event, nothing to clean up. */
export function countRecent(cells: number[], at: number, count: number, nowMs: number): void {
  const bucket = bucketAt(nowMs);
  if (bucket !== cells[at]) {
    cells[at + 2] = bucket === (cells[at] as number) + 1 ? (cells[at + 1] as number) : 0;
    cells[at + 1] = 0;
    cells[at] = bucket;
  }
  cells[at + 1] = (cells[at + 1] as number) + count;
}

export function recentCount(cells: readonly number[], at: number, nowMs: number): number {
  const age = bucketAt(nowMs) - (cells[at] as number);
  if (age === 0) return (cells[at + 1] as number) + (cells[at + 2] as number);
  return age === 1 ? (cells[at + 1] as number) : 0;
}

function bucketAt(nowMs: number): number {
  return Math.floor(nowMs / BUCKET_MS);
}
