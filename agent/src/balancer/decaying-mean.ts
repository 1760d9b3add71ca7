// pure
export interface Decay {
  /** What is left at most of the old mean after one more sample, 0..1. */
  readonly keep: number;
  /** After this time without a sample, half is left of the old mean at most. */
  readonly halfLifeMs: number;
}

/** A mean in which a sample counts less the more samples, and the more time, have come since. */
export class DecayingMean {
  #value = 0;
  #atMs = Number.NEGATIVE_INFINITY;

  /** 0 before the first sample. */
  get value(): number {
    return this.#value;
  }

  /** When the last sample came; -Infinity before the first. */
  get atMs(): number {
    return this.#atMs;
  }

  add(sample: number, nowMs: number, decay: Decay): void {
    // A hyperbola instead of an exponential: it fades as well, and costs a division. Before the first sample it is 0.
    const age = Math.max(0, nowMs - this.#atMs);
    const keep = Math.min(decay.keep, decay.halfLifeMs / (decay.halfLifeMs + age));
    this.#value = sample + (this.#value - sample) * keep;
    this.#atMs = nowMs;
  }

  /** Everything before is forgotten. */
  restart(sample: number, nowMs: number): void {
    this.#value = sample;
    this.#atMs = nowMs;
  }
}
