import { describe, expect, test } from 'vitest';
import { simulationDocument, simulationText } from '../../../cli/src/simulate/simulation-result.ts';
import { type TalliedHost, Tally } from '../../../cli/src/simulate/tally.ts';

const plan = { modid: 1, cmdid: 2, calls: 2_000, concurrency: 1, rate: undefined, failureRates: [], seed: 42 };
const done = { kind: 'done' } as const;

function hostOf(authority: string): TalliedHost {
  const [host = '', port] = authority.split(':');
  return { authority, host, port: Number(port), weight: 100, zone: 'eu', drain: false };
}

function tallyOf(calls: Readonly<Record<string, readonly [succeeded: number, failed: number]>>, overloads: number): Tally {
  const tally = new Tally(Object.keys(calls).map(hostOf));
  for (const [name, [succeeded, failed]] of Object.entries(calls)) {
    const host = hostOf(name);
    for (let i = 0; i < succeeded; i++) tally.countCall(host, true);
    for (let i = 0; i < failed; i++) tally.countCall(host, false);
  }
  for (let i = 0; i < overloads; i++) tally.countOverload();
  return tally;
}

const tally = tallyOf({ 'a:1': [1_200, 0], 'b:2': [150, 450], 'c:3': [0, 0] }, 200);

describe('the result of a simulation', () => {
  test('for people is a table with a line for each host, for what got none, and for all', () => {
    expect(simulationText(plan, tally, done, 4, (_, text) => text)).toBe(`\
host              calls   share  failures  failed  calls/s
a:1               1,200   60.0%         0    0.0%      300
b:2                 600   30.0%       450   75.0%      150
c:3                   0    0.0%         0       -        0
OVERLOAD answers    200   10.0%         -       -       50
all               2,000  100.0%       450   22.5%      500

2,000 calls in 4.0 s, seed 42
`);
  });

  test('says when it ended early', () => {
    const text = simulationText({ ...plan, calls: 9_999 }, tally, { kind: 'interrupted' }, 4, (_, words) => words);
    expect(text).toContain('2,000 calls in 4.0 s, seed 42, interrupted before all 9,999 calls were made');
  });

  test('for machines adds up', () => {
    const document = simulationDocument(plan, tally, done, 4.000_4);
    expect(document).toMatchObject({
      end: 'done',
      calls: 2_000,
      failures: 450,
      overloads: 200,
      timeouts: 0,
      seconds: 4,
      callsPerSecond: 500,
    });
    expect(document.hosts[0]).toEqual({
      ...{ host: 'a', port: 1, weight: 100, zone: 'eu', drain: false },
      ...{ calls: 1_200, failures: 0, share: 0.6, failureRate: 0 },
    });
    expect(document.hosts.map(({ share }) => share)).toStrictEqual([0.6, 0.3, 0]);
    expect(document.hosts.map(({ failureRate }) => failureRate)).toStrictEqual([0, 0.75, 0]);
    expect(document.hosts.reduce((sum, { calls }) => sum + calls, 0) + document.overloads).toBe(document.calls);
  });

  test('of nothing has no division by zero in it', () => {
    const empty = new Tally([]);
    expect(JSON.stringify(simulationDocument(plan, empty, done, 0))).not.toMatch(/null|NaN/);
    expect(simulationText(plan, empty, done, 0, (_, text) => text)).not.toMatch(/NaN|Infinity/);
  });
});
