import { hostKey } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { classicBalancer } from '../../../../agent/src/balancer/classic/classic.ts';
import { host, hostsUpTo, World } from '../world.ts';
import { A, causes, only, QUIET } from './classic-world.ts';

describe('LB-9: the window of an idle host', () => {
  const windowed = { idleTimeoutMs: 15_000, windowErrRate: 0.7, windowErrLimit: 1 };

  /** Ten calls spread over one window; the last one, a failure where there is any, ends it. */
  function liveWindow(world: World, failures: number): void {
    world.succeed(A, 10 - failures);
    world.fail(A, Math.max(0, failures - 1));
    world.nowMs += 15_000;
    if (failures > 0) world.fail(A);
    else world.succeed(A);
  }

  test.each([
    { failures: 6, overloaded: false },
    { failures: 7, overloaded: true },
    { failures: 10, overloaded: true },
  ])('LB-9: $failures real failures of 10, so overloaded: $overloaded', ({ failures, overloaded }) => {
    const world = only(windowed);
    liveWindow(world, failures);
    expect(world.isOverloaded(A)).toBe(overloaded);
    expect(causes(world)).toEqual(overloaded ? ['window-error-rate'] : []);
  });

  test('LB-9: a success can end a bad window, too', () => {
    const world = only(windowed);
    world.fail(A, 9);
    world.nowMs += 15_000;
    world.succeed(A);
    expect(causes(world)).toEqual(['window-error-rate']);
  });

  test.each([
    { ageMs: 14_999, overloaded: false },
    { ageMs: 15_000, overloaded: true },
    { ageMs: 900_000, overloaded: true },
  ])('LB-9: a report at the age of $ageMs ms', ({ ageMs, overloaded }) => {
    const world = only(windowed);
    world.fail(A, 9);
    world.nowMs += ageMs;
    world.fail(A);
    expect(world.isOverloaded(A)).toBe(overloaded);
  });

  test('LB-9: nothing happens without a report, not even in a pick', () => {
    const world = only(windowed);
    world.fail(A, 10);
    world.nowMs += 60_000;
    world.picks(20);
    world.setHosts([A]);
    expect(world.transitions).toEqual([]);
  });

  test.each([
    { limit: 2, windows: [9, 9], overloaded: true },
    { limit: 2, windows: [9, 0, 9], overloaded: false },
    { limit: 3, windows: [9, 9], overloaded: false },
    { limit: 3, windows: [9, 9, 0, 9, 9, 9], overloaded: true },
  ])('LB-9: $limit bad windows in a row, windows with $windows failures', ({ limit, windows, overloaded }) => {
    const world = only({ ...windowed, windowErrLimit: limit });
    for (const [at, failures] of windows.entries()) {
      expect(world.isOverloaded(A), `before window ${at}`).toBe(false);
      liveWindow(world, failures);
    }
    expect(world.isOverloaded(A)).toBe(overloaded);
    if (overloaded) expect(world.transitions[0]?.numbers).toMatchObject({ badWindows: limit, limit: 0.7 });
  });

  test('LB-9: an overload between two bad windows breaks their row', () => {
    const world = only({ ...windowed, windowErrLimit: 2, continErrLimit: 12, continSuccLimit: 1 });
    liveWindow(world, 9);
    world.failuresUntilOverloaded(A);
    world.succeed(A);
    liveWindow(world, 9);
    expect(world.isOverloaded(A)).toBe(false);
    liveWindow(world, 9);
    expect(causes(world)).toEqual(['failure-run', 'success-run', 'window-error-rate']);
  });

  test('LB-9: a long silence is one window, not many', () => {
    const world = only({ ...windowed, windowErrLimit: 2 });
    world.fail(A, 9);
    world.nowMs += 60_000;
    world.fail(A);
    expect(world.isOverloaded(A)).toBe(false);
  });

  test('LB-9: a new window starts with fresh counts, runs and time', () => {
    const world = only({ ...windowed, errRate: 0.1, continErrLimit: 22 });
    world.succeed(A, 300);
    world.fail(A, 15);
    world.nowMs += 15_000;
    world.fail(A);
    expect(world.failuresUntilOverloaded(A)).toBe(21);
    expect(world.transitions[0]?.cause).toBe('error-rate');
    expect(world.transitions[0]?.numbers).toMatchObject({ virtualSucc: 180, realSucc: 0, realErr: 21, stateMs: 0 });
  });

  test('LB-9: amplified failures weigh in a window as they count', () => {
    const world = only(windowed);
    world.succeed(A, 3);
    world.nowMs += 15_000;
    world.fail(A, 1, 700);
    expect(causes(world)).toEqual(['window-error-rate']);
  });

  test('LB-9: LB-7 comes first where a failure at the end of a window meets both', () => {
    const world = only({ ...windowed, continErrLimit: 10 });
    world.fail(A, 9);
    world.nowMs += 15_000;
    world.fail(A);
    expect(causes(world)).toEqual(['failure-run']);
  });
});

describe('LB-9: the end of an overload', () => {
  const timed = { continErrLimit: 1, overloadTimeoutMs: 15_000 };

  test.each([
    { ageMs: 14_999, ok: true, overloaded: true },
    { ageMs: 15_000, ok: true, overloaded: false },
    { ageMs: 15_000, ok: false, overloaded: false },
    { ageMs: 500_000, ok: false, overloaded: false },
  ])('LB-9: a report (ok: $ok) at the age of $ageMs ms', ({ ageMs, ok, overloaded }) => {
    const world = only(timed);
    world.fail(A);
    world.nowMs += ageMs;
    world.balancer.report(hostKey(A), ok, undefined, world.nowMs);
    expect(world.isOverloaded(A)).toBe(overloaded);
    expect(causes(world)).toEqual(overloaded ? ['failure-run'] : ['failure-run', 'overload-timeout']);
  });

  test('LB-9: the numbers tell how long it lasted', () => {
    const world = only(timed);
    world.fail(A);
    world.nowMs += 20_000;
    world.fail(A);
    expect(world.transitions[1]).toMatchObject({ host: A, to: 'healthy', numbers: { stateMs: 20_000, limit: 15_000 } });
  });

  test('LB-9: LB-8 comes first where a success meets both', () => {
    const world = only({ ...timed, continSuccLimit: 1 });
    world.fail(A);
    world.nowMs += 15_000;
    world.succeed(A);
    expect(causes(world)).toEqual(['failure-run', 'success-run']);
  });

  test('LB-9: without a report a host stays overloaded', () => {
    const world = only(timed);
    world.fail(A);
    world.nowMs += 3_600_000;
    world.picks(100);
    expect(world.isOverloaded(A)).toBe(true);
  });
});

describe('LB-10: changing sides', () => {
  test('LB-10: becoming idle starts over like a new host', () => {
    const world = only({ errRate: 0.1, continSuccLimit: 1 });
    const whenNew = world.failuresUntilOverloaded(A);
    world.succeed(A);
    expect(world.failuresUntilOverloaded(A)).toBe(whenNew);
    expect(world.transitions[2]?.numbers).toMatchObject({ virtualSucc: 180, virtualErr: whenNew, realErr: whenNew, realSucc: 0 });
  });

  test('LB-10: becoming overloaded starts with init_err_cnt errors, no success, no run', () => {
    const world = only({ continErrLimit: 8, continSuccLimit: 1, initErrCnt: 7 });
    world.succeed(A, 40);
    world.failuresUntilOverloaded(A);
    world.succeed(A);
    expect(world.transitions[1]?.numbers).toMatchObject({
      virtualSucc: 1,
      virtualErr: 7,
      realSucc: 1,
      realErr: 0,
      succRun: 1,
      errRun: 0,
    });
  });

  test('LB-10: the idle window starts when the host becomes idle', () => {
    const world = only({ continErrLimit: 5, continSuccLimit: 1, idleTimeoutMs: 15_000 });
    world.nowMs += 14_000;
    world.fail(A, 5);
    world.succeed(A);
    world.fail(A, 3);
    world.nowMs += 14_999;
    world.fail(A);
    expect(world.isOverloaded(A)).toBe(false);
    world.nowMs += 1;
    world.succeed(A);
    expect(causes(world)).toEqual(['failure-run', 'success-run', 'window-error-rate']);
  });

  test('LB-10: the overload starts when the host becomes overloaded', () => {
    const world = only({ continErrLimit: 1, overloadTimeoutMs: 15_000 });
    world.nowMs += 14_000;
    world.fail(A);
    world.nowMs += 14_999;
    world.fail(A);
    expect(world.isOverloaded(A)).toBe(true);
    world.nowMs += 1;
    world.fail(A);
    expect(world.isOverloaded(A)).toBe(false);
  });

  test('LB-10: the host goes to the tail of the other list', () => {
    const world = only({ continErrLimit: 1, continSuccLimit: 1, probeNum: 1 }, 4);
    world.fail(host(3));
    world.fail(host(1));
    expect(world.picks(4)).toEqual([2, 3, 4, 1]);
    world.succeed(host(3));
    world.succeed(host(1));
    expect(world.picks(4)).toEqual([2, 4, 3, 1]);
  });

  test('LB-10: a listener that throws finds the lists in order', () => {
    const world = new World(
      () =>
        classicBalancer({ ...QUIET, continErrLimit: 1 })({
          random: () => 0,
          onTransition: () => {
            throw new Error('the log is full');
          },
        }),
      hostsUpTo(2),
    );
    expect(() => world.fail(A)).toThrow('the log is full');
    expect([world.balancer.ejectedCount, world.isOverloaded(A)]).toEqual([1, true]);
    expect(world.picks(11)).toEqual([...Array(10).fill(2), 1]);
  });
});
