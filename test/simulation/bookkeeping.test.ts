import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS, ORACLE } from '../../bench/balancing/algorithms.ts';
import { play, prepare } from '../../bench/balancing/measure/trial.ts';
import { PLANS } from '../../bench/balancing/scenarios/all.ts';
import { lognormal } from '../../bench/balancing/sim/distribution.ts';
import { Outcome } from '../../bench/balancing/sim/run-log.ts';
import { type Change, hostSpec, type Scenario, scenario } from '../../bench/balancing/sim/scenario.ts';
import { simulate } from '../../bench/balancing/sim/simulation.ts';

const CONTENDERS = [ORACLE, ...ALGORITHMS];
const HOSTS = 4;

const aHost = fc.record({ workers: fc.integer({ min: 1, max: 4 }), queueLimit: fc.integer({ min: 0, max: 20 }) }).map(hostSpec);

const aChange: fc.Arbitrary<Change> = fc.record({
  atMs: fc.integer({ min: 0, max: 5_000 }),
  hosts: fc.uniqueArray(fc.integer({ min: 0, max: HOSTS - 1 }), { minLength: 1 }),
  condition: fc.oneof(
    fc.record({ availability: fc.constantFrom('up', 'refusing', 'silent') }),
    fc.record({ errorRate: fc.constantFrom(0, 0.3, 1) }),
    fc.record({ slowness: fc.constantFrom(1, 20, { from: 10, to: 1, overMs: 2_000 }) }),
  ),
});

const aScenario: fc.Arbitrary<Scenario> = fc
  .record({
    ratePerSec: fc.integer({ min: 1, max: 500 }),
    agents: fc.integer({ min: 1, max: 3 }),
    hosts: fc.array(aHost, { minLength: HOSTS, maxLength: HOSTS }),
    timeline: fc.array(aChange, { maxLength: 6 }),
    retries: fc.record({ limit: fc.integer({ min: 0, max: 2 }), backoffMs: fc.constant(30) }),
    reportLoss: fc.constantFrom(0, 0.2),
    reportsTcost: fc.boolean(),
  })
  .map(told => scenario({ ...told, durationMs: 5_000, timeoutMs: 300, work: lognormal(1) }));

describe.each(CONTENDERS)('$name', contender => {
  test('every call ends exactly once: calls = successes + failures + refusals', () => {
    fc.assert(
      fc.property(aScenario, fc.nat(1_000), (one, seed) => {
        const log = simulate(one, contender, seed);
        expect(log.countOf(Outcome.pending)).toBe(0);
        const ended = log.countOf(Outcome.ok) + log.countOf(Outcome.failed) + log.countOf(Outcome.refused);
        expect(ended).toBe(log.callMs.length);
        expect(log.latencyMs).toHaveLength(log.callMs.length);
      }),
      { numRuns: 60 },
    );
  });

  test('no attempt takes longer than its timeout, no call makes more attempts than it may', () => {
    fc.assert(
      fc.property(aScenario, fc.nat(1_000), (one, seed) => {
        const log = simulate(one, contender, seed);
        const attempts = 1 + one.retries.limit;
        const longestMs = attempts * one.timeoutMs + one.retries.limit * 1.5 * one.retries.backoffMs;
        expect(Math.max(0, ...log.latencyMs)).toBeLessThanOrEqual(longestMs + 1e-6);
        expect(log.pickMs.length).toBeLessThanOrEqual(log.callMs.length * attempts);
        expect(log.pickMs.length).toBeGreaterThanOrEqual(log.callMs.length - log.countOf(Outcome.refused));
      }),
      { numRuns: 40 },
    );
  });

  test('equal seeds give equal numbers to the last digit, other seeds give others', () => {
    for (const plan of PLANS.filter(one => ['one-a-second', 'flapping', 'bursts'].includes(one.name))) {
      const first = play(prepare(plan, 3), contender);
      expect(play(prepare(plan, 3), contender)).toStrictEqual(first);
      expect(play(prepare(plan, 4), contender).log.callMs).not.toEqual(first.log.callMs);
    }
  });
});

test('all algorithms serve the same calls: what they decide does not change what comes', () => {
  const [plan] = PLANS.filter(one => one.name === 'half-lost');
  if (plan === undefined) throw new Error('the scenario is gone');
  const trial = prepare(plan, 9);
  const runs = CONTENDERS.map(contender => simulate(trial.scenario, contender, trial.seed).callMs);
  for (const calls of runs) expect(calls).toEqual(runs[0]);
});
