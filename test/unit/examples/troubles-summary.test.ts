import { describe, expect, test } from 'vitest';
import { type Rules, rulesText } from '../../../examples/demo/rules.ts';
import { resultAsJson } from '../../../examples/demo/summary.ts';
import { type TroubleInOneWay, type TroublesResult, troublesAsText } from '../../../examples/demo/troubles-summary.ts';

const adaptive: TroubleInOneWay = {
  way: 'adaptive',
  host: '127.0.0.1:4001',
  usualShare: 0.2,
  beganMs: 5_000,
  lastedMs: 10_000,
  calls: 1_500,
  succeeded: 1_497,
  failed: 3,
  withoutHost: 0,
  callsToHost: 45,
  callsPerHost: [45, 363, 363, 363, 366],
  share: 0.03,
  p50Ms: 9.04,
  p99Ms: 71.26,
  takenOutMs: 52.3,
  belowHalfMs: 812.3,
  belowQuarterMs: 1_100,
  lowestShare: 0.01,
  backMs: 2_345.6,
};
const older = {
  ...adaptive,
  way: 'older',
  share: 0.2,
  p99Ms: 118,
  takenOutMs: undefined,
  belowHalfMs: undefined,
  backMs: undefined,
};
const none = { ...older, way: 'none', failed: 1_500, succeeded: 0, share: undefined, p50Ms: undefined, p99Ms: undefined };
const result: TroublesResult = {
  seed: 1,
  hosts: 5,
  ratePerSecond: 150,
  troubleSeconds: 10,
  quietSeconds: 5,
  windowMs: 1_000,
  ways: [
    {
      name: 'adaptive',
      conf: ['algorithm = adaptive'],
      totals: { calls: 9_000, failed: 12, withoutHost: 0 },
      stored: { succ: 8_988, err: 12 },
    },
    {
      name: 'older',
      conf: ['algorithm = adaptive', 'probe_share = 1'],
      totals: { calls: 9_001, failed: 700, withoutHost: 100 },
      stored: { succ: 8_301, err: 600 },
    },
    { name: 'none', conf: undefined, totals: { calls: 10, failed: 1, withoutHost: 0 }, stored: undefined },
  ],
  troubles: [
    { name: 'slow', story: 'server 1 is slow', befalls: 'one server', fairShare: 0.2, ways: [adaptive, older, none] },
    {
      name: 'stopped',
      story: 'server 2 is stopped',
      befalls: 'one server',
      fairShare: 0.2,
      ways: [{ ...adaptive, backMs: undefined }, older, none],
    },
  ],
};
const rules: Rules = {
  algorithm: 'adaptive',
  probeShare: 0.07,
  backoffMinSeconds: 2,
  backoffMaxSeconds: 44,
  onAllOverloaded: 'probe',
};

describe('the tables of troubles', () => {
  const text = troublesAsText(result, [rules, { ...rules, probeShare: 1 }, undefined]);
  const lines = text.split('\n');
  const prose = text.replaceAll('\n', ' ');

  test('have a column for each way, and begin with what happened', () => {
    expect(lines.slice(0, 10)).toEqual([
      'slow: server 1 is slow',
      '                             adaptive        older            none',
      '  calls lost                3 = 0.2 %    3 = 0.2 %  1500 = 100.0 %',
      '  p50                          9.0 ms       9.0 ms               -',
      '  p99                         71.3 ms     118.0 ms               -',
      '  its share (fair 20.0 %)       3.0 %       20.0 %               -',
      '  taken out after              0.05 s        never           never',
      '  share halved after           0.81 s        never           never',
      '  back after                   2.35 s            -               -',
      '',
    ]);
    expect(lines[10]).toBe('stopped: server 2 is stopped');
    expect(lines[18]).toBe('  back after                    never            -               -');
  });

  test('end with one of all calls; without LARS, nobody stored any', () => {
    expect(lines.slice(20, 27)).toEqual([
      'All of the run, the quiet times too',
      '                             adaptive        older            none',
      '  calls                          9000         9001              10',
      '  calls lost               12 = 0.1 %  700 = 7.8 %      1 = 10.0 %',
      '  no host named                     0          100               -',
      '  successes stored               8988         8301               -',
      '  failures stored                  12          600               -',
    ]);
  });

  test('are followed by what the numbers mean', () => {
    expect(prose).toContain('began in the 10 s of the trouble');
    expect(prose).toContain('half of the usual 20.0 %');
  });

  test('and by the rules that ran; what two ways have in common is said once', () => {
    expect(prose).toContain(`The rules of 'adaptive'. ${rulesText(rules)}`);
    expect(prose).toContain("'older' has the rules of 'adaptive', with probe_share = 1.");
    expect(prose).toContain("'none' does without LARS");
    expect(prose.split('The rules of ')).toHaveLength(2);
  });
});

test('where all are well, the table tells whether anybody was refused, and how evenly the servers were called', () => {
  const well = { ...adaptive, host: undefined, share: undefined, callsPerHost: [300, 285, 315, 299, 301], takenOutMs: undefined };
  const refusing = { ...well, way: 'older', failed: 700, withoutHost: 693, callsPerHost: [0, 807, 0, 0, 0], takenOutMs: 1_234 };
  const silent = { ...none, withoutHost: 1_500, callsPerHost: [0, 0, 0, 0, 0] };
  const act = { name: 'all-well', story: 'nothing is wrong', befalls: 'all servers', fairShare: 0.2 } as const;
  const text = troublesAsText({ ...result, troubles: [{ ...act, ways: [well, refusing, silent] }] }, [rules, rules, undefined]);
  expect(text.split('\n').slice(0, 9)).toEqual([
    'all-well: nothing is wrong',
    '                           adaptive         older            none',
    '  calls lost              3 = 0.2 %  700 = 46.7 %  1500 = 100.0 %',
    '  p50                        9.0 ms        9.0 ms               -',
    '  p99                       71.3 ms       71.3 ms               -',
    '  no host named           0 = 0.0 %  693 = 46.2 %  1500 = 100.0 %',
    '  shares (fair 20.0 %)  19.0-21.0 %   0.0-100.0 %               -',
    '  any taken out after         never        1.23 s           never',
    '',
  ]);
});

test('as JSON, what has not happened is null and nothing is left out', () => {
  const parsed = JSON.parse(resultAsJson(result)) as TroublesResult;
  expect(parsed).toMatchObject({ seed: 1, hosts: 5, ways: [result.ways[0], result.ways[1], { conf: null, stored: null }] });
  expect(parsed.troubles[0]?.ways.map(({ belowHalfMs, backMs, p99Ms }) => [belowHalfMs, backMs, p99Ms])).toEqual([
    [812.3, 2_345.6, 71.26],
    [null, null, 118],
    [null, null, null],
  ]);
  expect(Object.keys(parsed.troubles[1]?.ways[1] ?? {}).sort()).toEqual(Object.keys(adaptive).sort());
});
