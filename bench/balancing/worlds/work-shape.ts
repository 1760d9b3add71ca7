// pure
/** What a shape of work means in numbers. */
import { constant, type Distribution, exponential, lognormal, twoSizes } from '../sim/distribution.ts';
import type { WorkShape } from './world-parameters.ts';

/** One call in a hundred thousand is longer than the longest ordinary one: about one in ten worlds has such a call. */
const NORMAL_QUANTILE = 4.265;
const EXPONENTIAL_QUANTILE = Math.log(100_000);

export interface WorkNumbers {
  readonly distribution: Distribution;
  /** The longest ordinary work; the mean is 1. */
  readonly longest: number;
  /** Mean of the squares. */
  readonly secondMoment: number;
}

export function workNumbers(work: WorkShape): WorkNumbers {
  switch (work.shape) {
    case 'constant':
      return { distribution: constant, longest: 1, secondMoment: 1 };
    case 'exponential':
      return { distribution: exponential, longest: EXPONENTIAL_QUANTILE, secondMoment: 2 };
    case 'lognormal': {
      const variance = Math.log(1 + work.variation ** 2);
      const longest = Math.exp(NORMAL_QUANTILE * Math.sqrt(variance) - variance / 2);
      return { distribution: lognormal(work.variation), longest, secondMoment: 1 + work.variation ** 2 };
    }
    case 'two sizes': {
      const { share, ratio } = work;
      const short = 1 / (1 - share + share * ratio);
      const secondMoment = short ** 2 * (1 - share + share * ratio ** 2);
      return { distribution: twoSizes(share, ratio), longest: short * ratio, secondMoment };
    }
  }
}
