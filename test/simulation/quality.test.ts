/**
 * A small, fixed part of the balancing bench as a gate: few scenarios, fixed seeds, virtual time, so that the numbers are the same
 * everywhere. `node bench/balancing/run.ts` measures all of it.
 */
import { describe, expect, test } from 'vitest';
import { ALGORITHMS, ORACLE } from '../../bench/balancing/algorithms.ts';
import { mean } from '../../bench/balancing/measure/statistics.ts';
import { type Entry, playPlan } from '../../bench/balancing/measure/tournament.ts';
import { PLANS } from '../../bench/balancing/scenarios/all.ts';

const SEEDS = [11, 12];
const SCENARIOS = [
  'stop-and-return',
  'black-hole',
  'ten-times-slower',
  'heavy-tail',
  'brown-out',
  'shared-errors',
  'unequal-unknown',
  'overload-130',
  'rolling-restart',
  'one-of-three',
];

/** The most that an algorithm may cost here on average, and in a single scenario more than round robin. */
const LIMITS = [
  { algorithm: 'adaptive', cost: 0.3, moreThanRoundRobin: 0.1 },
  { algorithm: 'adaptive + SDK cache', cost: 0.4, moreThanRoundRobin: 0.1 },
  { algorithm: 'classic', cost: 8.6, moreThanRoundRobin: 0.4 },
];

/** How many points anybody may be luckier than the oracle, who does not know the future. */
const LUCK = 0.25;

const entries = PLANS.filter(plan => SCENARIOS.includes(plan.name)).flatMap(plan => playPlan(plan, ORACLE, ALGORITHMS, SEEDS));

function entry(algorithm: string, scenario: string): Entry {
  const found = entries.find(one => one.algorithm === algorithm && one.plan.name === scenario);
  if (found === undefined) throw new Error(`nobody measured '${algorithm}' in '${scenario}'`);
  return found;
}

describe.each(LIMITS)('$algorithm', ({ algorithm, cost, moreThanRoundRobin }) => {
  test(`costs at most ${cost} on average`, () => {
    expect(mean(SCENARIOS.map(scenario => entry(algorithm, scenario).cost))).toBeLessThanOrEqual(cost);
  });

  test.each(SCENARIOS)(`is not worse than round robin by more than ${moreThanRoundRobin} in %s`, scenario => {
    expect(entry(algorithm, scenario).cost).toBeLessThanOrEqual(entry('round robin', scenario).cost + moreThanRoundRobin);
  });
});

test('the SDK cache costs no more than 0.1', () => {
  const costOf = (algorithm: string) => mean(SCENARIOS.map(scenario => entry(algorithm, scenario).cost));
  expect(costOf('adaptive + SDK cache')).toBeLessThanOrEqual(costOf('adaptive') + 0.1);
});

test.each(['stop-and-return', 'black-hole', 'one-of-three'])('classic takes calls away from a dead host: %s', scenario => {
  expect(entry('classic', scenario).badPicks).toBeLessThan(0.8 * entry('round robin', scenario).badPicks);
});

test.each(SCENARIOS)('nobody loses clearly less than the oracle: %s', scenario => {
  for (const { name } of ALGORITHMS) expect(entry(name, scenario).lostPoints).toBeGreaterThan(-LUCK);
});

test('the oracle refuses nothing that an idle host could have served', () => {
  for (const scenario of SCENARIOS) expect(entry(ORACLE.name, scenario).needlessRefusals).toBe(0);
});
