import { type RouteKey, routeKey } from '@lars/proto';
import { beforeEach, describe, expect, test } from 'vitest';
import type { DatabaseChanges } from '../../../../dnsserver/src/follow/find-changes.ts';
import { guardChanges, type KeptRoutes } from '../../../../dnsserver/src/follow/removal-guard.ts';
import { type RouteContent, RouteTable, withVersion } from '../../../../dnsserver/src/follow/route-table.ts';
import { hostInfos } from '../../../support/agent-messages.ts';

const noPause = async () => {};
const LIMITS = { acceptEmpty: false, sharePercent: 50, atLeast: 4 };

/** Module n/0 with so many hosts. */
function module(n: number, hosts: number): RouteContent {
  return { modid: n, cmdid: 0, hosts: hostInfos(hosts) };
}

/** Modules 1/0, 2/0, … with so many hosts each. */
function tableOf(hosts: readonly number[]): RouteTable {
  const table = new RouteTable();
  table.applyDiff(hosts.map((count, at) => withVersion(module(at + 1, count), 10)));
  return table;
}

interface Found {
  /** What the table has of the changed modules: their number, and how many hosts. */
  readonly now: Readonly<Record<number, number>>;
  readonly modules: number;
  readonly announces?: readonly number[];
  readonly cleared?: boolean;
}

function found({ now, modules, announces = [], cleared = false }: Found): DatabaseChanges {
  const different = Object.entries(now).map(([n, hosts]) => module(Number(n), hosts));
  const present = different.filter(({ hosts }) => hosts.length > 0).map(route => [routeKey(route.modid, 0), route] as const);
  return {
    revision: 0,
    journal: { firstEdit: 0, lastEdit: 0, lastChange: 0 },
    fullReload: false,
    isOtherDatabase: false,
    different,
    announced: new Map<RouteKey, number>(announces.map(n => [routeKey(n, 0), 11])),
    cleared,
    moduleCount: modules,
    loaded: { routes: new Map(present), skippedRows: 0, namedRows: [], duplicateRows: 0 },
  };
}

async function guard(known: RouteTable, changes: Found, kept?: KeptRoutes, limits = LIMITS) {
  const guarded = await guardChanges(found(changes), known, kept, limits, 1_000, noPause);
  return {
    applied: guarded.different.map(({ modid, hosts }) => [modid, hosts.length]),
    kept: [...(guarded.kept?.modules.values() ?? [])].map(({ modid, hosts }) => [modid, hosts.length]),
    state: guarded.kept,
  };
}

describe('what vanishes at once and nobody announced', () => {
  test.each<[string, readonly number[], Found, readonly number[]]>([
    ['all modules of a small table', [1, 1], { now: { 1: 0, 2: 0 }, modules: 0 }, [1, 2]],
    ['all modules, one of them announced', [1, 1], { now: { 1: 0, 2: 0 }, modules: 0, announces: [1] }, [1, 2]],
    ['three of five modules', [1, 1, 1, 1, 1], { now: { 1: 0, 2: 0, 3: 0 }, modules: 2 }, [1, 2, 3]],
    ['three of four hosts', [4, 1], { now: { 1: 1 }, modules: 2 }, [1]],
    ['a module of four hosts', [4, 1], { now: { 1: 0 }, modules: 1 }, [1]],
  ])('is kept: %s', async (_, hosts, changes, kept) => {
    const { applied, kept: modules, state } = await guard(tableOf(hosts), changes);
    expect(modules.map(([n]) => n)).toEqual(kept);
    expect(applied).toEqual([]);
    expect(state).toMatchObject({ sinceMs: 1_000, total: kept.length, returned: 0 });
  });

  test.each<[string, readonly number[], Found]>([
    ['half of the modules', [1, 1, 1, 1], { now: { 1: 0, 2: 0 }, modules: 2 }],
    ['half of the hosts', [4], { now: { 1: 2 }, modules: 1 }],
    ['most hosts of a small module', [3, 1], { now: { 1: 1 }, modules: 2 }],
    ['most modules of a small table', [1, 1, 1], { now: { 1: 0, 2: 0 }, modules: 1 }],
    ['what was announced', [4, 4, 4, 4], { now: { 1: 0, 2: 0, 3: 1 }, modules: 2, announces: [1, 2, 3] }],
    ['an empty table of which every module was announced', [1, 1], { now: { 1: 0, 2: 0 }, modules: 0, announces: [1, 2] }],
    ['what was confirmed', [4, 4], { now: { 1: 0, 2: 0 }, modules: 0, cleared: true }],
  ])('is applied: %s', async (_, hosts, changes) => {
    const { applied, state } = await guard(tableOf(hosts), changes);
    expect(applied).toEqual(Object.entries(changes.now).map(([n, count]) => [Number(n), count]));
    expect(state).toBeUndefined();
  });

  test('is applied when the conf says so', async () => {
    const emptied = { now: { 1: 0, 2: 0 }, modules: 0 };
    expect((await guard(tableOf([1, 1]), emptied, undefined, { ...LIMITS, acceptEmpty: true })).state).toBeUndefined();
    const shrunk = { now: { 1: 1 }, modules: 1 };
    expect((await guard(tableOf([9]), shrunk, undefined, { ...LIMITS, sharePercent: 100 })).state).toBeUndefined();
  });

  test('and is changed otherwise, is served with its new hosts and the kept ones', async () => {
    const known = tableOf([6]);
    const other = { ...(hostInfos(1)[0] as RouteContent['hosts'][number]), port: 4_242 };
    const changes = found({ now: { 1: 1 }, modules: 1 });
    const route = { modid: 1, cmdid: 0, hosts: [other] };
    const { different, kept } = await guardChanges({ ...changes, different: [route] }, known, undefined, LIMITS, 0, noPause);
    expect(different).toEqual([{ modid: 1, cmdid: 0, hosts: [other, ...hostInfos(6)] }]);
    expect(kept?.modules.get(routeKey(1, 0))?.hosts).toEqual(hostInfos(6));
  });
});

describe('what is kept', () => {
  const known = tableOf([1, 1, 1, 1, 4]);
  const gone = { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 };
  let kept: KeptRoutes | undefined;
  beforeEach(async () => {
    kept = (await guard(known, { now: gone, modules: 0 })).state;
  });

  test('stays when one module comes back, and when other modules come', async () => {
    const one = await guard(known, { now: { 2: 0, 3: 0, 4: 0, 5: 0 }, modules: 1, announces: [1] }, kept);
    expect(one.kept.map(([n]) => n)).toContain(2);
    const back = await guardChanges(
      { ...found({ now: { ...gone, 1: 1 }, modules: 1 }), different: [module(2, 0), module(3, 0), module(4, 0), module(5, 0)] },
      known,
      kept,
      LIMITS,
      0,
      noPause,
    );
    expect(back.different).toEqual([]);
    expect(back.kept).toMatchObject({ total: 5, returned: 1 });
    const others = await guard(known, { now: { ...gone, 9: 1 }, modules: 1 }, kept);
    expect(others.applied).toEqual([[9, 1]]);
    expect(others.state).toBe(kept);
  });

  test('goes when half of its modules are back, each with half of its hosts', async () => {
    const partly = await guard(known, { now: { ...gone, 1: 1, 5: 1 }, modules: 2 }, kept);
    expect(partly.state).toMatchObject({ returned: 1 });
    const { applied, state } = await guard(known, { now: { ...gone, 1: 1, 2: 1, 5: 2 }, modules: 3 }, kept);
    expect(state).toBeUndefined();
    expect(applied).toContainEqual([3, 0]);
  });

  test('goes when it is confirmed, and module by module when its owner announces that it is gone', async () => {
    expect((await guard(known, { now: gone, modules: 0, cleared: true }, kept)).state).toBeUndefined();
    const { applied, kept: modules, state } = await guard(known, { now: gone, modules: 0, announces: [2] }, kept);
    expect(applied).toEqual([[2, 0]]);
    expect(modules.map(([n]) => n)).toEqual([1, 3, 4, 5]);
    expect(state).toMatchObject({ total: 4, sinceMs: 1_000 });
  });

  test('is more when more vanishes, and since the first time', async () => {
    const table = tableOf([8, 8, 1]);
    const first = (await guard(table, { now: { 1: 1 }, modules: 3 })).state;
    const second = await guardChanges(found({ now: { 1: 1, 2: 0 }, modules: 2 }), table, first, LIMITS, 5_000, noPause);
    expect(second.kept).toMatchObject({ sinceMs: 1_000, total: 2 });
    expect(second.different).toEqual([]);
  });
});
