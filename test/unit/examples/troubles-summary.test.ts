import { describe, expect, test } from 'vitest';
import { resultAsJson } from '../../../examples/demo/summary.ts';
import { type TroubleRow, type TroublesResult, troublesAsText } from '../../../examples/demo/troubles-summary.ts';

const slow: TroubleRow = {
  trouble: 'slow',
  algorithm: 'nimble',
  host: '127.0.0.1:4001',
  usualShare: 0.2,
  calls: 1_500,
  succeeded: 1_497,
  failed: 3,
  withoutHost: 0,
  callsToHost: 45,
  share: 0.03,
  fairShare: 0.2,
  p50Ms: 9.04,
  p99Ms: 71.26,
  belowHalfMs: 812.3,
  belowQuarterMs: 1_100,
  lowestShare: 0.01,
  backMs: 2_345.6,
};
const classic = {
  algorithm: 'classic',
  host: '127.0.0.1:5001',
  share: 0.2,
  p99Ms: 118,
  belowHalfMs: undefined,
  backMs: undefined,
};
const result: TroublesResult = {
  seed: 1,
  hosts: 5,
  ratePerSecond: 150,
  troubleSeconds: 10,
  quietSeconds: 5,
  windowMs: 1_000,
  algorithms: [
    { algorithm: 'nimble', totals: { calls: 9_000, failed: 12, withoutHost: 0 }, stored: { succ: 8_988, err: 12 } },
    { algorithm: 'classic', totals: { calls: 9_001, failed: 700, withoutHost: 100 }, stored: { succ: 8_301, err: 600 } },
  ],
  troubles: [
    slow,
    { ...slow, ...classic, algorithm: 'classic' },
    {
      ...slow,
      trouble: 'stopped',
      backMs: undefined,
      failed: 1_500,
      succeeded: 0,
      share: undefined,
      p50Ms: undefined,
      p99Ms: undefined,
    },
  ],
};
const rules = [
  { continErrLimit: 3, probeNum: 99, overloadTimeoutSeconds: 60 },
  { continErrLimit: 15, probeNum: 10, overloadTimeoutSeconds: 15 },
] as const;

describe('the table of troubles and algorithms', () => {
  const lines = troublesAsText(result, rules).split('\n');

  test('has a row for each, and names a trouble once', () => {
    expect(lines.slice(0, 4)).toEqual([
      'trouble  algorithm  calls  failed            share    fair     p50       p99  below half    back',
      'slow     nimble      1500       3    0.2 %   3.0 %  20.0 %  9.0 ms   71.3 ms      0.81 s  2.35 s',
      '         classic     1500       3    0.2 %  20.0 %  20.0 %  9.0 ms  118.0 ms       never       -',
      'stopped  nimble      1500    1500  100.0 %       -  20.0 %       -         -      0.81 s   never',
    ]);
  });

  test('is followed by the sums of each algorithm', () => {
    expect(lines).toContain(
      "nimble, in all: 9000 calls, 12 failed, LARS named no host for 0 of these; the reporter's database holds 8988 successes and 12 failures.",
    );
    expect(lines).toContain(
      "classic, in all: 9001 calls, 700 failed, LARS named no host for 100 of these; the reporter's database holds 8301 successes and 600 failures.",
    );
  });

  test('and by what the numbers mean, and the rules of those that ran', () => {
    const text = lines.join('\n');
    expect(text).toContain('the 10 s of the trouble');
    expect(text).toMatch(/the\susual 20\.0 %/);
    expect(text).toContain('one pick in 100');
    expect(text).toContain('one pick in 11');
    expect(text).toContain("The rules of 'nimble':");
    expect(troublesAsText(result, [rules[0]])).not.toContain('one pick in 11');
  });
});

test('as JSON, what has not happened is null and nothing is left out', () => {
  const parsed = JSON.parse(resultAsJson(result)) as TroublesResult;
  expect(parsed).toMatchObject({ seed: 1, hosts: 5, algorithms: result.algorithms });
  expect(parsed.troubles.map(({ belowHalfMs, backMs, p99Ms }) => [belowHalfMs, backMs, p99Ms])).toEqual([
    [812.3, 2_345.6, 71.26],
    [null, null, 118],
    [812.3, null, null],
  ]);
  expect(Object.keys(parsed.troubles[1] ?? {})).toEqual(Object.keys(slow));
});
