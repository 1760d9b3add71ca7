// pure
/** Each bucket ends this many times later than the one before: a quantile is at most 1 % too high. */
const GROWTH = 1.01;
/** Shorter durations count as this. */
const SHORTEST_MS = 0.01;

/** Remembers how long calls took, in buckets; their number depends on how much the durations differ, not on how many there are. */
export class Latencies {
  readonly #counts = new Map<number, number>();
  #total = 0;

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, SHORTEST_MS)) / Math.log(GROWTH));
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#total += 1;
  }

  /** @returns the time within which the share `q` (0..1) of the calls was done, ms; undefined when there was no call */
  quantile(q: number): number | undefined {
    const rank = Math.max(1, Math.ceil(q * this.#total));
    let passed = 0;
    for (const [bucket, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      passed += count;
      if (passed >= rank) return GROWTH ** bucket;
    }
    return undefined;
  }
}
