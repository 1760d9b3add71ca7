import { describe, expect, test } from 'vitest';
import type { BenchPlan } from '../../../cli/src/bench/bench-plan.ts';
import { benchDocument, benchText, formatLatency } from '../../../cli/src/bench/bench-result.ts';
import { type Contender, type Measured, measureInTurn, type Round } from '../../../cli/src/bench/in-turn.ts';
import { LatencyHistogram } from '../../../cli/src/bench/latency-histogram.ts';
import { summarize } from '../../../cli/src/bench/summary.ts';

function roundOf(done: number, seconds: number, cpuSeconds: number | undefined, more: Partial<Round> = {}): Round {
  const latency = new LatencyHistogram();
  latency.record(0.05, done);
  return { done, seconds, cpuSeconds, latency, lost: 0, counts: {}, ...more };
}

/** The machine is slower in the second round, and slower still in the third. */
const ECHO: Measured = { name: 'echo', rounds: [roundOf(300, 1, 1), roundOf(300, 2, 2), roundOf(200, 2, 2)] };
const AGENT: Measured = {
  name: 'agent',
  rounds: [roundOf(240, 1, 1), roundOf(270, 2, 2, { lost: 3, counts: { late: 2 } }), roundOf(170, 2, 2, { counts: { late: 1 } })],
};

describe('a summary', () => {
  test('has the medians of the rounds, and the ratio of those that were measured side by side', () => {
    const [agent, echo] = summarize([AGENT, ECHO], 'echo');
    expect(agent).toMatchObject({ perSecond: 135, perCpuSecond: 135, done: 680, lost: 3, counts: { late: 3 } });
    expect(echo).toMatchObject({ perSecond: 150, perCpuSecond: 150, ratio: undefined });
    expect(agent?.ratio).toBeCloseTo(0.85, 6);
    expect(agent?.p50).toBeCloseTo(0.05, 3);
  });

  test('tells no CPU time where that of one round is not known', () => {
    const half: Measured = { name: 'agent', rounds: [roundOf(1, 1, 1), roundOf(1, 1, undefined)] };
    expect(summarize([half, ECHO], 'echo')[0]).toMatchObject({ perSecond: 1, perCpuSecond: undefined, ratio: undefined });
  });

  test('compares with no yardstick that is not there', () => {
    expect(summarize([AGENT], 'echo')[0]?.ratio).toBeUndefined();
  });
});

const PLAN: BenchPlan = {
  kind: 'agent',
  layout: { first: { modid: 1, cmdid: 1 }, modules: 30, hosts: 5 },
  ...{ stint: { seconds: 5 }, window: 64, against: undefined, sockets: 1, reports: true, algorithm: 'adaptive' },
  ...{ transport: 'auto', client: undefined, yardstick: true },
} as const;

describe('a result', () => {
  const outcome = { measured: [AGENT, ECHO], yardstick: 'echo', unit: 'requests', notes: ['A note.'] };
  const plain = (_style: string, text: string) => text;

  test('for people', () => {
    expect(benchText(PLAN, outcome, plain)).toBe(
      `lars bench agent: 30 modules of 5 hosts, 1 socket a port × window 64, adaptive balancing, each answer followed by a report

server  requests/s  per server CPU-s  of echo      p50      p99    p99.9  lost
agent          135               135     0.85  50.1 µs  50.1 µs  50.1 µs     3
echo           150               150        -  50.1 µs  50.1 µs  50.1 µs     0

A note.
`,
    );
  });

  test('has no column to compare where there is no yardstick', () => {
    const text = benchText(PLAN, { ...outcome, measured: [AGENT], yardstick: undefined, notes: [] }, plain);
    expect(text).toMatch(/per server CPU-s +p50/);
    expect(text).not.toContain('0.85');
  });

  test('for machines', () => {
    const document = JSON.parse(JSON.stringify(benchDocument(PLAN, outcome)));
    expect(document).toMatchObject({
      bench: 'agent',
      window: 64,
      seconds: 5,
      modules: 30,
      yardstick: 'echo',
      notes: ['A note.'],
    });
    expect(document.servers).toMatchObject([
      { name: 'agent', perCpuSecond: 135, ratio: expect.closeTo(0.85, 6), lost: 3, latencyMs: { p50: expect.closeTo(0.05, 3) } },
      { name: 'echo', rounds: [{ done: 300, seconds: 1, cpuSeconds: 1, lost: 0 }, {}, {}] },
    ]);
  });

  test.each([
    [0.0456, '45.6 µs'],
    [12.34, '12.3 ms'],
    [Number.NaN, '-'],
  ])('a latency of %d ms', (ms, text) => {
    expect(formatLatency(ms)).toBe(text);
  });
});

describe('rounds', () => {
  const contender = (name: string, log: string[]): Contender => ({
    name,
    pid: undefined,
    load: async () => {
      log.push(name);
      return roundOf(log.length, 1, undefined);
    },
  });

  test('let all have their turns, and do not count the first', async () => {
    const log: string[] = [];
    const { signal } = new AbortController();
    const measured = await measureInTurn([contender('a', log), contender('b', log)], { rounds: 2, signal });
    expect(log).toStrictEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(measured.map(({ name, rounds }) => [name, rounds.map(({ done }) => done)])).toStrictEqual([
      ['a', [3, 5]],
      ['b', [4, 6]],
    ]);
  });

  test('end when they are interrupted', async () => {
    const log: string[] = [];
    const ending = new AbortController();
    const load = async () => {
      ending.abort();
      return roundOf(1, 1, undefined);
    };
    const last: Contender = { ...contender('b', log), load };
    await expect(measureInTurn([contender('a', log), last], { rounds: 2, signal: ending.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    expect(log).toStrictEqual(['a']);
  });
});
