// pure
/** What a simulated world is made of: plain data, told before it runs. */
import { constant, type Distribution, exponential } from './distribution.ts';
import type { Ramp } from './ramp.ts';

export interface Scenario {
  readonly durationMs: number;
  /** Calls arrive as a Poisson process, whatever became of those before (an open loop). */
  readonly ratePerSec: number | readonly RateStep[];
  /** How many agents, each with a balancer of its own, share the calls evenly. */
  readonly agents: number;
  readonly hosts: readonly HostSpec[];
  /** How the work of one call varies. */
  readonly work: Distribution;
  /** A caller gives up after this time; the host does not learn of it and goes on. */
  readonly timeoutMs: number;
  /** Mean time to the host and back, and how it varies. */
  readonly roundTripMs: number;
  readonly roundTrip: Distribution;
  /** Share of the reports that never reach the agent. */
  readonly reportLoss: number;
  /** Whether callers tell how long a call took. */
  readonly reportsTcost: boolean;
  readonly retries: Retries;
  readonly timeline: readonly Change[];
  /** What the plots look at: these hosts, around this time. */
  readonly focus: Focus | undefined;
}

export interface RateStep {
  readonly fromMs: number;
  readonly ratePerSec: number;
}

export interface HostSpec {
  /** Calls served at a time; more wait in line. */
  readonly workers: number;
  /** Mean time of one call in service. */
  readonly serviceMs: number;
  /** A call that finds this many waiting is refused. */
  readonly queueLimit: number;
  /** As the route tells it; 0 where it tells none. */
  readonly weight: number;
  readonly zone: string;
  readonly inRoute: boolean;
  readonly condition: Condition;
}

export interface Condition {
  /** `refusing`: a connection is refused at once. `silent`: nothing ever comes back. Both lose what was in the host. */
  readonly availability: 'up' | 'refusing' | 'silent';
  /** The probability that a call is answered with an error. */
  readonly errorRate: Ramp;
  /** How much of its work a call has cost when it is answered with an error: 0 fails at once. */
  readonly errorWork: number;
  /** Service takes this many times as long. */
  readonly slowness: Ramp;
}

/** At a moment, some hosts change: their condition, or whether the route names them. */
export interface Change {
  readonly atMs: number;
  readonly hosts: readonly number[];
  readonly condition?: Partial<Condition>;
  readonly inRoute?: boolean;
}

/** A failed attempt is repeated after backoffMs, on average; a refused one is not. */
export interface Retries {
  readonly limit: number;
  readonly backoffMs: number;
}

export interface Focus {
  readonly hosts: readonly number[];
  readonly fromMs: number;
  readonly toMs: number;
}

export const WELL: Condition = { availability: 'up', errorRate: 0, errorWork: 0.5, slowness: 1 };

/** A scenario in which only what is told differs from a quiet ordinary one. */
export function scenario(told: Pick<Scenario, 'durationMs' | 'ratePerSec' | 'hosts'> & Partial<Scenario>): Scenario {
  return {
    agents: 2,
    work: exponential,
    timeoutMs: 1_000,
    roundTripMs: 1,
    roundTrip: constant,
    reportLoss: 0,
    reportsTcost: true,
    retries: { limit: 0, backoffMs: 0 },
    timeline: [],
    focus: undefined,
    ...told,
  };
}

export function hostSpec(told: Partial<HostSpec> = {}): HostSpec {
  return { workers: 4, serviceMs: 40, queueLimit: 200, weight: 0, zone: '', inRoute: true, condition: WELL, ...told };
}

export function hosts(count: number, told: Partial<HostSpec> = {}): HostSpec[] {
  return Array.from({ length: count }, () => hostSpec(told));
}

/** Calls per second that the host can serve while it is well. */
export function capacityPerSec(host: HostSpec): number {
  return (host.workers * 1_000) / host.serviceMs;
}
