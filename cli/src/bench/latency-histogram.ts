// pure
/** A tenth of a microsecond. */
const TICKS_PER_MS = 10_000;
/** Buckets of each doubling of the time: a quantile is wrong by less than 1.6 percent. */
const BUCKET_BITS = 6;
const BUCKETS_PER_DOUBLING = 2 ** BUCKET_BITS;
/** About three and a half minutes. */
const MAX_TICKS = 2 ** 31 - 1;
const BUCKETS = bucketOf(MAX_TICKS) + 1;

/** Durations, in buckets that are wider the longer the durations in them are: 14 KB, however many are recorded. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  record(ms: number, times = 1): void {
    const ticks = Math.min(Math.max(Math.round(ms * TICKS_PER_MS), 0), MAX_TICKS);
    const bucket = bucketOf(ticks);
    this.#counts[bucket] = (this.#counts[bucket] as number) + times;
    this.#count += times;
  }

  add(other: LatencyHistogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] as number) + (other.#counts[bucket] as number);
    }
    this.#count += other.#count;
  }

  /** The time, ms, within which this share of the recorded durations lies; NaN without any. */
  quantile(share: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    let bucket = -1;
    while (seen < rank) seen += this.#counts[++bucket] as number;
    return (startOf(bucket) + startOf(bucket + 1) - 1) / 2 / TICKS_PER_MS;
  }
}

/** Times below 2 × BUCKETS_PER_DOUBLING ticks have a bucket of their own each. */
function bucketOf(ticks: number): number {
  const shift = Math.max(0, 31 - BUCKET_BITS - Math.clz32(ticks));
  return shift * BUCKETS_PER_DOUBLING + (ticks >>> shift);
}

function startOf(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / BUCKETS_PER_DOUBLING) - 1);
  return (bucket - shift * BUCKETS_PER_DOUBLING) * 2 ** shift;
}
