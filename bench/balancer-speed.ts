/**
 * Measures what a pick and its report cost in the balancers, without sockets and threads: `node bench/balancer-speed.ts`. The machine is
 * noisy: all variants take turns in each round, and the ratio to classic is that of the same round.
 */
import { getHeapStatistics } from 'node:v8';
import { inlineLongPaths } from '@lars/runtime/inlining';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../agent/src/balancer/adaptive/adaptive.ts';
import type { BalancerFactory, ModuleBalancer } from '../agent/src/balancer/balancer.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../agent/src/balancer/classic/classic.ts';
import { SITUATIONS, type Situation, Traffic } from './balancer-speed/traffic.ts';
import { median } from './machine.ts';

const HOST_COUNTS = [1, 5, 50, 500, 5_000];
const CALLS = 150_000;
const ROUNDS = 7;

const ALGORITHMS = {
  adaptive: adaptiveBalancer(ADAPTIVE_DEFAULTS),
  classic: classicBalancer(CLASSIC_DEFAULTS),
} as const satisfies Record<string, BalancerFactory<ModuleBalancer>>;

interface Cost {
  /** Of a pick and its report together. */
  readonly us: number;
  readonly bytes: number;
}

interface Cell {
  readonly hostCount: number;
  readonly situation: Situation;
  readonly traffic: Readonly<Record<keyof typeof ALGORITHMS, Traffic>>;
  readonly rounds: { readonly adaptive: Cost; readonly classic: Cost }[];
}

/** A Markdown section; takes about 15 seconds. */
export async function measureBalancerSpeed(): Promise<string> {
  // As the agent does.
  inlineLongPaths();
  const cells = SITUATIONS.flatMap(situation => HOST_COUNTS.map(hostCount => cellOf(situation, hostCount)));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { traffic, rounds } of cells) {
      const costs = { adaptive: measure(traffic.adaptive), classic: measure(traffic.classic) };
      // The first round warms up.
      if (round > 0) rounds.push(costs);
    }
    // Whoever waits for the event loop meanwhile has a turn.
    await new Promise(resolve => setImmediate(resolve));
  }
  return describe(cells);
}

function cellOf(situation: Situation, hostCount: number): Cell {
  const traffic = {
    adaptive: new Traffic(ALGORITHMS.adaptive, hostCount, situation),
    classic: new Traffic(ALGORITHMS.classic, hostCount, situation),
  };
  return { hostCount, situation, traffic, rounds: [] };
}

function measure(traffic: Traffic): Cost {
  const allocatedBefore = allocatedBytes();
  const startMs = performance.now();
  traffic.run(CALLS);
  const tookMs = performance.now() - startMs;
  return { us: (tookMs * 1_000) / CALLS, bytes: (allocatedBytes() - allocatedBefore) / CALLS };
}

/** Since the process began, whatever was collected since. */
function allocatedBytes(): number {
  return getHeapStatistics().total_allocated_bytes;
}

function describe(cells: readonly Cell[]): string {
  return `## A pick and its report

What both cost together inside the balancer, in µs of one thread, and how many bytes they allocate; ${CALLS.toLocaleString('en')} calls a round, median of ${ROUNDS}
rounds, all variants in turn. Calls take 2 to 20 ms, and sixteen are on their way at a time. "Failing": every 20th call to one of the hosts fails; "ejected": all do. Some 32
of the bytes are the time and the host's key, which the caller makes; none outlives its call.

| situation | hosts | adaptive µs | classic µs | ratio | adaptive bytes | classic bytes |
| --- | --- | --- | --- | --- | --- | --- |
${cells.map(row).join('\n')}
`;
}

function row({ situation, hostCount, rounds }: Cell): string {
  const middle = (of: (round: Cell['rounds'][number]) => number) => median(rounds.map(of));
  const columns = [
    situation,
    hostCount.toLocaleString('en'),
    middle(({ adaptive }) => adaptive.us).toFixed(2),
    middle(({ classic }) => classic.us).toFixed(2),
    middle(({ adaptive, classic }) => adaptive.us / classic.us).toFixed(1),
    middle(({ adaptive }) => adaptive.bytes).toFixed(1),
    middle(({ classic }) => classic.bytes).toFixed(1),
  ];
  return `| ${columns.join(' | ')} |`;
}

if (import.meta.main) process.stdout.write(await measureBalancerSpeed());
