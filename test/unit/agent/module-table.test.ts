import { INT32_MAX, INT32_MIN } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { ActiveModule, ModuleTable } from '../../../agent/src/shard/module-table.ts';

const LIMITS = { routeWaitMs: 100, maxWaiting: 3, absentTtlMs: 1_000, maxAbsent: 2 };

function active(modid: number, cmdid = 0): ActiveModule {
  return new ActiveModule(
    { modid, cmdid },
    classicBalancer(CLASSIC_DEFAULTS),
    () => 0,
    () => undefined,
  );
}

/** In how many of its three states the module is. */
function statesOf(table: ModuleTable<string>, modid: number, nowMs: number): number {
  const pending = [...table.allPending()].some(module => module.modid === modid);
  return Number(pending) + Number(table.findActive(modid, 0) !== undefined) + Number(table.isAbsent(modid, 0, nowMs));
}

describe('a module is in one state at a time', () => {
  const table = () => new ModuleTable<string>(LIMITS);

  test('unknown, then pending, then active', () => {
    const modules = table();
    expect(statesOf(modules, 1, 0)).toBe(0);
    expect(modules.park(1, 0, 'a', 0)).toEqual({ isParked: true, mustFetch: true });
    expect(modules.park(1, 0, 'b', 0)).toEqual({ isParked: true, mustFetch: false });
    expect(statesOf(modules, 1, 0)).toBe(1);
    expect(modules.activate(active(1))).toEqual(['a', 'b']);
    expect(modules.findActive(1, 0)?.modid).toBe(1);
    expect(statesOf(modules, 1, 0)).toBe(1);
    expect([modules.parkedCount, modules.activeCount, modules.absentCount]).toEqual([0, 1, 0]);
  });

  test('pending, then absent, then forgotten', () => {
    const modules = table();
    modules.park(1, 0, 'a', 0);
    expect(modules.markAbsent(1, 0, 50)).toEqual(['a']);
    expect(statesOf(modules, 1, 50)).toBe(1);
    expect(modules.isAbsent(1, 0, 1_049)).toBe(true);
    expect(modules.isAbsent(1, 0, 1_050)).toBe(false);
    expect(statesOf(modules, 1, 1_050)).toBe(0);
  });

  test('active, then absent, then active', () => {
    const modules = table();
    modules.activate(active(1));
    expect(modules.markAbsent(1, 0, 0)).toEqual([]);
    expect(modules.findActive(1, 0)).toBeUndefined();
    expect(modules.activate(active(1))).toEqual([]);
    expect(modules.isAbsent(1, 0, 0)).toBe(false);
  });
});

test('waits end in the order of their deadlines, none early and none late', () => {
  const modules = new ModuleTable<string>(LIMITS);
  modules.park(2, 0, 'b', 0);
  modules.park(1, 0, 'a', 0);
  modules.beginWait(1, 0, 0);
  modules.beginWait(2, 0, 10);
  modules.park(1, 0, 'c', 99);
  modules.beginWait(1, 0, 99);
  expect(modules.nextDeadlineMs()).toBe(100);
  expect(modules.expirePending(99)).toEqual([]);
  expect(modules.expirePending(100)).toMatchObject([{ modid: 1, parked: ['a', 'c'] }]);
  expect(modules.nextDeadlineMs()).toBe(110);
  expect(modules.expirePending(5_000)).toMatchObject([{ modid: 2, parked: ['b'] }]);
  expect(modules.nextDeadlineMs()).toBeUndefined();
});

test('what finds no room is fetched once and counts as absent; what is pending already is not fetched again', () => {
  const modules = new ModuleTable<string>(LIMITS);
  for (const request of ['a', 'b', 'c']) modules.park(1, 0, request, 0);
  expect(modules.park(1, 0, 'd', 0)).toEqual({ isParked: false, mustFetch: false });
  expect(modules.isAbsent(1, 0, 0)).toBe(false);
  expect(modules.park(2, 0, 'e', 0)).toEqual({ isParked: false, mustFetch: true });
  expect(modules.isAbsent(2, 0, 0)).toBe(true);
});

test('a module that is found absent again is the youngest again', () => {
  const modules = new ModuleTable<string>(LIMITS);
  for (const modid of [1, 2, 1, 3]) modules.markAbsent(modid, 0, 0);
  expect([1, 2, 3].map(modid => modules.isAbsent(modid, 0, 0))).toEqual([true, false, true]);
});

test('modules whose numbers are far apart, or nearly the same, are different modules', () => {
  const modules = new ModuleTable<string>(LIMITS);
  const numbers = [INT32_MIN, -1, 0, 1, 2 ** 20, INT32_MAX];
  const pairs = numbers.flatMap(modid => numbers.map(cmdid => [modid, cmdid] as const));
  for (const [modid, cmdid] of pairs) modules.activate(active(modid, cmdid));
  expect(modules.activeCount).toBe(pairs.length);
  for (const [modid, cmdid] of pairs) expect(modules.findActive(modid, cmdid)).toMatchObject({ modid, cmdid });
});
