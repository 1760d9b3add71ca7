/** What sections about the UDP path measure: agents of both algorithms and transports, and a bare echo in C, side by side. */
import {
  type AgentContender,
  type AgentLoadShape,
  agentContender,
  echoContender,
  warmUp,
} from '../cli/src/bench/agent-contender.ts';
import type { Algorithm, ServerTransport } from '../cli/src/bench/bench-conf.ts';
import { type BenchAgent, BenchSystem } from '../cli/src/bench/bench-system.ts';
import { startCEcho } from '../cli/src/bench/c-echo.ts';
import { chooseClient } from '../cli/src/bench/choose-client.ts';
import { type ModuleLayout, modulesOf } from '../cli/src/bench/module-layout.ts';

export const ECHO = 'bare echo in C';
const SHARDS = 3;

export interface AgentKind {
  readonly algorithm: Algorithm;
  readonly transport: ServerTransport;
}

export interface Work {
  /** So many of the world's modules, asked for in turn. */
  readonly modules: number;
  readonly window: number;
  readonly reports: boolean;
  readonly seconds: number;
}

export interface UdpWorld {
  readonly layout: ModuleLayout;
  /** All servers under this work; the echo, where it can be built, comes first. */
  contenders(work: Work): readonly AgentContender[];
  /** A sentence about the echo where there is none. */
  readonly note: string;
}

/** Runs `measure` in a system with these modules; every agent has their routes. */
export async function withUdpWorld(
  layout: ModuleLayout,
  kinds: readonly AgentKind[],
  measure: (world: UdpWorld) => Promise<string>,
): Promise<string> {
  const system = new BenchSystem();
  try {
    await system.addModules(layout);
    const client = await chooseClient();
    const { signal } = new AbortController();
    const shapeOf = ({ modules, window, reports, seconds }: Work): AgentLoadShape => {
      const asked = modulesOf({ ...layout, modules });
      return { modules: asked, window, reports, stint: { seconds }, sockets: 1, client, signal };
    };
    const echo = await startCEcho(system, SHARDS);
    const agents: { readonly name: string; readonly agent: BenchAgent }[] = [];
    for (const { algorithm, transport } of kinds) {
      const agent = await system.startAgent(algorithm, transport);
      agents.push({ name: `agent, ${algorithm}, ${agent.transport}`, agent });
    }
    const contenders = (work: Work) => [
      ...('echo' in echo ? [echoContender(ECHO, echo.echo, shapeOf(work))] : []),
      ...agents.map(({ name, agent }) => agentContender(name, agent, shapeOf(work))),
    ];
    const all = { modules: layout.modules, window: 64, reports: false, seconds: 0 };
    for (const { name, agent } of agents) await warmUp(agentContender(name, agent, shapeOf(all)));
    return await measure({ layout, contenders, note: 'echo' in echo ? '' : `There is no echo in C: ${echo.unavailable}.\n` });
  } finally {
    await system.stop();
  }
}
