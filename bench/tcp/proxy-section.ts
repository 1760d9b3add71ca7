import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type Measured, measureInTurn, type Round } from '../../cli/src/bench/in-turn.ts';
import type { Summary } from '../../cli/src/bench/summary.ts';
import { median } from '../machine.ts';
import type { SectionContext } from '../section.ts';
import { measureIdleMemory } from './idle-memory.ts';
import { LARS_PROXY } from './lars-proxy.ts';
import { type LoadShape, loadedContender } from './load.ts';
import { type ComparedWork, compare, comparisonTable, count, withProcesses, withPrograms } from './measure.ts';
import { ratioChart } from './plots.ts';
import type { TcpPrograms } from './programs.ts';
import { PACED, PROXY_WORKS } from './proxy-works.ts';
import { type ProxyWorld, ROUTES, startProxyWorld } from './proxy-world.ts';

const ROUNDS = 5;
const HEADING = '## TCP: the proxy';
const DIRECT = 'no proxy';
/**
 * How long the first stint is, which does not count. V8 needs some ten thousand turns of each of many functions until it has compiled them for good, and a proxy lives for months; programs in
 * C have nothing to wait for.
 */
const WARM_UP_SECONDS = 10;
const WARM_UP_SECONDS_C = 1;

/** `lars proxy` against HAProxy and nginx: what it does per CPU second, the latency that it adds, and the memory of idle connections. */
export function measureTcpProxy({ folder, plot }: SectionContext): Promise<string> {
  return withPrograms(folder, HEADING, async programs => {
    const busy = await withProcesses(async running => {
      const world = await startProxyWorld(programs, folderIn(folder, 'busy'), running);
      const works = await measureWorks(programs, world);
      return `${describeWorks(works, world.note, plot)}\n${await measureLatency(programs, world)}`;
    });
    return `${busy}\n${await measureIdleMemory(programs, folderIn(folder, 'idle'))}`;
  });
}

function folderIn(folder: string, name: string): string {
  const own = path.join(folder, name);
  mkdirSync(own);
  return own;
}

async function measureWorks(programs: TcpPrograms, { proxies }: ProxyWorld): Promise<readonly ComparedWork[]> {
  const works: ComparedWork[] = [];
  for (const { name, shape, goal, backend } of PROXY_WORKS) {
    const contenders = proxies.map(one =>
      loadedContender(programs.load, one, { port: one.ports[ROUTES[backend]] as number }, shape, warmUpOf(one.name, shape.mode)),
    );
    const summaries = await compare(contenders, ROUNDS, bestOther);
    works.push({ name, summaries, goal: contender => (contender === LARS_PROXY ? goal : undefined) });
  }
  return works;
}

/** Connections that have ended keep their ports for a minute, and each one more makes the next a little dearer: who opens many is to find as many as the others. */
function warmUpOf(name: string, mode: LoadShape['mode']): number {
  return name === LARS_PROXY || mode === 'short' ? WARM_UP_SECONDS : WARM_UP_SECONDS_C;
}

/** The configuration of HAProxy or nginx that does most per CPU second. */
function bestOther(summaries: readonly Summary[]): string | undefined {
  const others = summaries.filter(({ name }) => name !== LARS_PROXY);
  return others.toSorted((a, b) => (b.perCpuSecond ?? 0) - (a.perCpuSecond ?? 0))[0]?.name;
}

/** Of each contender, medians of its rounds, ms: what others do on the machine spoils single rounds. */
interface Latency {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
  /** What it adds to the p99 of the same round without a proxy. */
  readonly added: number;
  readonly perSecond: number;
}

async function measureLatency(programs: TcpPrograms, { proxies, echoPort }: ProxyWorld): Promise<string> {
  const direct = loadedContender(programs.load, { name: DIRECT, pid: undefined }, { port: echoPort }, PACED);
  const others = proxies.map(one => loadedContender(programs.load, one, { port: one.ports[ROUTES.echo] as number }, PACED));
  const measured = await measureInTurn([direct, ...others], { rounds: ROUNDS, signal: new AbortController().signal });
  const latencies = measured.map(one => latencyOf(one, measured[0] as Measured));
  const haproxy = latencies.filter(({ name }) => name.startsWith('HAProxy')).map(({ added }) => added);
  const rows = latencies.map(({ name, p50, p99, added, perSecond }) => {
    const goal = name === LARS_PROXY && haproxy.length > 0 ? Math.min(...haproxy).toFixed(2) : '';
    return `| ${name} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${name === DIRECT ? '' : added.toFixed(2)} | ${goal} | ${count(perSecond)} |`;
  });
  return `### Latency

${count(PACED.rate)} round trips a second on ${PACED.connections} connections, due at fixed times; ms from when they were due, medians of ${ROUNDS} rounds. What is added is against the p99
without a proxy in the same round; the goal is what HAProxy adds.

| proxy | p50 | p99 | added to p99 | goal | answers a second |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function latencyOf({ name, rounds }: Measured, direct: Measured): Latency {
  const p99Of = (round: Round) => round.latency.quantile(0.99);
  return {
    name,
    p50: median(rounds.map(({ latency }) => latency.quantile(0.5))),
    p99: median(rounds.map(p99Of)),
    added: median(rounds.map((round, at) => p99Of(round) - p99Of(direct.rounds[at] as Round))),
    perSecond: median(rounds.map(({ done, seconds }) => done / seconds)),
  };
}

function describeWorks(works: readonly ComparedWork[], note: string, plot: SectionContext['plot']): string {
  const heading = {
    title: 'Proxies of TCP, against the best of HAProxy and nginx',
    subtitle: 'What each does per second of its CPU time',
  };
  const file = plot('tcp-proxy.svg', ratioChart(heading, 'the best of HAProxy and nginx', works));
  return `Proxies in one thread each, in front of the same servers in C, with a load generator in C; per second of the proxy's CPU time. The yardstick is, for each work, that configuration of
HAProxy or nginx which does most: the one without a ratio. lars proxy picks hosts as the SDK does: from its copy of the route, or by asking the agent. Median of ${ROUNDS} rounds of ${PROXY_WORKS[0]?.shape.seconds} s, all in turn; against the
best: median of the ratios within each round. Before that, each work has warmed lars proxy up for ${WARM_UP_SECONDS} s, until V8 had compiled it, and the others for ${WARM_UP_SECONDS_C} s; connect, request, close all for ${WARM_UP_SECONDS} s, because ports of ended connections are in the way of\nthose that come later.
${note}
![Proxies](${file})

${comparisonTable(works, 'the best')}`;
}
