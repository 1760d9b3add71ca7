// pure
/** Long enough to count the few answers that one of many agents gets. */
const SLOT_MS = 2_000;
/** What is left of the best slot after one more. */
const BEST_KEEP = 0.65;

/**
 * How many answers a second a host gave lately at its best. What it gives just now says less: a host that is busy with calls whose
 * callers have gone gives none, and is as able as before.
 */
export class Throughput {
  #slotStartMs = Number.NEGATIVE_INFINITY;
  #count = 0;
  #previousBest = 0;

  add(nowMs: number): void {
    const slots = Math.floor((nowMs - this.#slotStartMs) / SLOT_MS);
    if (slots >= 1) {
      this.#previousBest = Math.max(this.#count, this.#previousBest * BEST_KEEP) * BEST_KEEP ** (slots - 1);
      this.#count = 0;
      this.#slotStartMs = nowMs;
    }
    this.#count += 1;
  }

  perSecond(nowMs: number): number {
    const age = (nowMs - this.#slotStartMs) / SLOT_MS;
    if (age === Number.POSITIVE_INFINITY) return 0;
    const best = Math.max(this.#count, this.#previousBest * BEST_KEEP) * BEST_KEEP ** Math.max(0, age - 1);
    return (best * 1_000) / SLOT_MS;
  }
}
