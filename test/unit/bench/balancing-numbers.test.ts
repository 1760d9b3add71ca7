import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Metrics, metricsOf } from '../../../bench/balancing/measure/metrics.ts';
import { score } from '../../../bench/balancing/measure/score.ts';
import { addFocusShare, addSuccess, Series } from '../../../bench/balancing/measure/series.ts';
import { standingsOf } from '../../../bench/balancing/measure/standings.ts';
import { geometricMean, lowerBound, mean, median, quantile } from '../../../bench/balancing/measure/statistics.ts';
import type { Entry } from '../../../bench/balancing/measure/tournament.ts';
import { PLANS } from '../../../bench/balancing/scenarios/all.ts';
import { Outcome, RunLog } from '../../../bench/balancing/sim/run-log.ts';
import { hosts, scenario } from '../../../bench/balancing/sim/scenario.ts';
import { Truth } from '../../../bench/balancing/sim/truth.ts';

const METRICS: Metrics = {
  calls: 1_000,
  success: 1,
  refused: 0,
  p99Ms: 100,
  badPicks: 0,
  probesPerSec: 0,
  falseEjections: 0,
  needlessRefusals: 0,
  detectMs: 0,
  recoverMs: 0,
  missed: 0,
};

describe('statistics', () => {
  test('the quantile of a share is the smallest value that is not exceeded by it', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0, 0.5, 0.99, 1].map(share => quantile(hundred, share))).toEqual([1, 50, 99, 100]);
    expect(quantile([7], 0.99)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });

  test('means', () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(geometricMean([1, 4, 16])).closeTo(4, 1e-12);
    expect([median([9, 1, 5]), median([9, 1, 5, 6])]).toEqual([5, 5.5]);
    for (const none of [mean([]), geometricMean([]), median([])]) expect(none).toBeNaN();
  });

  test('lowerBound finds what a search from the front finds', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30)), fc.nat(31), (values, bound) => {
        const sorted = values.sort((a, b) => a - b);
        const found = sorted.findIndex(value => value >= bound);
        expect(lowerBound(sorted, bound)).toBe(found < 0 ? sorted.length : found);
      }),
    );
  });
});

describe('the score against an oracle with 99 % success and a p99 of 100 ms', () => {
  const oracle = { ...METRICS, success: 0.99 };
  test.each([
    { what: 'the same', success: 0.99, p99Ms: 100, lostPoints: 0, p99Ratio: 1, cost: 0 },
    { what: 'three points lost', success: 0.96, p99Ms: 100, lostPoints: 3, p99Ratio: 1, cost: 3 },
    { what: 'p99 twice as high', success: 0.99, p99Ms: 200, lostPoints: 0, p99Ratio: 2, cost: 1 },
    { what: 'both', success: 0.98, p99Ms: 400, lostPoints: 1, p99Ratio: 4, cost: 3 },
    { what: 'luckier than the oracle', success: 0.995, p99Ms: 50, lostPoints: -0.5, p99Ratio: 1, cost: 0 },
    { what: 'very slow', success: 0.99, p99Ms: 1e9, lostPoints: 0, p99Ratio: 64, cost: 6 },
    { what: 'nothing succeeds', success: 0, p99Ms: Number.NaN, lostPoints: 99, p99Ratio: 64, cost: 105 },
  ])('$what', ({ success, p99Ms, lostPoints, p99Ratio, cost }) => {
    const got = score({ ...METRICS, success, p99Ms }, oracle);
    expect(got.lostPoints).closeTo(lostPoints, 1e-9);
    expect(got.p99Ratio).toBe(p99Ratio);
    expect(got.cost).closeTo(cost, 1e-9);
  });
});

describe('metrics of a run', () => {
  const down = { availability: 'refusing' } as const;
  const stop = [
    { atMs: 5_000, hosts: [0], condition: down },
    { atMs: 8_000, hosts: [0], condition: { availability: 'up' } as const },
    { atMs: 9_500, hosts: [0, 1], condition: down },
  ];
  const told = scenario({ durationMs: 10_000, ratePerSec: 1, hosts: hosts(2), timeline: stop });
  const log = new RunLog();
  for (const [outcome, tookMs] of [
    [Outcome.ok, 10],
    [Outcome.ok, 30],
    [Outcome.failed, 900],
    [Outcome.refused, 0],
  ] as const) {
    log.endCall(log.beginCall(1_000), outcome, 1_000 + tookMs);
  }
  log.pickMs.push(4_000, 6_000, 7_000, 9_700);
  log.pickHost.push(0, 0, 1, 1);
  log.ejectionMs.push(4_000, 5_500, 8_500, 9_000);
  log.ejectionHost.push(0, 0, 0, 1);
  log.needlessRefusals = 1;
  log.probes = 20;
  const metrics = metricsOf(told, new Truth(told), log);

  test('shares are of all calls; p99 is that of the successful ones', () => {
    expect(metrics).toMatchObject({ calls: 4, success: 0.5, refused: 0.25, needlessRefusals: 0.25, p99Ms: 30 });
  });

  test('a pick is bad that names a broken host while another is healthy', () => {
    expect(metrics.badPicks).toBe(1 / 4);
  });

  test('an ejection is false of a host that is and just was healthy', () => {
    expect(metrics.falseEjections).toBe(2);
  });

  test('probes are counted per second', () => {
    expect(metrics.probesPerSec).toBe(2);
  });
});

describe('series', () => {
  test('a point is a part over a whole, in the middle of its bin; empty bins have none', () => {
    const series = new Series(-100, 200, 100);
    for (const [atMs, part] of [
      [-100, 1],
      [-1, 0],
      [100, 1],
      [199, 1],
      [200, 1],
      [-101, 1],
    ] as const)
      series.add(atMs, part, 2);
    expect(series.points()).toEqual([
      [-50, 0.25],
      [150, 0.5],
    ]);
  });

  test('times count from the beginning of the focus; shares are parts of the fair share', () => {
    const focus = { hosts: [1], fromMs: 1_000, toMs: 2_000 };
    const told = scenario({ durationMs: 3_000, ratePerSec: 1, hosts: hosts(4), focus });
    const log = new RunLog();
    for (const [atMs, host] of [
      [1_100, 1],
      [1_200, 0],
      [1_300, 1],
      [1_400, 2],
    ] as const) {
      log.pickMs.push(atMs);
      log.pickHost.push(host);
      log.endCall(log.beginCall(atMs), host === 0 ? Outcome.failed : Outcome.ok, atMs);
    }
    const share = new Series(0, 1_000, 1_000);
    addFocusShare(share, told, new Truth(told), log);
    expect(share.points()).toEqual([[500, 2]]);
    const success = new Series(0, 1_000, 1_000);
    addSuccess(success, told, log);
    expect(success.points()).toEqual([[500, 0.75]]);
  });
});

test('standings are means over scenarios, medians of reaction times, and the worst loss', () => {
  const planIn = (group: string) => PLANS.find(plan => plan.group === group) as Entry['plan'];
  const entry = (group: string, cost: number, lostPoints: number, detectMs: number): Entry => {
    return { ...METRICS, plan: planIn(group), algorithm: 'a', cost, lostPoints, p99Ratio: 4, detectMs };
  };
  const entries = [
    entry('failure', 1, 1, 100),
    entry('slow', 3, -1, Number.NaN),
    entry('overload', 8, 6, 300),
    entry('slow', 4, 2, 900),
  ];
  const row = standingsOf('a', entries);
  expect(row).toMatchObject({ cost: 4, worstLostPoints: 6, lostPoints: 2.25, detectMs: 300 });
  expect(row.costWithoutOverload).closeTo(8 / 3, 1e-12);
  expect(row.p99Ratio).closeTo(4, 1e-12);
  expect([row.groupCost.get('slow'), row.groupCost.get('overload'), row.groupCost.get('churn')]).toEqual([3.5, 8, Number.NaN]);
});
