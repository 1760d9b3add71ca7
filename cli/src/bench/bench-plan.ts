// pure
/** What a benchmark is to do, as the command line says it. */
import type { Algorithm, ServerTransport } from './bench-conf.ts';
import type { ClientKind } from './datagram-client.ts';
import type { Stint } from './load-result.ts';
import type { ModuleLayout } from './module-layout.ts';

/** A server that runs already. */
export interface Against {
  readonly ip: string;
  /** The agent has three, the others one. */
  readonly ports: readonly number[];
  /** Whose CPU time is taken. */
  readonly pid: number | undefined;
  /** The address of its health page, which tells its process id. */
  readonly http: { readonly ip: string; readonly port: number } | undefined;
}

export interface CommonPlan {
  readonly layout: ModuleLayout;
  /** Of all rounds together, for each server. */
  readonly stint: Stint;
  /** On each socket or connection. */
  readonly window: number;
  readonly against: Against | undefined;
}

export interface AgentPlan extends CommonPlan {
  readonly kind: 'agent';
  /** Sockets to each of the agent's ports that has modules. */
  readonly sockets: number;
  readonly reports: boolean;
  readonly algorithm: Algorithm;
  readonly transport: ServerTransport;
  readonly client: ClientKind | undefined;
  readonly yardstick: boolean;
}

export interface TcpPlan extends CommonPlan {
  readonly kind: 'dnsserver' | 'reporter';
  readonly connections: number;
}

export type BenchPlan = AgentPlan | TcpPlan;

export const ROUNDS = 5;

/** The stint of one round. */
export function roundOf(stint: Stint, rounds: number = ROUNDS): Stint {
  return 'seconds' in stint ? { seconds: stint.seconds / rounds } : { requests: Math.ceil(stint.requests / rounds) };
}
