import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../../agent/src/balancer/classic/classic.ts';
import { World } from '../world.ts';
import { A, B, causes, only } from './classic-world.ts';

describe('LB-6: what a report counts', () => {
  test('LB-6: one to the real and the virtual count of its kind, one to its run; the other run is 0', () => {
    const world = only({ continErrLimit: 3 });
    world.fail(A, 2);
    world.succeed(A, 4);
    world.fail(A, 3);
    expect(world.transitions[0]?.numbers).toMatchObject({
      virtualSucc: CLASSIC_DEFAULTS.initSuccCnt + 4,
      virtualErr: 5,
      realSucc: 4,
      realErr: 5,
      succRun: 0,
      errRun: 3,
    });
  });

  test('LB-6: the same on the overloaded side', () => {
    const world = only({ continErrLimit: 1, continSuccLimit: 3 });
    world.fail(A);
    world.succeed(A, 2);
    world.fail(A, 4);
    world.succeed(A, 3);
    expect(world.transitions[1]?.numbers).toMatchObject({
      virtualSucc: 5,
      virtualErr: CLASSIC_DEFAULTS.initErrCnt + 4,
      realSucc: 5,
      realErr: 4,
      succRun: 3,
      errRun: 0,
    });
  });

  const amplified = [
    { tcostMs: undefined, failures: 1 },
    { tcostMs: 0, failures: 1 },
    { tcostMs: 99, failures: 1 },
    { tcostMs: 199, failures: 1 },
    { tcostMs: 200, failures: 2 },
    { tcostMs: 1_050, failures: 10 },
    { tcostMs: 4_999, failures: 49 },
    { tcostMs: 5_000, failures: 50 },
    { tcostMs: 4_294_967_295, failures: 50 },
  ];
  test.each(amplified)('LB-6: a failure after $tcostMs ms counts as $failures', ({ tcostMs, failures }) => {
    const world = only({ errRate: 0 });
    world.fail(A, 1, tcostMs);
    expect(world.transitions[0]?.numbers).toMatchObject({ virtualErr: failures, realErr: failures, errRun: failures });
    expect(world.takeCounts().get(1)).toEqual({ succ: 0, err: 1, tcostMs: tcostMs ?? 0, probes: 0 });
  });

  test('LB-6: without tcost_amplify each failure counts once', () => {
    const world = only({ errRate: 0, tcostAmplify: false });
    world.fail(A, 1, 5_000);
    expect(world.transitions[0]?.numbers).toMatchObject({ virtualErr: 1, realErr: 1, errRun: 1 });
  });

  test('LB-6: a slow success counts once', () => {
    const world = only({ continErrLimit: 1 });
    world.succeed(A, 1, 5_000);
    world.fail(A);
    expect(world.transitions[0]?.numbers).toMatchObject({ realSucc: 1, realErr: 1 });
  });
});

describe('LB-7: an idle host that fails', () => {
  /** The published example: successes first, then the failure that is one too many. */
  const published = [
    { successes: 10, failures: 22 },
    { successes: 90, failures: 31 },
    { successes: 200, failures: 43 },
    { successes: 500, failures: 76 },
  ];

  /** In whole numbers: the first k with k / (180 + n + k) > 1/10. */
  function firstFailureAboveTenPercent(successes: number): number {
    let k = 1;
    while (10 * k <= 180 + successes + k) k++;
    return k;
  }

  test.each(published)('LB-7: the published example, $successes successes + $failures failures', ({ successes, failures }) => {
    expect(firstFailureAboveTenPercent(successes)).toBe(failures);
    const world = only({ errRate: 0.1 });
    world.succeed(A, successes);
    expect(world.failuresUntilOverloaded(A)).toBe(failures);
    expect(causes(world)).toEqual(['error-rate']);
  });

  test.each(published)('LB-7: and with all shipped values, where no run reaches the limit: $successes + $failures', example => {
    const world = new World(classicBalancer(CLASSIC_DEFAULTS), [A]);
    const pauses = Math.floor((example.failures - 1) / 14);
    world.succeed(A, example.successes - pauses);
    for (let failure = 1; failure <= example.failures; failure++) {
      expect(world.isOverloaded(A)).toBe(false);
      world.fail(A);
      if (failure % 14 === 0 && failure < example.failures) world.succeed(A);
    }
    expect(causes(world)).toEqual(['error-rate']);
  });

  test('LB-7: after any number of successes it is the first failure whose virtual error rate is greater', () => {
    fc.assert(
      fc.property(fc.nat(3_000), successes => {
        const world = only({ errRate: 0.1 });
        world.succeed(A, successes);
        expect(world.failuresUntilOverloaded(A)).toBe(firstFailureAboveTenPercent(successes));
      }),
      { numRuns: 30 },
    );
  });

  test.each([1, 2, 15])('LB-7: a run of %i failures is enough where that is contin_err_limit', continErrLimit => {
    const world = only({ continErrLimit });
    world.fail(A, continErrLimit - 1);
    world.succeed(A);
    world.fail(A, continErrLimit - 1);
    world.succeed(A);
    expect(world.transitions).toEqual([]);
    expect(world.failuresUntilOverloaded(A)).toBe(continErrLimit);
    expect(causes(world)).toEqual(['failure-run']);
  });

  test('LB-7: a fresh host that only fails goes after contin_err_limit failures with the shipped values', () => {
    const world = new World(classicBalancer(CLASSIC_DEFAULTS), [A]);
    expect(world.failuresUntilOverloaded(A)).toBe(15);
    expect(causes(world)).toEqual(['failure-run']);
  });

  test('LB-7: failures of one host do not touch another one', () => {
    const world = only({ continErrLimit: 3 }, 2);
    world.fail(A, 2);
    world.fail(B, 2);
    expect(world.transitions).toEqual([]);
    world.fail(A);
    expect([world.isOverloaded(A), world.isOverloaded(B)]).toEqual([true, false]);
  });

  test('LB-7: the transition says what moved where and why, once', () => {
    const world = new World(classicBalancer(CLASSIC_DEFAULTS), [A]);
    world.nowMs += 250;
    world.failuresUntilOverloaded(A);
    world.fail(A, 50);
    expect(world.transitions).toEqual([
      {
        host: A,
        to: 'ejected',
        cause: 'failure-run',
        numbers: {
          virtualSucc: 180,
          virtualErr: 15,
          realSucc: 0,
          realErr: 15,
          succRun: 0,
          errRun: 15,
          badWindows: 0,
          stateMs: 250,
          limit: 15,
        },
      },
    ]);
  });
});

describe('LB-8: an overloaded host that succeeds', () => {
  /** In whole numbers: the first k with k / (errors + k) > percent / 100. */
  function firstSuccessAbove(percent: number, errors: number): number {
    let k = 1;
    while (100 * k <= percent * (errors + k)) k++;
    return k;
  }

  test.each([
    { percent: 25, furtherFailures: 0 },
    { percent: 50, furtherFailures: 0 },
    { percent: 50, furtherFailures: 4 },
    { percent: 95, furtherFailures: 0 },
  ])('LB-8: idle when the virtual success rate is greater than $percent %, after $furtherFailures more failures', example => {
    const world = only({ continErrLimit: 1, succRate: example.percent / 100 });
    world.fail(A, 1 + example.furtherFailures);
    const errors = CLASSIC_DEFAULTS.initErrCnt + example.furtherFailures;
    expect(world.successesUntilIdle(A)).toBe(firstSuccessAbove(example.percent, errors));
    expect(causes(world)).toEqual(['failure-run', 'success-rate']);
    expect(world.transitions[1]?.numbers['limit']).toBe(example.percent / 100);
  });

  test.each([1, 15])('LB-8: a run of %i successes is enough where that is contin_succ_limit', continSuccLimit => {
    const world = only({ continErrLimit: 1, continSuccLimit });
    world.fail(A);
    world.succeed(A, continSuccLimit - 1);
    world.fail(A);
    expect(world.isOverloaded(A)).toBe(true);
    expect(world.successesUntilIdle(A)).toBe(continSuccLimit);
    expect(causes(world)).toEqual(['failure-run', 'success-run']);
  });

  test('LB-8: failures make no overloaded host idle, even where one success would be enough', () => {
    const world = only({ continErrLimit: 1, initErrCnt: 0, succRate: 0 });
    world.fail(A, 20);
    expect(world.isOverloaded(A)).toBe(true);
    expect(world.successesUntilIdle(A)).toBe(1);
  });
});
