import { performance } from 'node:perf_hooks';

/** The two clocks that a process reads; tests bring their own. */
export interface Clock {
  /** Milliseconds that never jump: for every duration. */
  monotonicMs(): number;
  /** Milliseconds since 1970: only for what is stored or shown as a date. */
  unixMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  unixMs: () => Date.now(),
};
