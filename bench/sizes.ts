import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentContender, type AgentLoadShape, agentContender, warmUp } from '../cli/src/bench/agent-contender.ts';
import type { Algorithm } from '../cli/src/bench/bench-conf.ts';
import { type BenchAgent, BenchSystem } from '../cli/src/bench/bench-system.ts';
import { chooseClient } from '../cli/src/bench/choose-client.ts';
import type { ChosenClient } from '../cli/src/bench/datagram-client.ts';
import { type Measured, measureInTurn } from '../cli/src/bench/in-turn.ts';
import { type ModuleLayout, modulesOf } from '../cli/src/bench/module-layout.ts';
import { summarize } from '../cli/src/bench/summary.ts';
import { type Curve, lineChart } from './plot/line-chart.ts';
import { linearScale, logScale } from './plot/scale.ts';
import type { SectionContext } from './section.ts';

const ROUNDS = 3;
const SECONDS = 0.5;
/** Long enough that each of very many modules is asked for some ten times, and its route is asked for anew once, as every 15 s. */
const SECONDS_OF_MANY = 5;
const WINDOW = 64;
/** What fetching the routes has left behind is collected meanwhile. */
const SETTLE_MS = 6_000;
const ALGORITHMS: readonly Algorithm[] = ['classic', 'adaptive'];
const HOSTS = 5;
const MODULE_COUNTS = [1, 30, 1_000, 100_000];
const HOST_COUNTS = [5, 50, 500, 5_000];
const MANY = 100_000;
/** What the project wants of getHost with so many modules, against one. */
const GOAL = 0.7;
/** Modules with many hosts have ids that no others have. */
const HOST_LAYOUTS = HOST_COUNTS.map(
  (hosts, at): ModuleLayout => ({ first: { modid: 100_000 + at, cmdid: 1 }, modules: 1, hosts }),
);
const MODULE_LAYOUTS = MODULE_COUNTS.map((modules): ModuleLayout => ({ first: { modid: 1, cmdid: 1 }, modules, hosts: HOSTS }));

const WORKS = ['getHost', 'pair'] as const;
type Work = (typeof WORKS)[number];

/** What getHost, and a pair of it and its report, cost an agent that holds much, and how much memory that takes. */
export async function measureSizes({ plot }: Pick<SectionContext, 'plot'>): Promise<string> {
  const system = new BenchSystem();
  try {
    await system.addModules(MODULE_LAYOUTS.at(-1) as ModuleLayout);
    for (const layout of HOST_LAYOUTS) await system.addModules(layout);
    const agents = await startAgents(system, [...MODULE_LAYOUTS, ...HOST_LAYOUTS]);
    const client = await chooseClient();
    const cases = agents.flatMap(agent => WORKS.map(work => ({ ...agent, work, contender: contenderOf(agent, work, client) })));
    const measured = await measureInTurn(
      cases.map(({ contender }) => contender),
      { rounds: ROUNDS, signal: new AbortController().signal },
    );
    const costs = cases.map((one, at): Cost => {
      const smallest = cases.findIndex(({ algorithm, work }) => algorithm === one.algorithm && work === one.work);
      const pair = [measured[smallest] as Measured, measured[at] as Measured];
      const summary = summarize(pair, pair[0]?.name).at(-1);
      return { ...one, us: 1e6 / (summary?.perCpuSecond ?? Number.NaN), ratio: summary?.ratio ?? 1 };
    });
    const ofMany = costs.filter(({ layout }) => MODULE_LAYOUTS.includes(layout));
    return describe(
      ofMany,
      costs.filter(cost => cost.work === 'pair' && !ofMany.includes(cost)),
      plot,
    );
  } finally {
    await system.stop();
  }
}

interface SizedAgent {
  readonly algorithm: Algorithm;
  readonly layout: ModuleLayout;
  readonly agent: BenchAgent;
  /** When all its modules have been asked for once. */
  readonly residentMb: number;
}

interface Cost extends SizedAgent {
  readonly work: Work;
  /** CPU time, microseconds. */
  readonly us: number;
  /** Per CPU second, against the agent with one module. */
  readonly ratio: number;
}

/** One for each size and algorithm, so that none holds more than what it is asked for. */
async function startAgents(system: BenchSystem, layouts: readonly ModuleLayout[]): Promise<SizedAgent[]> {
  const client = await chooseClient();
  const agents: Omit<SizedAgent, 'residentMb'>[] = [];
  for (const layout of layouts) {
    for (const algorithm of ALGORITHMS) {
      const one = { algorithm, layout, agent: await system.startAgent(algorithm, 'auto') };
      await warmUp(contenderOf(one, 'getHost', client));
      agents.push(one);
    }
  }
  await sleep(SETTLE_MS);
  return agents.map(one => ({ ...one, residentMb: one.agent.server.usage().residentMb }));
}

function contenderOf(
  { algorithm, layout, agent }: Omit<SizedAgent, 'residentMb'>,
  work: Work,
  client: ChosenClient,
): AgentContender {
  return agentContender(`${algorithm}, ${layout.modules} × ${layout.hosts}, ${work}`, agent, shapeOf(layout, work, client));
}

function shapeOf(layout: ModuleLayout, work: Work, client: ChosenClient): AgentLoadShape {
  const { signal } = new AbortController();
  const stint = { seconds: layout.modules === MANY ? SECONDS_OF_MANY : SECONDS };
  return { modules: modulesOf(layout), sockets: 1, window: WINDOW, reports: work === 'pair', client, stint, signal };
}

function describe(byModules: readonly Cost[], byHosts: readonly Cost[], plot: SectionContext['plot']): string {
  const modulesOfCost = ({ layout }: Cost) => layout.modules;
  const hostsOfCost = ({ layout }: Cost) => layout.hosts;
  const pairs = byModules.filter(({ work }) => work === 'pair');
  const modulesFile = plot('cost-by-modules.svg', chart('modules', pairs, modulesOfCost, MODULE_COUNTS));
  const hostsFile = plot('cost-by-hosts.svg', chart('hosts of the module', byHosts, hostsOfCost, HOST_COUNTS));
  const columns = WORKS.flatMap(work => ALGORITHMS.map(algorithm => ({ work, algorithm })));
  return `## Many modules, many hosts

CPU time of the agent, all its threads, for a getHost, and for a pair of a getHost and its report, in microseconds; window ${WINDOW}, the modules asked for in turn,
each size an agent of its own. Median of ${ROUNDS} rounds of ${SECONDS} s, with ${count(MANY)} modules of ${SECONDS_OF_MANY} s, so that a route is asked for anew about once in ten
calls (\`update_timeout\` is 15 s). In brackets: answers per CPU second against the agent with one module, which keeps one of the three shards busy, the others all three.
Goal for getHost with ${count(MANY)} modules: ${GOAL.toFixed(2)}.

![Cost against the number of modules](${modulesFile})

| modules of ${HOSTS} hosts | ${columns.map(({ work, algorithm }) => `${work}, ${algorithm}`).join(' | ')} |
| --- |${' --- |'.repeat(columns.length)}
${MODULE_COUNTS.map(size => moduleRow(size, columns, byModules)).join('\n')}

![Cost against the number of hosts](${hostsFile})

| hosts of one module | ${ALGORITHMS.map(algorithm => `pair, ${algorithm}`).join(' | ')} |
| --- | --- | --- |
${HOST_COUNTS.map(size => `| ${count(size)} | ${ALGORITHMS.map(algorithm => usOf(byHosts.find(cost => hostsOfCost(cost) === size && cost.algorithm === algorithm))).join(' | ')} |`).join('\n')}

Resident memory of an agent that has been asked once for each of ${count(MANY)} modules of ${HOSTS} hosts, against one that knows one module:
${ALGORITHMS.map(algorithm => memory(algorithm, byModules)).join('; ')}. What of it are hosts stands under "Inside a shard".
`;
}

function moduleRow(size: number, columns: readonly Pick<Cost, 'work' | 'algorithm'>[], costs: readonly Cost[]): string {
  const cells = columns.map(({ work, algorithm }) => {
    const cost = costs.find(one => one.layout.modules === size && one.work === work && one.algorithm === algorithm);
    return size === 1 ? usOf(cost) : `${usOf(cost)} (${cost?.ratio.toFixed(2)})`;
  });
  return `| ${count(size)} | ${cells.join(' | ')} |`;
}

function usOf(cost: Cost | undefined): string {
  return (cost?.us ?? Number.NaN).toFixed(2);
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
