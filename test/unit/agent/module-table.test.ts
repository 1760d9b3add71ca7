import { INT32_MAX, INT32_MIN } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic.ts';
import { ModuleTable, type ServingModule } from '../../../agent/src/shard/module-table.ts';

const LIMITS = { routeWaitMs: 100, maxHeld: 3, absentTtlMs: 1_000, maxAbsent: 2 };

function serving(modid: number, cmdid = 0): ServingModule {
  const balancer = classicBalancer(CLASSIC_DEFAULTS)({ random: () => 0, onTransition: () => undefined });
  return { modid, cmdid, balancer, version: 0, refreshAtMs: 0, reportAtMs: undefined };
}

/** In how many of its three states the module is. */
function statesOf(table: ModuleTable<string>, modid: number, nowMs: number): number {
  const asking = [...table.allAsking()].some(module => module.modid === modid);
  return Number(asking) + Number(table.serving(modid, 0) !== undefined) + Number(table.isAbsent(modid, 0, nowMs));
}

describe('a module is in one state at a time', () => {
  const table = () => new ModuleTable<string>(LIMITS);

  test('unknown, then asking, then serving', () => {
    const modules = table();
    expect(statesOf(modules, 1, 0)).toBe(0);
    expect(modules.hold(1, 0, 'a', 0)).toEqual({ held: true, ask: true });
    expect(modules.hold(1, 0, 'b', 0)).toEqual({ held: true, ask: false });
    expect(statesOf(modules, 1, 0)).toBe(1);
    expect(modules.serve(serving(1))).toEqual(['a', 'b']);
    expect(modules.serving(1, 0)?.modid).toBe(1);
    expect(statesOf(modules, 1, 0)).toBe(1);
    expect([modules.heldCount, modules.servingCount, modules.absentCount]).toEqual([0, 1, 0]);
  });

  test('asking, then absent, then forgotten', () => {
    const modules = table();
    modules.hold(1, 0, 'a', 0);
    expect(modules.markAbsent(1, 0, 50)).toEqual(['a']);
    expect(statesOf(modules, 1, 50)).toBe(1);
    expect(modules.isAbsent(1, 0, 1_049)).toBe(true);
    expect(modules.isAbsent(1, 0, 1_050)).toBe(false);
    expect(statesOf(modules, 1, 1_050)).toBe(0);
  });

  test('serving, then absent, then serving', () => {
    const modules = table();
    modules.serve(serving(1));
    expect(modules.markAbsent(1, 0, 0)).toEqual([]);
    expect(modules.serving(1, 0)).toBeUndefined();
    expect(modules.serve(serving(1))).toEqual([]);
    expect(modules.isAbsent(1, 0, 0)).toBe(false);
  });
});

test('waits end in the order of their deadlines, none early and none late', () => {
  const modules = new ModuleTable<string>(LIMITS);
  modules.hold(1, 0, 'a', 0);
  modules.hold(2, 0, 'b', 10);
  modules.hold(1, 0, 'c', 99);
  expect(modules.nextDeadlineMs()).toBe(100);
  expect(modules.expire(99)).toEqual([]);
  expect(modules.expire(100)).toMatchObject([{ modid: 1, held: ['a', 'c'] }]);
  expect(modules.nextDeadlineMs()).toBe(110);
  expect(modules.expire(5_000)).toMatchObject([{ modid: 2, held: ['b'] }]);
  expect(modules.nextDeadlineMs()).toBeUndefined();
});

test('what finds no room is asked for once and counts as absent; what is asked for already is not asked again', () => {
  const modules = new ModuleTable<string>(LIMITS);
  for (const request of ['a', 'b', 'c']) modules.hold(1, 0, request, 0);
  expect(modules.hold(1, 0, 'd', 0)).toEqual({ held: false, ask: false });
  expect(modules.isAbsent(1, 0, 0)).toBe(false);
  expect(modules.hold(2, 0, 'e', 0)).toEqual({ held: false, ask: true });
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
  for (const [modid, cmdid] of pairs) modules.serve(serving(modid, cmdid));
  expect(modules.servingCount).toBe(pairs.length);
  for (const [modid, cmdid] of pairs) expect(modules.serving(modid, cmdid)).toMatchObject({ modid, cmdid });
});
