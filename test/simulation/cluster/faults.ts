/** The troubles of a seed: each seed has some of the kinds and not the others, so that rare combinations come up too (swarm testing). */
import { kernel } from './host/kernel.ts';

export const FAULTS = [
  'agent killed',
  'agent power cut',
  'agent stopped',
  'caller killed',
  'dnsserver killed',
  'dnsserver stopped',
  'reporter killed',
  'reporter stopped',
  'thread dies',
  'process hangs',
  'network cut',
  'connections reset',
  'connections silent',
  'datagrams troubled',
  'streams troubled',
  'disk troubled',
  'database full',
  'database locked',
  'clock jumps',
  'routes burst',
] as const;
export type Fault = (typeof FAULTS)[number];

export const MAX_HANG_MS = 6_000;

export interface Plan {
  readonly agents: number;
  readonly modules: number;
  /** How long there is trouble, ms. */
  readonly troubledMs: number;
  readonly faults: readonly Fault[];
  /** Between two faults, on average, ms. */
  readonly faultPauseMs: number;
  readonly editPauseMs: number;
  readonly callPauseMs: number;
  readonly hasCache: boolean;
  readonly errorShare: number;
  readonly reportTimeoutMs: number;
  readonly updateTimeoutMs: number;
  readonly algorithm: 'adaptive' | 'classic';
  /** [queue] max_rows of the reporter: a small one is full all the time. */
  readonly maxRows: number;
  /** [queue] flush_interval: so long are reports sent and not stored. */
  readonly flushIntervalMs: number;
}

export function drawPlan(): Plan {
  const share = kernel.random();
  return {
    agents: 1 + Math.floor(kernel.random() * 3),
    modules: 2 + Math.floor(kernel.random() * 6),
    troubledMs: logBetween(6_000, 30_000),
    faults: FAULTS.filter(() => kernel.chance(share)),
    faultPauseMs: logBetween(250, 4_000),
    editPauseMs: logBetween(600, 8_000),
    callPauseMs: logBetween(60, 1_000),
    hasCache: kernel.chance(0.5),
    errorShare: kernel.chance(0.5) ? 0.02 : 0.3,
    reportTimeoutMs: logBetween(100, 8_000),
    updateTimeoutMs: logBetween(1_000, 200_000),
    algorithm: kernel.chance(0.8) ? 'adaptive' : 'classic',
    flushIntervalMs: logBetween(1, 4_000),
    maxRows: kernel.chance(0.3) ? 4 + Math.floor(kernel.random() * 40) : 10_000,
  };
}

/** Spread evenly over the orders of magnitude. */
export function logBetween(min: number, max: number): number {
  return Math.round(min * (max / min) ** kernel.random());
}
