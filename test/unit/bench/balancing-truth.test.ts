import { describe, expect, test } from 'vitest';
import { type Change, hosts, scenario, WELL } from '../../../bench/balancing/sim/scenario.ts';
import { type Spell, Standing, Truth } from '../../../bench/balancing/sim/truth.ts';

const ALL = [0, 1, 2];

function truth(timeline: readonly Change[], errorRate = 0): Truth {
  const condition = { ...WELL, errorRate };
  return new Truth(scenario({ durationMs: 10_000, ratePerSec: 1, hosts: hosts(ALL.length, { condition }), timeline }));
}

function brokenSpells(timeline: readonly Change[], errorRate = 0): Spell[][] {
  return ALL.map(host => truth(timeline, errorRate).spells(host, Standing.broken));
}

const end = 10_000;
const broken: Record<string, [Change[], Spell[]]> = {
  'while it refuses': [
    [
      { atMs: 1_000, hosts: [0], condition: { availability: 'refusing' } },
      { atMs: 3_000, hosts: [0], condition: { availability: 'up' } },
    ],
    [{ fromMs: 1_000, toMs: 3_000 }],
  ],
  'each time that it is silent': [
    [
      { atMs: 1_000, hosts: [0], condition: { availability: 'silent' } },
      { atMs: 2_000, hosts: [0], condition: { availability: 'up' } },
      { atMs: 7_000, hosts: [0], condition: { availability: 'silent' } },
    ],
    [
      { fromMs: 1_000, toMs: 2_000 },
      { fromMs: 7_000, toMs: end },
    ],
  ],
  'when it is three times slower': [[{ atMs: 0, hosts: [0], condition: { slowness: 3 } }], [{ fromMs: 0, toMs: end }]],
  'not when it is a little slower': [[{ atMs: 0, hosts: [0], condition: { slowness: 2.9 } }], []],
  'until a cold start is half over': [
    [{ atMs: 1_000, hosts: [0], condition: { slowness: { from: 5, to: 1, overMs: 4_000 } } }],
    [{ fromMs: 1_000, toMs: 3_050 }],
  ],
  'when it errs clearly more than others': [
    [{ atMs: 500, hosts: [0], condition: { errorRate: 0.25 } }],
    [{ fromMs: 500, toMs: end }],
  ],
  'not when it errs a little more': [[{ atMs: 500, hosts: [0], condition: { errorRate: 0.2 } }], []],
};

describe('a host is broken', () => {
  test.each(Object.entries(broken))('%s', (_name, [timeline, spells]) => {
    expect(brokenSpells(timeline, 0.08)).toEqual([spells, [], []]);
  });

  test('not when all err alike', () => {
    expect(brokenSpells([{ atMs: 1_000, hosts: ALL, condition: { errorRate: 0.5 } }])).toEqual([[], [], []]);
  });
});

test('a host that the route does not name is absent, whatever its condition', () => {
  const one = truth([
    { atMs: 2_000, hosts: [1], inRoute: false },
    { atMs: 3_000, hosts: [1], condition: { availability: 'refusing' } },
  ]);
  expect(one.spells(1, Standing.absent)).toEqual([{ fromMs: 2_000, toMs: end }]);
  expect(one.standing(1, 1_999)).toBe(Standing.healthy);
  expect(one.standing(1, 2_000)).toBe(Standing.absent);
  expect(one.everInRoute(1)).toBe(true);
});

test('there is a choice as long as one host is healthy', () => {
  const stop = (atMs: number, host: number): Change => ({ atMs, hosts: [host], condition: { availability: 'refusing' } });
  const one = truth([
    stop(1_000, 0),
    stop(2_000, 1),
    stop(3_000, 2),
    { atMs: 4_000, hosts: [1], condition: { availability: 'up' } },
  ]);
  expect([500, 1_500, 2_500, 3_500, 4_500].map(atMs => one.hasChoice(atMs))).toEqual([true, true, true, false, true]);
});
