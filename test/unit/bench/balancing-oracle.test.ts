import { hostKey } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { oracle } from '../../../bench/balancing/contenders/oracle.ts';
import { Agenda } from '../../../bench/balancing/sim/agenda.ts';
import { randomStream } from '../../../bench/balancing/sim/random.ts';
import { type Condition, hosts, type Scenario, scenario, WELL } from '../../../bench/balancing/sim/scenario.ts';
import { World } from '../../../bench/balancing/sim/world.ts';

/** Which of three hosts the oracle picks, in any of 40 picks. */
function picked(conditions: readonly Partial<Condition>[], load: readonly number[] = [], told: Partial<Scenario> = {}): number[] {
  const list = conditions.flatMap(condition => hosts(1, { workers: 1, serviceMs: 10, condition: { ...WELL, ...condition } }));
  const one = scenario({ durationMs: 1_000, ratePerSec: 1, hosts: list, timeoutMs: 400, ...told });
  const world = new World(one, new Agenda());
  for (const [host, jobs] of load.entries()) {
    for (let job = 0; job < jobs; job++) world.hosts[host]?.expect();
  }
  const balancer = oracle(world, one)({ random: randomStream(1, 'oracle'), onTransition: () => undefined });
  const keys = world.hosts.map(host => hostKey(host.info));
  const picks = Array.from({ length: 40 }, () => balancer.pick(0)).flatMap(host =>
    host === undefined ? [] : [keys.indexOf(hostKey(host))],
  );
  return [...new Set(picks)].sort();
}

describe('the oracle picks', () => {
  test('equal hosts alike', () => {
    expect(picked([{}, {}, {}])).toEqual([0, 1, 2]);
  });

  test('none that is down', () => {
    expect(picked([{ availability: 'refusing' }, {}, { availability: 'silent' }])).toEqual([1]);
  });

  test('the one that errs less, even if it is somewhat slower', () => {
    expect(picked([{ errorRate: 0.05 }, { slowness: 3 }, { errorRate: 0.3 }])).toEqual([1]);
  });

  test('the one that errs, when the others are too slow for the timeout', () => {
    expect(picked([{ slowness: 1_000 }, { errorRate: 0.3 }, { slowness: 1_000 }])).toEqual([1]);
  });

  test('the one that will be done first: a slow one with no line before a fast one with a long line', () => {
    expect(picked([{}, { slowness: 4 }, {}], [5, 0, 6])).toEqual([1]);
    expect(picked([{}, { slowness: 4 }, {}], [2, 0, 6])).toEqual([0]);
  });

  test('nobody, when no call could begin within half of the timeout', () => {
    expect(picked([{}, {}, {}], [20, 21, 25])).toEqual([0]);
    expect(picked([{}, {}, {}], [21, 21, 25])).toEqual([]);
  });

  test('nobody who is not in the route', () => {
    expect(picked([], [], { hosts: [...hosts(1, { inRoute: false }), ...hosts(1)] })).toEqual([1]);
  });
});
