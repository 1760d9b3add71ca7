import { expect, test } from 'vitest';
import { ALGORITHMS, ORACLE } from '../../../bench/balancing/algorithms.ts';
import { score } from '../../../bench/balancing/measure/score.ts';
import { geometricMean, mean } from '../../../bench/balancing/measure/statistics.ts';
import { playPlan } from '../../../bench/balancing/measure/tournament.ts';
import { play, prepare } from '../../../bench/balancing/measure/trial.ts';
import { PLANS } from '../../../bench/balancing/scenarios/all.ts';
import type { Plan } from '../../../bench/balancing/scenarios/plan.ts';

const SEEDS = [5, 6, 7];
const plan = PLANS.find(one => one.name === 'one-a-second') as Plan;

test('scores compare each run with that of the oracle of the same seed, and are averaged', () => {
  const [best, ...others] = playPlan(plan, ORACLE, ALGORITHMS, SEEDS);
  expect(best).toMatchObject({ algorithm: 'oracle', plan, cost: 0, lostPoints: 0, p99Ratio: 1 });
  const trials = SEEDS.map(seed => prepare(plan, seed));
  const oracles = trials.map(trial => play(trial, ORACLE).metrics);
  for (const [index, entry] of others.entries()) {
    const contender = ALGORITHMS[index] as (typeof ALGORITHMS)[number];
    const runs = trials.map(trial => play(trial, contender).metrics);
    const scores = runs.map((run, at) => score(run, oracles[at] as (typeof oracles)[number]));
    expect(entry.algorithm).toBe(contender.name);
    expect(entry.cost).closeTo(mean(scores.map(one => one.cost)), 1e-9);
    expect(entry.p99Ms).closeTo(geometricMean(runs.map(run => run.p99Ms)), 1e-9);
    expect(entry.cost).toBeGreaterThan(0);
  }
});

test('every run is watched while its log is there', () => {
  const seen: string[] = [];
  playPlan(plan, ORACLE, ALGORITHMS, SEEDS, (watched, { seed }, algorithm, log) => {
    seen.push(`${watched.name} ${seed} ${algorithm} ${log.callMs.length > 0}`);
  });
  const names = [ORACLE, ...ALGORITHMS].map(contender => contender.name);
  expect(seen).toEqual(SEEDS.flatMap(seed => names.map(name => `one-a-second ${seed} ${name} true`)));
});
