import { setTimeout as sleep } from 'node:timers/promises';
import type { ModuleId } from '@lars/proto';
import { CommandError } from '../errors.ts';
import { type AgentLoadOptions, type AgentTarget, runAgentLoad } from './agent-load.ts';
import type { BenchAgent } from './bench-system.ts';
import type { CEcho } from './c-echo.ts';
import { framesOf } from './get-host-frames.ts';
import type { Contender } from './in-turn.ts';
import { modulesByShard } from './module-layout.ts';

/** A load for the server that listens on these ports: an agent, or an echo. */
export interface AgentLoadShape extends Omit<AgentLoadOptions, 'targets'> {
  readonly modules: readonly ModuleId[];
}

/** What answers on UDP, and what it is asked. */
export interface AgentContender extends Contender {
  readonly options: AgentLoadOptions;
  /** Its health page, where it has one that is known. */
  readonly http?: { readonly ip: string; readonly port: number } | undefined;
}

/** @param portOf the port for a shard's modules; `index` counts the shards that have any */
export function contenderOn(
  name: string,
  pid: number | undefined,
  ip: string,
  portOf: (shard: number, index: number) => number,
  { modules, ...shape }: AgentLoadShape,
): AgentContender {
  const targets = [...modulesByShard(modules)].map(
    ([shard, ids], index): AgentTarget => ({ ip, port: portOf(shard, index), modules: ids.map(framesOf) }),
  );
  const options = { ...shape, targets };
  return { name, pid, options, load: () => runAgentLoad(options) };
}

export function agentContender(name: string, agent: BenchAgent, shape: AgentLoadShape): AgentContender {
  const { server, ip, udpPorts, httpPort } = agent;
  return { ...contenderOn(name, server.pid, ip, shard => udpPorts[shard] as number, shape), http: { ip, port: httpPort } };
}

/** An echo knows no modules: each of its threads stands for a shard that has some. */
export function echoContender(name: string, { server, ports }: CEcho, shape: AgentLoadShape): AgentContender {
  return contenderOn(name, server.pid, '127.0.0.1', (_shard, index) => ports[index] as number, shape);
}

/** A module's first answers may be NOEXIST: its route is on its way. The agent remembers that for a second. */
const MAX_PASSES = 5;
const ABSENCE_MS = 1_100;

/**
 * Until the agent has the routes of all modules.
 * @throws {CommandError} NO_HOSTS when it does not get them
 */
export async function warmUp({ name, options }: AgentContender): Promise<void> {
  let hostless = 0;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    hostless = 0;
    // One port after the other: a stint has one number of requests for all ports, and each module must get one.
    for (const target of options.targets) {
      const stint = { requests: target.modules.length };
      const { counts, lost } = await runAgentLoad({ ...options, targets: [target], sockets: 1, reports: false, stint });
      hostless += (counts['hostless'] ?? 0) + lost;
    }
    if (hostless === 0) return;
    await sleep(ABSENCE_MS);
  }
  throw new CommandError('NO_HOSTS', `${name} knows no hosts of ${hostless} of the modules; they must have routes`);
}
