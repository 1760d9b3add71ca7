/** Whether an agent has the routes that the database of this machine has. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openRouteInspector } from '@lars/dnsserver';
import { formatHost, formatModule, type ModuleId } from '@lars/proto';
import { askModules, askWhy } from '../system/ask-agent-http.ts';
import { type Problem, wrong } from './problem.ts';

/** Modules of the agent that are compared, those in trouble and the busiest. */
const MAX_MODULES = 20;
/** A change reaches the agents within a second and a half. */
const SETTLING_MS = 2_500;

export interface ComparedRoutes {
  /** 'HOST:PORT' of the agent's HTTP server. */
  readonly agent: string;
  /** The SQLite file. */
  readonly file: string;
  /** A change may take so long to arrive. */
  readonly settlingMs?: number;
}

/** What still differs after the time that a change takes is a problem. Never rejects. */
export async function routeProblems(compared: ComparedRoutes): Promise<Problem[]> {
  try {
    const { modules } = await askModules(compared.agent);
    const first = await differing(compared, modules.slice(0, MAX_MODULES));
    if (first.length === 0) return [];
    await sleep(compared.settlingMs ?? SETTLING_MS);
    const still = await differing(compared, first);
    return still.length === 0 ? [] : [disagreement(still)];
  } catch {
    // What does not answer, or cannot be read, is told elsewhere.
    return [];
  }
}

/** The modules of which the two have other hosts. */
async function differing({ agent, file }: ComparedRoutes, modules: readonly ModuleId[]): Promise<readonly ModuleId[]> {
  const inspector = await openRouteInspector({ file });
  try {
    const stored = new Map((await inspector.list()).map(route => [nameOf(route), route.hosts.map(formatHost)]));
    const found: ModuleId[] = [];
    for (const module of modules) {
      const known = (await askWhy(agent, module)).hosts.map(({ host }) => host);
      if (!sameHosts(stored.get(nameOf(module)) ?? [], known)) found.push(module);
    }
    return found;
  } finally {
    await inspector.close();
  }
}

function nameOf({ modid, cmdid }: ModuleId): string {
  return formatModule(modid, cmdid);
}

function sameHosts(some: readonly string[], others: readonly string[]): boolean {
  return JSON.stringify(some.toSorted()) === JSON.stringify(others.toSorted());
}

function disagreement(modules: readonly ModuleId[]): Problem {
  const name = modules.slice(0, 1).map(nameOf).join();
  const more = modules.length === 1 ? '' : ` and ${modules.length - 1} more`;
  return wrong(
    `the agent has other hosts for ${name}${more} than the database of this machine`,
    'see which dnsserver the agent is connected to (lars status), which database that has, and what it logs; lars getroute and lars route list show both',
  );
}
