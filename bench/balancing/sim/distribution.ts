// pure
import type { Random } from './random.ts';

/** A distribution of positive numbers with the mean 1: a host's or a network's mean time is multiplied by it. */
export interface Distribution {
  sample(random: Random): number;
  /** The probability of more than x. */
  tail(x: number): number;
}

export const constant: Distribution = { sample: () => 1, tail: x => (x < 1 ? 1 : 0) };

export const exponential: Distribution = { sample: sampleExponential, tail: x => Math.exp(-Math.max(0, x)) };

/** Many short and a few long ones. `variation` is standard deviation / mean, above 0. */
export function lognormal(variation: number): Distribution {
  const sigma = Math.sqrt(Math.log(1 + variation ** 2));
  const mu = -(sigma ** 2) / 2;
  return {
    sample: random => Math.exp(mu + sigma * sampleNormal(random)),
    tail: x => (x <= 0 ? 1 : normalTail((Math.log(x) - mu) / sigma)),
  };
}

/** Short calls and, `share` of all, long ones: they take `ratio` times as long. */
export function twoSizes(share: number, ratio: number): Distribution {
  const short = 1 / (1 - share + share * ratio);
  const long = short * ratio;
  return {
    sample: random => (random() < share ? long : short),
    tail: x => (x < short ? 1 : x < long ? share : 0),
  };
}

function sampleExponential(random: Random): number {
  return -Math.log(1 - random());
}

/** Box and Muller. */
function sampleNormal(random: Random): number {
  return Math.sqrt(2 * sampleExponential(random)) * Math.cos(2 * Math.PI * random());
}

/** The probability of more than z in a standard normal distribution, within 1e-7 (Abramowitz and Stegun, 26.2.17). */
function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const t = 1 / (1 + 0.231_641_9 * z);
  const series = t * (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  return (Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
