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
  'routes lost',
] as const;
export type Fault = (typeof FAULTS)[number];

export const MAX_HANG_MS = 6_000;

export interface Plan {
  readonly agents: number;
  /** Over one database. */
  readonly dnsservers: number;
  readonly reporters: number;
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
  /** [routes] poll_interval of the dnsservers. */
  readonly pollIntervalMs: number;
  readonly algorithm: 'adaptive' | 'classic';
  /** [queue] max_rows of the reporter: a small one is full all the time. */
  readonly maxRows: number;
  /** [queue] flush_interval: so long are reports sent and not stored. */
  readonly flushIntervalMs: number;
}

export function drawPlan(): Plan {
  const share = kernel.random();
  const [dnsservers, reporters] = [serverCount(), serverCount()];
  return {
    agents: 1 + Math.floor(kernel.random() * 3),
    dnsservers,
    reporters,
    modules: 2 + Math.floor(kernel.random() * 6),
    troubledMs: logBetween(5_000, 17_000),
    faults: FAULTS.filter(() => kernel.chance(share)),
    faultPauseMs: logBetween(250, 4_000),
    editPauseMs: logBetween(600, 8_000),
    callPauseMs: logBetween(60, 1_000),
    hasCache: kernel.chance(0.5),
    errorShare: kernel.chance(0.5) ? 0.02 : 0.3,
    reportTimeoutMs: logBetween(100, 8_000),
    updateTimeoutMs: logBetween(1_000, 200_000),
    pollIntervalMs: logBetween(200, 2_000),
    algorithm: kernel.chance(0.8) ? 'adaptive' : 'classic',
    // Of several reporters one that does not acknowledge soon is left for another.
    flushIntervalMs: logBetween(1, reporters === 1 ? 4_000 : 400),
    maxRows: kernel.chance(0.3) ? 4 + Math.floor(kernel.random() * 40) : 10_000,
  };
}

function serverCount(): number {
  return kernel.chance(0.6) ? 1 : 2 + Math.floor(kernel.random() * 2);
}

/** Spread evenly over the orders of magnitude. */
export function logBetween(min: number, max: number): number {
  return Math.round(min * (max / min) ** kernel.random());
}
