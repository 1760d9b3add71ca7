// pure
import type { ModuleId } from '@lars/proto';
import { UsageError } from '../errors.ts';
import { type Address, checkLoopback, parseAgainst } from './against.ts';
import type { Algorithm, ServerTransport } from './bench-conf.ts';
import type { Against, AgentPlan, CommonPlan, TcpPlan } from './bench-plan.ts';
import type { ClientKind } from './datagram-client.ts';
import { fits } from './module-layout.ts';

interface CommonOptions {
  readonly window: number;
  readonly modules: number;
  readonly hosts: number;
  readonly module: ModuleId;
  readonly seconds: number;
  readonly requests?: number;
  readonly against?: string;
  readonly pid?: number;
  readonly http?: Address;
  readonly remote?: boolean;
}

/** What the command line says, each option read by itself. */
export interface AgentOptions extends CommonOptions {
  readonly sockets: number;
  readonly reports?: boolean;
  readonly algorithm: Algorithm;
  readonly transport: ServerTransport;
  readonly client?: ClientKind;
  readonly yardstick: boolean;
}

export interface TcpOptions extends CommonOptions {
  readonly connections: number;
}

/** Of all modules together: the database, and the memory of three processes, grow with them. */
const MAX_ROUTES = 2_000_000;

/** @throws {UsageError} naming the option that does not go with the others */
export function readAgentPlan(options: AgentOptions): AgentPlan {
  const { sockets, reports = false, algorithm, transport, client, yardstick } = options;
  return { kind: 'agent', ...commonPlan(options, 'agent'), sockets, reports, algorithm, transport, client, yardstick };
}

/** @throws {UsageError} naming the option that does not go with the others */
export function readTcpPlan(kind: TcpPlan['kind'], options: TcpOptions): TcpPlan {
  return { kind, ...commonPlan(options, 'other'), connections: options.connections };
}

function commonPlan(options: CommonOptions, server: 'agent' | 'other'): CommonPlan {
  const { window, modules, hosts, module: first, seconds, requests } = options;
  const layout = { first, modules, hosts };
  if (!fits(layout)) throw new UsageError(`--modules ${modules}: from --module on there are not so many ids`);
  if (modules * hosts > MAX_ROUTES)
    throw new UsageError(`--modules ${modules} × --hosts ${hosts}: at most ${MAX_ROUTES} together`);
  const stint = requests === undefined ? { seconds } : { requests };
  return { layout, window, stint, against: againstOf(options, server) };
}

function againstOf({ against, pid, http, remote = false }: CommonOptions, server: 'agent' | 'other'): Against | undefined {
  if (against === undefined) {
    const useless = pid !== undefined ? '--pid' : http !== undefined ? '--http' : remote ? '--remote' : undefined;
    if (useless !== undefined) throw new UsageError(`${useless}: there is no --against that it could belong to`);
    return undefined;
  }
  const address = parseAgainst(against, server);
  checkLoopback(address.ip, remote);
  return { ...address, pid, http };
}
