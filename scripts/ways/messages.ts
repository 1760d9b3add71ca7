import type { Profiler } from 'node:inspector';

/** The channel between the measuring thread and the hook in each thread. */
export const CHANNEL = 'lars-ways';

/** Asks each thread what ran since the last take. */
export interface ToThreads {
  readonly type: 'take';
  readonly round: number;
}

export interface FromThread {
  readonly type: 'taken';
  readonly round: number;
  readonly isMainThread: boolean;
  readonly scripts: readonly Profiler.ScriptCoverage[];
}
