import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentContender, type AgentLoadShape, agentContender, warmUp } from '../cli/src/bench/agent-contender.ts';
import type { Algorithm } from '../cli/src/bench/bench-conf.ts';
import { BenchSystem } from '../cli/src/bench/bench-system.ts';
import type { ChildServer } from '../cli/src/bench/child-server.ts';
import { chooseClient } from '../cli/src/bench/choose-client.ts';
import type { ChosenClient } from '../cli/src/bench/datagram-client.ts';
import { measureInTurn } from '../cli/src/bench/in-turn.ts';
import { type ModuleLayout, modulesOf } from '../cli/src/bench/module-layout.ts';
import { summarize } from '../cli/src/bench/summary.ts';
import { type Curve, lineChart } from './plot/line-chart.ts';
import { linearScale, logScale } from './plot/scale.ts';
import type { SectionContext } from './section.ts';

const ROUNDS = 3;
const SECONDS = 0.5;
const WINDOW = 64;
/** What fetching the routes has left behind is collected meanwhile. */
const SETTLE_MS = 6_000;
const ALGORITHMS: readonly Algorithm[] = ['classic', 'adaptive'];
const HOSTS = 5;
const MODULE_COUNTS = [1, 30, 1_000, 100_000];
const HOST_COUNTS = [5, 50, 500, 5_000];
/** Modules with many hosts have ids that no others have. */
const HOST_LAYOUTS = HOST_COUNTS.map(
  (hosts, at): ModuleLayout => ({ first: { modid: 100_000 + at, cmdid: 1 }, modules: 1, hosts }),
);
const MODULE_LAYOUTS = MODULE_COUNTS.map((modules): ModuleLayout => ({ first: { modid: 1, cmdid: 1 }, modules, hosts: HOSTS }));

/** What a pair of getHost and report costs an agent that holds much, and how much memory that takes. */
export async function measureSizes({ plot }: Pick<SectionContext, 'plot'>): Promise<string> {
  const system = new BenchSystem();
  try {
    await system.addModules(MODULE_LAYOUTS.at(-1) as ModuleLayout);
    for (const layout of HOST_LAYOUTS) await system.addModules(layout);
    const agents = await startAgents(system, [...MODULE_LAYOUTS, ...HOST_LAYOUTS]);
    const measured = await measureInTurn(
      agents.map(({ contender }) => contender),
      { rounds: ROUNDS, signal: new AbortController().signal },
    );
    const costs = summarize(measured).map(
      ({ perCpuSecond = Number.NaN }, at): Cost => ({
        ...(agents[at] as SizedAgent),
        us: 1e6 / perCpuSecond,
      }),
    );
    return describe(costs.slice(0, MODULE_COUNTS.length * 2), costs.slice(MODULE_COUNTS.length * 2), plot);
  } finally {
    await system.stop();
  }
}

interface SizedAgent {
  readonly algorithm: Algorithm;
  readonly layout: ModuleLayout;
  readonly contender: AgentContender;
  /** When all its modules have been asked for once. */
  readonly residentMb: number;
}

interface Cost extends SizedAgent {
  /** CPU time of a pair, microseconds. */
  readonly us: number;
}

/** One for each size and algorithm, so that none holds more than what it is asked for. */
async function startAgents(system: BenchSystem, layouts: readonly ModuleLayout[]): Promise<SizedAgent[]> {
  const client = await chooseClient();
  const agents: (Omit<SizedAgent, 'residentMb'> & { readonly server: ChildServer })[] = [];
  for (const layout of layouts) {
    for (const algorithm of ALGORITHMS) {
      const agent = await system.startAgent(algorithm, 'auto');
      const contender = agentContender(`${algorithm}, ${layout.modules} × ${layout.hosts}`, agent, shapeOf(layout, client));
      await warmUp(contender);
      agents.push({ algorithm, layout, contender, server: agent.server });
    }
  }
  await sleep(SETTLE_MS);
  return agents.map(({ server, ...agent }) => ({ ...agent, residentMb: server.usage().residentMb }));
}

function shapeOf(layout: ModuleLayout, client: ChosenClient): AgentLoadShape {
  const { signal } = new AbortController();
  return { modules: modulesOf(layout), sockets: 1, window: WINDOW, reports: true, client, stint: { seconds: SECONDS }, signal };
}

function describe(byModules: readonly Cost[], byHosts: readonly Cost[], plot: SectionContext['plot']): string {
  const modulesOfCost = ({ layout }: Cost) => layout.modules;
  const hostsOfCost = ({ layout }: Cost) => layout.hosts;
  const modulesFile = plot('cost-by-modules.svg', chart('modules', byModules, modulesOfCost, MODULE_COUNTS));
  const hostsFile = plot('cost-by-hosts.svg', chart('hosts of the module', byHosts, hostsOfCost, HOST_COUNTS));
  return `## Many modules, many hosts

CPU time of the agent, all its threads, for a getHost and its report, in microseconds; window ${WINDOW}, the modules asked for in turn, each size an agent of its
own. Median of ${ROUNDS} rounds of ${SECONDS} s.

![Cost against the number of modules](${modulesFile})

| modules of ${HOSTS} hosts | ${ALGORITHMS.join(' | ')} |
| --- | --- | --- |
${table(MODULE_COUNTS, byModules, modulesOfCost)}

![Cost against the number of hosts](${hostsFile})

| hosts of one module | ${ALGORITHMS.join(' | ')} |
| --- | --- | --- |
${table(HOST_COUNTS, byHosts, hostsOfCost)}

Resident memory of an agent that has been asked once for each of ${count(MODULE_COUNTS.at(-1) as number)} modules of ${HOSTS} hosts, against one that knows one module:
${ALGORITHMS.map(algorithm => memory(algorithm, byModules)).join('; ')}.
`;
}

function table(sizes: readonly number[], costs: readonly Cost[], sizeOf: (cost: Cost) => number): string {
  return sizes
    .map(size => {
      const cells = ALGORITHMS.map(algorithm => costs.find(cost => sizeOf(cost) === size && cost.algorithm === algorithm)?.us);
      return `| ${count(size)} | ${cells.map(us => (us ?? Number.NaN).toFixed(2)).join(' | ')} |`;
    })
    .join('\n');
}

function memory(algorithm: Algorithm, costs: readonly Cost[]): string {
  const own = costs.filter(cost => cost.algorithm === algorithm);
  const [least, most] = [own[0] as Cost, own.at(-1) as Cost];
  const bytesPerHost = ((most.residentMb - least.residentMb) * 1e6) / (most.layout.modules * most.layout.hosts);
  return `${algorithm} ${most.residentMb.toFixed(0)} MB against ${least.residentMb.toFixed(0)}, **${bytesPerHost.toFixed(0)} bytes a host**`;
}

function chart(what: string, costs: readonly Cost[], sizeOf: (cost: Cost) => number, sizes: readonly number[]): string {
  const curves = ALGORITHMS.map((label, colour): Curve => {
    const own = costs.filter(({ algorithm }) => algorithm === label);
    return { label, colour: colour + 1, dashed: false, points: own.map(cost => [sizeOf(cost), cost.us]) };
  });
  const top = Math.ceil(Math.max(...costs.map(({ us }) => us).filter(us => us > 0)) / 4) * 4;
  const [from, to] = [sizes[0] as number, sizes.at(-1) as number];
  const x = {
    name: what,
    scale: (left: number, right: number) => logScale({ from, to }, { from: left, to: right }, sizes),
    format: (size: number) => (size < 10_000 ? count(size) : `${size / 1_000} k`),
  };
  const ticks = Array.from({ length: 5 }, (_, at) => (at * top) / 4);
  const y = {
    name: 'µs of CPU time a pair',
    scale: (bottom: number, up: number) => linearScale({ from: 0, to: top }, { from: bottom, to: up }, ticks),
    format: String,
  };
  const heading = {
    title: `getHost and report: cost against the number of ${what}`,
    subtitle: "The agent's CPU time for one pair",
  };
  return lineChart(heading, x, y, undefined, curves);
}

function count(value: number): string {
  return value.toLocaleString('en');
}
