// pure
import { LatencyHistogram } from './latency-histogram.ts';

/** What one stint of load brought. */
export interface LoadResult {
  /** Requests that were answered; for the reporter, rows that were stored. */
  readonly done: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** The latencies of the answered requests. */
  readonly latency: LatencyHistogram;
  /** Requests without an answer in time. */
  readonly lost: number;
  /** What else was counted, by name. */
  readonly counts: Readonly<Record<string, number>>;
}

/** When a stint is over: after this time, or after this many requests. */
export type Stint = { readonly seconds: number } | { readonly requests: number };

/** Of several sockets together: how many requests may still be made. */
export class Quota {
  #left: number;

  constructor(stint: Stint) {
    this.#left = 'requests' in stint ? stint.requests : Number.POSITIVE_INFINITY;
  }

  get used(): boolean {
    return this.#left <= 0;
  }

  take(): boolean {
    return this.takeUpTo(1) === 1;
  }

  takeUpTo(count: number): number {
    const taken = Math.min(count, this.#left);
    this.#left -= taken;
    return taken;
  }

  /** No more. */
  close(): void {
    this.#left = 0;
  }
}

export function addCounts(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries([...names].map(name => [name, (one[name] ?? 0) + (other[name] ?? 0)]));
}

export function mergeLatencies(histograms: readonly LatencyHistogram[]): LatencyHistogram {
  const all = new LatencyHistogram();
  for (const histogram of histograms) all.add(histogram);
  return all;
}
