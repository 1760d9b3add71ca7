import { describe, expect, test } from 'vitest';
import { type Rules, rulesText } from '../../../examples/demo/rules.ts';
import { type DemoResult, resultAsJson, resultAsText } from '../../../examples/demo/summary.ts';

const HOST = '127.0.0.1:4001';
const decided = (atMs: number, to: string, cause: string, numbers: Readonly<Record<string, number>>, host = HOST) => ({
  atMs,
  host,
  to,
  cause,
  numbers,
});

const result: DemoResult = {
  algorithm: 'adaptive',
  seed: 1,
  hosts: 4,
  ratePerSecond: 200,
  phaseSeconds: [10, 18, 14],
  windowMs: 1_000,
  totals: { calls: 8_400, failed: 342, withoutHost: 0 },
  outage: {
    host: HOST,
    downMs: 18_000,
    fairShare: 0.25,
    belowHalfMs: 1_234.5678,
    belowQuarterMs: undefined,
    lowestShare: 1 / 11,
    backMs: 880,
    callsWhileDown: 3_600,
    callsToDeadHost: 342,
  },
  agent: {
    decisions: [
      decided(50, 'ejected', 'error-evidence', { evidence: 7, evidenceLimit: 7.25 }),
      decided(20_500, 'healthy', 'call-succeeded', { tookMs: 8.4 }),
    ],
    whileDown: { host: HOST, state: 'ejected', numbers: { failuresInRow: 5, probeInMs: 2_345 } },
    whenBack: { host: HOST, state: 'probation', numbers: { evidence: 4.6, evidenceLimit: 7.25 } },
    probes: 5,
  },
  stored: { succ: 8_058, err: 342 },
};
const rules: Rules = {
  algorithm: 'adaptive',
  probeShare: 0.07,
  backoffMinSeconds: 2,
  backoffMaxSeconds: 44,
  onAllOverloaded: 'probe',
};
const text = (change: Partial<DemoResult> = {}) => resultAsText({ ...result, ...change }, rules);

describe('the result for people', () => {
  test('tells calls and failures', () => {
    expect(text()).toContain('8400 calls, 342 failed (4.1 %).\n');
    expect(text()).toContain('holds 8058 successes and 342 failures.\n');
    const totals = { calls: 0, failed: 0, withoutHost: 0 };
    expect(text({ totals })).toContain('0 calls, 0 failed (0.0 %).\n');
    expect(text({ totals: { ...result.totals, withoutHost: 12 } })).toContain(
      '(4.1 %), 12 of them because LARS named no host.\n',
    );
  });

  test('tells each time, or that it has not come to that', () => {
    expect(text()).toMatch(/below half of that: +1\.23 s after the stop\n/);
    expect(text()).toMatch(/below a quarter of that: +not within 18 s; the lowest was 9\.1 %\n/);
    expect(text()).toMatch(/above half of that again: +0\.88 s after the restart\n/);
    expect(text({ outage: { ...result.outage, backMs: undefined } })).toMatch(/again: +not within 14 s\n/);
    expect(text({ outage: { ...result.outage, belowHalfMs: undefined } })).toMatch(/again: +it was not below\n/);
    expect(text()).toMatch(/while it was down: +342 of 3600; its fair share is 900\n/);
  });

  test('tells what the agent did in its order, with the numbers that it gave', () => {
    expect(text().split('\n')).toEqual(
      expect.arrayContaining([
        "What the agent did about it, by the rules of 'adaptive' (docs/load-balancing.md has them by their numbers):",
        '  0.05 s after the stop: it is ejected: evidence of errors 7.0, limit 7.3 (AD-7)',
        '  just before the restart: it is still ejected; ejections and failed probes in a row: 5; the next probe is due in 2.3 s (AD-10)',
        '  2.50 s after the restart: it is back on probation: a call succeeded in 8.4 ms (AD-12)',
        '  at first: on probation with evidence 4.6 against it, the limit is 7.3 (AD-12)',
        '  in all it sent 5 probes (AD-10, AD-11)',
      ]),
    );
    const order = ['after the stop: it', 'just before the restart:', 'after the restart: it', 'at first:', 'in all'];
    const places = order.map(words => text().indexOf(words));
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('tells what classic did in its own words, and of a host that was taken out though it was well', () => {
    const classic = {
      decisions: [
        decided(290, 'ejected', 'failure-run', { errRun: 15, limit: 15 }),
        decided(300, 'ejected', 'failure-run', { errRun: 15, limit: 15 }, '127.0.0.1:4002'),
      ],
      whileDown: { host: HOST, state: 'ejected', numbers: { errRun: 43 } },
      whenBack: { host: HOST, state: 'healthy', numbers: {} },
      probes: 0,
    };
    const told = text({ algorithm: 'classic', agent: classic });
    expect(told).toContain('  0.29 s after the stop: it is ejected: a run of 15 failures, limit 15 (LB-7)\n');
    expect(told).toContain('  0.30 s after the stop: 127.0.0.1:4002, which was well, is ejected');
    expect(told).toContain('  just before the restart: it is still ejected, and its last 43 calls failed (LB-4)\n');
    expect(told).not.toMatch(/at first|probe\w* \(AD/);
  });

  test('says so when the agent did nothing', () => {
    const nothing = { decisions: [], whileDown: { host: HOST, state: 'healthy', numbers: {} }, whenBack: undefined, probes: 0 };
    expect(text({ agent: nothing })).toContain(
      '  just before the restart: it is healthy, as far as the agent knows\n  nothing: no host changed sides\n',
    );
  });

  test('ends with the rules that the agent ran with', () => {
    expect(text().replaceAll('\n', ' ')).toContain(`The rules of 'adaptive'. ${rulesText(rules)}`);
  });
});

test('as JSON, what has not happened is null and nothing is left out', () => {
  expect(JSON.parse(resultAsJson(result))).toEqual({
    ...result,
    outage: { ...result.outage, belowHalfMs: 1_234.5678, belowQuarterMs: null, lowestShare: 0.0909 },
  });
});
