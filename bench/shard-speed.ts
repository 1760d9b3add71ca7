/**
 * Measures what getHost and report cost in a shard, in memory, without sockets and threads: `node bench/shard-speed.ts`. The machine is
 * noisy: all variants take turns in each round, and a ratio is that of one round.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { inlineLongPaths } from '@lars/runtime/inlining';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../agent/src/balancer/adaptive/adaptive.ts';
import type { ModuleBalancerFactory } from '../agent/src/balancer/algorithm.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../agent/src/balancer/classic/classic.ts';
import { median } from './machine.ts';
import { type Cost, ShardTraffic } from './shard-speed/shard-traffic.ts';

const PAIRS = 150_000;
const ROUNDS = 7;
const HOSTS = 5;
const MODULE_COUNTS = [1, 30, 1_000, 100_000];
const HOST_COUNTS = [50, 500, 5_000];

const ALGORITHMS = {
  classic: classicBalancer(CLASSIC_DEFAULTS),
  adaptive: adaptiveBalancer(ADAPTIVE_DEFAULTS),
} as const satisfies Record<string, ModuleBalancerFactory>;
type Algorithm = keyof typeof ALGORITHMS;

interface Variant {
  readonly algorithm: Algorithm;
  readonly modules: number;
  readonly hosts: number;
  readonly traffic: ShardTraffic;
  /** What a host adds to the heap once it has been called, its share of its module included. */
  readonly hostBytes: number;
  readonly rounds: Cost[];
}

/** A Markdown section; takes about half a minute, and a gigabyte for the many modules. */
export async function measureShardSpeed(): Promise<string> {
  // As the agent does.
  inlineLongPaths();
  const collectGarbage = garbageCollector();
  const algorithms = Object.keys(ALGORITHMS) as Algorithm[];
  const odd = algorithms.map(algorithm => variantOf(algorithm, 1, HOSTS, collectGarbage, 'odd'));
  const sizes = [...MODULE_COUNTS.map(modules => [modules, HOSTS] as const), ...HOST_COUNTS.map(hosts => [1, hosts] as const)];
  const usual = sizes.flatMap(([modules, hosts]) =>
    algorithms.map(algorithm => variantOf(algorithm, modules, hosts, collectGarbage)),
  );
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { traffic, rounds } of [...odd, ...usual]) {
      const cost = traffic.run(PAIRS, allocatedBytes);
      // The first round warms up.
      if (round > 0) rounds.push(cost);
    }
    // Whoever waits for the event loop meanwhile has a turn.
    await new Promise(resolve => setImmediate(resolve));
  }
  return describe(usual, odd);
}

function variantOf(algorithm: Algorithm, modules: number, hosts: number, collectGarbage: () => void, wording?: 'odd'): Variant {
  collectGarbage();
  const before = getHeapStatistics().used_heap_size;
  const traffic = new ShardTraffic(ALGORITHMS[algorithm], modules, hosts, wording);
  traffic.run(3 * modules, allocatedBytes);
  collectGarbage();
  const hostBytes = (getHeapStatistics().used_heap_size - before) / (modules * hosts);
  return { algorithm, modules, hosts, traffic, hostBytes, rounds: [] };
}

/** Since the process began, whatever was collected since. */
function allocatedBytes(): number {
  return getHeapStatistics().total_allocated_bytes;
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

function describe(usual: readonly Variant[], odd: readonly Variant[]): string {
  return `## Inside a shard

What one getHost and one report cost from datagram to answer, in nanoseconds of one thread, in memory: 64 getHosts in a row, then their
64 reports. The median batch, of ${ROUNDS} rounds of ${PAIRS.toLocaleString('en')} pairs, all variants in turn.
"General codec" is the same shard, asked with a field that it does not know: its hot path leaves such messages to the codec of all messages.

| algorithm | getHost ns | report ns | bytes a pair | general codec: getHost ns | report ns | bytes a pair | hot path is faster |
| --- | --- | --- | --- | --- | --- | --- | --- |
${odd.map(variant => comparisonRow(variant, usual)).join('\n')}

By the number of modules, asked for at random, and of hosts in a module. "Bytes a host" is what a host that has been called adds to the heap, its
share of its module included.

| modules | hosts each | classic getHost ns | report ns | bytes a host | adaptive getHost ns | report ns | bytes a host |
| --- | --- | --- | --- | --- | --- | --- | --- |
${sizeRows(usual).join('\n')}
`;
}

function comparisonRow(odd: Variant, usual: readonly Variant[]): string {
  const hot = usual.find(
    ({ algorithm, modules, hosts }) => algorithm === odd.algorithm && modules === 1 && hosts === HOSTS,
  ) as Variant;
  const faster = median(hot.rounds.map((cost, round) => pairNs(odd.rounds[round] as Cost) / pairNs(cost)));
  return `| ${odd.algorithm} | ${costs(hot)} | ${costs(odd)} | ${faster.toFixed(1)} × |`;
}

function costs({ rounds }: Variant): string {
  return `${middle(rounds, cost => cost.getHostNs)} | ${middle(rounds, cost => cost.reportNs)} | ${middle(rounds, cost => cost.pairBytes)}`;
}

function sizeRows(usual: readonly Variant[]): string[] {
  const classic = usual.filter(({ algorithm }) => algorithm === 'classic');
  return classic.map(variant => {
    const { modules, hosts } = variant;
    const adaptive = usual.find(other => other !== variant && other.modules === modules && other.hosts === hosts) as Variant;
    return `| ${modules.toLocaleString('en')} | ${hosts.toLocaleString('en')} | ${size(variant)} | ${size(adaptive)} |`;
  });
}

function size({ modules, hosts, hostBytes, rounds }: Variant): string {
  // Below, what a program is made of outweighs the hosts.
  const bytes = modules * hosts < 5_000 ? '' : Math.round(hostBytes).toLocaleString('en');
  return `${middle(rounds, cost => cost.getHostNs)} | ${middle(rounds, cost => cost.reportNs)} | ${bytes}`;
}

function middle(rounds: readonly Cost[], of: (cost: Cost) => number): string {
  return Math.round(median(rounds.map(of))).toLocaleString('en');
}

function pairNs({ getHostNs, reportNs }: Cost): number {
  return getHostNs + reportNs;
}

if (import.meta.main) process.stdout.write(await measureShardSpeed());
