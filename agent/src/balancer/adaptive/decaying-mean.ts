// pure
export interface Decay {
  /** What is left at most of the old mean after one more sample, 0..1. */
  readonly keep: number;
  /** After this time without a sample, half is left of the old mean at most. */
  readonly halfLifeMs: number;
}

/** A mean in `cells` at `at`, and behind it when its last sample came: 0 and -Infinity before the first. See slots.ts. */
export const NO_MEAN = [0, Number.NEGATIVE_INFINITY] as const;

/** Takes a sample into a mean in which a sample counts less the more samples, and the more time, have come since. */
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
