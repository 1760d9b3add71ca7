// pure
/** What the agent's GET /why and GET /why/MODID/CMDID answer; what an agent of an earlier version leaves out is optional. */
import type { ModuleExplanation, ModuleList, ModuleSummary } from '@lars/agent';
import { countedWeight, formatHostName, parseHost } from '@lars/proto';
import type { HostDocument } from './route-document.ts';

export interface ModuleWhy extends Omit<ModuleExplanation, 'state' | 'conduct' | 'hosts'> {
  /** An agent of an earlier version says 'serving' for 'active'. */
  readonly state: ModuleExplanation['state'] | 'serving';
  readonly conduct?: ConductWhy;
  readonly hosts: readonly HostWhy[];
}

type AgentHostWhy = ModuleExplanation['hosts'][number];

export interface HostWhy extends Omit<AgentHostWhy, 'picks' | 'last'>, Partial<Pick<AgentHostWhy, 'picks'>> {
  readonly last?: LastChange | undefined;
}

type AgentLastChange = NonNullable<AgentHostWhy['last']>;

/** With words for causes that only the agent's version knows. */
export interface LastChange extends Omit<AgentLastChange, 'to' | 'cause' | 'rule'>, Partial<Pick<AgentLastChange, 'rule'>> {
  readonly to: string;
  readonly cause: string;
}

type AgentConduct = NonNullable<ModuleExplanation['conduct']>;

/** JSON leaves out what is undefined. */
export interface ConductWhy extends Omit<AgentConduct, 'shedding' | 'late'>, Partial<Pick<AgentConduct, 'shedding' | 'late'>> {}

/** As it is printed for machines. */
export interface ModuleWhyDocument extends Omit<ModuleWhy, 'hosts'> {
  readonly hosts: readonly (HostDocument & Omit<HostWhy, 'host'>)[];
}

export function moduleWhyDocument({ hosts, ...module }: ModuleWhy): ModuleWhyDocument {
  return { ...module, hosts: hosts.map(hostWhyDocument) };
}

function hostWhyDocument({ host, weight, zone, ...why }: HostWhy): HostDocument & Omit<HostWhy, 'host'> {
  const address = parseHost(host);
  const drain = why.state === 'draining';
  return { host: formatHostName(address), port: address.port, weight: countedWeight(weight), zone, drain, ...why };
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

/** The worst has the highest: modules whose callers are refused, then those whose calls fail, then those with the largest part of their hosts out. 0: all is well. */
export function severityOf({ hosts, draining, ejected, probation, avoided, isShedding, isErring }: ModuleSummary): number {
  if (hosts === 0) return 0;
  const refuses = isShedding || draining === hosts;
  return (refuses ? 2 : 0) + (isErring ? 1.5 : 0) + ejected / hosts + (probation + avoided) / hosts / 10;
}

/** The state in the words of today; an agent of an earlier version says 'idle' and 'overloaded'. */
export function shownState({ state, avoidedTimes }: HostWhy): string {
  if (state === 'idle' || state === 'healthy') return avoidedTimes === undefined ? 'healthy' : 'avoided';
  return state === 'overloaded' ? 'ejected' : state;
}
