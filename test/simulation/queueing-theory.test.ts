/** One host, one agent, no network: textbook queues, whose long-run means are known. */
import { describe, expect, test } from 'vitest';
import { RoundRobin } from '../../bench/balancing/contenders/round-robin.ts';
import { mean } from '../../bench/balancing/measure/statistics.ts';
import type { Contender } from '../../bench/balancing/sim/contender.ts';
import { constant, type Distribution, exponential, lognormal } from '../../bench/balancing/sim/distribution.ts';
import { Outcome, type RunLog } from '../../bench/balancing/sim/run-log.ts';
import { hosts, scenario } from '../../bench/balancing/sim/scenario.ts';
import { simulate } from '../../bench/balancing/sim/simulation.ts';

const SERVICE_MS = 10;
const DURATION_MS = 2_000_000;
const SEED = 1;
const always: Contender = { name: 'the only host', create: () => () => new RoundRobin() };

interface Queue {
  readonly workers: number;
  /** Offered load per worker. */
  readonly load: number;
  readonly work?: Distribution;
  readonly queueLimit?: number;
}

function run({ workers, load, work = exponential, queueLimit = Number.POSITIVE_INFINITY }: Queue): RunLog {
  const ratePerSec = (load * workers * 1_000) / SERVICE_MS;
  // As many calls for each number of workers, so that all means are about as exact.
  const durationMs = DURATION_MS / workers;
  const spec = { workers, serviceMs: SERVICE_MS, queueLimit };
  const told = { durationMs, ratePerSec, hosts: hosts(1, spec), agents: 1, work, roundTripMs: 0, timeoutMs: 1e9 };
  return simulate(scenario(told), always, SEED);
}

function meanWaitMs(log: RunLog): number {
  return mean(log.latencyMs.filter((_, call) => log.outcome[call] === Outcome.ok)) - SERVICE_MS;
}

/** The probability that all c workers are busy, at a load of `load` per worker. */
function erlangC(c: number, load: number): number {
  const offered = c * load;
  let term = 1;
  let sum = 1;
  for (let n = 1; n < c; n++) {
    term *= offered / n;
    sum += term;
  }
  const busy = (term * offered) / c / (1 - load);
  return busy / (sum + busy);
}

describe('mean waiting time', () => {
  test.each([
    { workers: 1, load: 0.5 },
    { workers: 1, load: 0.8 },
    { workers: 2, load: 0.7 },
    { workers: 4, load: 0.8 },
    { workers: 8, load: 0.9 },
  ])('M/M/$workers at a load of $load: Erlang C', queue => {
    const { workers, load } = queue;
    const expectedMs = (erlangC(workers, load) * SERVICE_MS) / (workers * (1 - load));
    expect(meanWaitMs(run(queue)) / expectedMs).closeTo(1, 0.06);
  });

  test.each([
    { name: 'constant', work: constant, variation: 0, load: 0.7 },
    { name: 'lognormal(0.5)', work: lognormal(0.5), variation: 0.5, load: 0.8 },
    { name: 'lognormal(1.5)', work: lognormal(1.5), variation: 1.5, load: 0.6 },
  ])('M/G/1 with $name work at a load of $load: Pollaczek and Khinchine', ({ work, variation, load }) => {
    const expectedMs = (SERVICE_MS * load * (1 + variation ** 2)) / (2 * (1 - load));
    expect(meanWaitMs(run({ workers: 1, load, work })) / expectedMs).closeTo(1, 0.06);
  });
});

test.each([
  { queueLimit: 0, load: 0.8 },
  { queueLimit: 3, load: 0.9 },
  { queueLimit: 5, load: 1.3 },
])('M/M/1 with room for $queueLimit in line at a load of $load turns away as many as the theory says', ({ queueLimit, load }) => {
  const log = run({ workers: 1, load, queueLimit });
  const places = queueLimit + 1;
  const expected = ((1 - load) * load ** places) / (1 - load ** (places + 1));
  expect(log.countOf(Outcome.failed) / log.callMs.length / expected).closeTo(1, 0.03);
});

test.each([
  { workers: 1, load: 0.6 },
  { workers: 6, load: 0.75 },
])('the law of utilisation: $workers workers are busy for $load of the time', ({ workers, load }) => {
  const log = run({ workers, load });
  expect((log.busyMs[0] as number) / DURATION_MS).closeTo(load, 0.01);
});

test('arrivals keep to a rate that changes, and to the variance of a Poisson process', () => {
  const steps = [
    { fromMs: 0, ratePerSec: 50 },
    { fromMs: 400_000, ratePerSec: 0 },
    { fromMs: 500_000, ratePerSec: 200 },
  ];
  const { callMs } = simulate(scenario({ durationMs: 1_000_000, ratePerSec: steps, hosts: hosts(1) }), always, SEED);
  const perSecond = new Array<number>(1_000).fill(0);
  for (const atMs of callMs) perSecond[Math.floor(atMs / 1_000)] = (perSecond[Math.floor(atMs / 1_000)] as number) + 1;
  const slow = perSecond.slice(0, 400);
  const fast = perSecond.slice(500);
  expect(mean(slow)).closeTo(50, 1.5);
  expect(perSecond.slice(400, 500)).toEqual(new Array(100).fill(0));
  expect(mean(fast)).closeTo(200, 3);
  const variance = mean(fast.map(count => (count - mean(fast)) ** 2));
  expect(variance / mean(fast)).closeTo(1, 0.2);
});
