// pure
const BUCKET_MS = 10_000;

/** Counts events of the last 10 to 20 seconds, in two buckets: one division and one addition per event, nothing to clean up. */
export class RecentCount {
  #bucket = 0;
  #current = 0;
  #previous = 0;

  add(nowMs: number): void {
    this.#turn(nowMs);
    this.#current += 1;
  }

  get(nowMs: number): number {
    this.#turn(nowMs);
    return this.#current + this.#previous;
  }

  #turn(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    if (bucket === this.#bucket) return;
    this.#previous = bucket === this.#bucket + 1 ? this.#current : 0;
    this.#current = 0;
    this.#bucket = bucket;
  }
}
