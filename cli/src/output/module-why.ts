// pure
/** What the agent's GET /why and GET /why/MODID/CMDID answer; what an agent of an earlier version leaves out is optional. */
import type { ModuleList, ModuleSummary } from '@lars/agent';

export interface ModuleWhy {
  readonly modid: number;
  readonly cmdid: number;
  /** An agent of an earlier version says 'serving' for 'active'. */
  readonly state: 'active' | 'serving' | 'absent' | 'unknown';
  readonly algorithm: string;
  readonly version: number;
  /** The route is one that the agent knew earlier; for so long dnsserver has not confirmed it. */
  readonly oldRouteSeconds?: number;
  /** Of the last 10 to 20 seconds, and how many of these were for simulated calls. */
  readonly recentPicks?: number;
  readonly simulatedPicks?: number;
  readonly conduct?: ConductWhy;
  readonly hosts: readonly HostWhy[];
}

/** What concerns the module as a whole; see ModuleConduct in the agent's balancer.ts. */
export interface ConductWhy {
  readonly picks: number;
  readonly unreported: number;
  readonly unpicked: number;
  /** Undefined of an agent that does not count them yet. */
  readonly late?: number;
  readonly inFlightKnown: boolean;
  readonly impossibleDurations: boolean;
  readonly normalMs: number;
  readonly shedding?: { readonly forMs: number; readonly refused: number; readonly timeoutMs: number };
}

/** See HostExplanation in the agent's balancer.ts. */
export interface HostWhy {
  readonly host: string;
  readonly weight: number;
  readonly zone: string;
  readonly state: string;
  readonly share: number;
  readonly picks?: number;
  readonly avoidedTimes?: number;
  readonly numbers: Readonly<Record<string, number>>;
  readonly last?: LastChange;
}

export interface LastChange {
  readonly to: string;
  readonly cause: string;
  readonly rule?: string;
  readonly agoMs: number;
  readonly numbers: Readonly<Record<string, number>>;
}

/** Of an agent that could not ask all of its shards, how many are missing. */
export interface ModulesWhy extends ModuleList {
  readonly missingShards?: number;
}

/** Whether the agent has a route of the module. */
export function isActive({ state }: ModuleWhy): boolean {
  return state === 'active' || state === 'serving';
}

export function isInTrouble(module: ModuleSummary): boolean {
  return severityOf(module) > 0;
}

/** The worst has the highest: modules whose callers are refused, then those with the largest part of their hosts out. 0: all is well. */
export function severityOf({ hosts, draining, ejected, probation, avoided, isShedding }: ModuleSummary): number {
  if (hosts === 0) return 0;
  const refuses = isShedding || draining === hosts;
  return (refuses ? 2 : 0) + ejected / hosts + (probation + avoided) / hosts / 10;
}

/** The state in the words of today; an agent of an earlier version says 'idle' and 'overloaded'. */
export function shownState({ state, avoidedTimes }: HostWhy): string {
  if (state === 'idle' || state === 'healthy') return avoidedTimes === undefined ? 'healthy' : 'avoided';
  return state === 'overloaded' ? 'ejected' : state;
}
