import { describe, expect, test } from 'vitest';
import { type DemoResult, resultAsJson, resultAsText } from '../../../examples/demo/summary.ts';

const result: DemoResult = {
  seed: 1,
  hosts: 4,
  ratePerSecond: 200,
  phaseSeconds: [10, 18, 14],
  windowMs: 1_000,
  totals: { calls: 8_400, failed: 342, withoutHost: 0 },
  outage: {
    host: '127.0.0.1:4001',
    fairShare: 0.25,
    belowHalfMs: 1_234.5678,
    belowQuarterMs: undefined,
    lowestShare: 1 / 11,
    backMs: 880,
    callsWhileDown: 3_600,
    callsToDeadHost: 342,
  },
  stored: { succ: 8_058, err: 342 },
};
const rules = { continErrLimit: 15, probeNum: 10, overloadTimeoutSeconds: 15 } as const;
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

  test('explains them with the numbers that the agent ran with', () => {
    const explained = resultAsText(result, { continErrLimit: 7, probeNum: 4, overloadTimeoutSeconds: 33 });
    expect(explained).toContain('7 failures of a host in a row');
    expect(explained).toContain('one pick in 5');
    expect(explained).toMatch(/keeps\s20\.0 % of the calls/);
    expect(explained).toContain('After 33 s');
  });
});

test('as JSON, what has not happened is null and nothing is left out', () => {
  expect(JSON.parse(resultAsJson(result))).toEqual({
    ...result,
    outage: { ...result.outage, belowHalfMs: 1_234.5678, belowQuarterMs: null, lowestShare: 0.0909 },
  });
});
