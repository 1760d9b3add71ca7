// pure
import type { Metrics } from './metrics.ts';

/** All that a score looks at. */
export type Scored = Pick<Metrics, 'success' | 'p99Ms'>;

/** What an algorithm lost against the oracle, in the same run. */
export interface Score {
  /** Percentage points of all calls; below 0 where luck was better than the oracle. */
  readonly lostPoints: number;
  /** p99 over the oracle's p99, never below 1 nor above 64. */
  readonly p99Ratio: number;
  readonly cost: number;
}

/** A p99 so many times the oracle's is as bad as it gets, as is a run in which nothing succeeded. */
const MAX_P99_RATIO = 64;

/** One lost call in a hundred costs one point, and so does each doubling of the p99. 0 is as good as the oracle. */
export function score(metrics: Scored, oracle: Scored): Score {
  const lostPoints = 100 * (oracle.success - metrics.success);
  const ratio = metrics.p99Ms / oracle.p99Ms;
  const p99Ratio = Number.isNaN(ratio) ? MAX_P99_RATIO : Math.min(MAX_P99_RATIO, Math.max(1, ratio));
  return { lostPoints, p99Ratio, cost: Math.max(0, lostPoints) + Math.log2(p99Ratio) };
}
