import { describe, expect, test } from 'vitest';
import { jainIndex, jainIndexOf } from '../../../bench/balancing/measure/fairness.ts';
import { starvedShareOf } from '../../../bench/balancing/measure/starvation.ts';
import { RunLog } from '../../../bench/balancing/sim/run-log.ts';
import { hostSpec, hosts, type Scenario, scenario } from '../../../bench/balancing/sim/scenario.ts';
import { Truth } from '../../../bench/balancing/sim/truth.ts';

/** Two hosts, one agent, a call a ms; `hostAt` says which host is picked. */
function played(told: Partial<Scenario>, hostAt: (ms: number) => number, agentAt: (ms: number) => number = () => 0) {
  const one = scenario({ durationMs: 20_000, ratePerSec: 1_000, agents: 1, hosts: hosts(2), ...told });
  const log = new RunLog();
  for (let ms = 0; ms < one.durationMs; ms++) {
    log.pickMs.push(ms);
    log.pickHost.push(hostAt(ms));
    log.pickAgent.push(agentAt(ms));
  }
  const truth = new Truth(one);
  return { starved: starvedShareOf(one, truth, log), fairness: jainIndexOf(one, truth, log) };
}

describe("Jain's index", () => {
  test('is 1 for equal loads, 1/n for a single one, and has no unit', () => {
    expect([jainIndex([3, 3, 3]), jainIndex([0, 5, 0, 0]), jainIndex([1, 2])]).toEqual([1, 0.25, 0.9]);
    expect(jainIndex([10, 20])).toBe(jainIndex([1, 2]));
    expect(jainIndex([])).toBeNaN();
  });

  test('counts picks in proportion to the capacity', () => {
    const unequal = [hostSpec({ workers: 3 }), hostSpec({ workers: 1 })];
    expect(played({ hosts: unequal }, ms => (ms % 4 === 0 ? 1 : 0)).fairness).closeTo(1, 1e-9);
    expect(played({ hosts: unequal }, ms => ms % 2).fairness).closeTo(0.8, 1e-9);
  });

  test('leaves out who was broken', () => {
    const timeline = [{ atMs: 100, hosts: [1], condition: { availability: 'silent' } as const }];
    expect(played({ timeline }, () => 0).fairness).toBe(1);
  });
});

describe('a host is starved', () => {
  test('never, where hosts take turns', () => {
    expect(played({}, ms => ms % 2).starved).toBe(0);
  });

  test('for the time in which its fair share were fifteen picks or more', () => {
    // Of two hosts one is left out for 1 s of 20.
    expect(played({}, ms => (ms < 1_000 ? 0 : ms % 2)).starved).closeTo(1 / 40, 0.001);
    expect(played({}, ms => (ms < 29 ? 0 : ms % 2)).starved).toBe(0);
  });

  test('in the view of each agent', () => {
    const agentAt = (ms: number) => ms % 2;
    // Each agent knows one of the two hosts only, though together they are fair.
    expect(played({ agents: 2 }, ms => ms % 2, agentAt).starved).closeTo(0.5, 0.001);
  });

  test('not while it is broken, nor shortly afterwards', () => {
    const timeline = [
      { atMs: 1_000, hosts: [1], condition: { availability: 'silent' } as const },
      { atMs: 5_000, hosts: [1], condition: { availability: 'up' } as const },
    ];
    expect(played({ timeline }, ms => (ms >= 1_000 && ms < 14_000 ? 0 : ms % 2)).starved).toBe(0);
    expect(played({ timeline }, ms => (ms >= 1_000 ? 0 : ms % 2)).starved).toBeGreaterThan(0.15);
  });
});
