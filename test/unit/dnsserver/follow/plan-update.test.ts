import { type RouteKey, routeKey } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import type { DatabaseChanges } from '../../../../dnsserver/src/follow/find-changes.ts';
import { planUpdate } from '../../../../dnsserver/src/follow/plan-update.ts';
import { type RouteContent, RouteTable, withVersion } from '../../../../dnsserver/src/follow/route-table.ts';
import { hostInfos } from '../../../support/agent-messages.ts';

/** Module n/0 with so many hosts. */
function module(n: number, hosts: number): RouteContent {
  return { modid: n, cmdid: 0, hosts: hostInfos(hosts) };
}

/** A table that holds modules n/0 with one host, each at its version. */
function tableOf(versions: Readonly<Record<number, number>>): RouteTable {
  const table = new RouteTable();
  table.applyDiff(Object.entries(versions).map(([n, version]) => withVersion(module(Number(n), 1), version)));
  return table;
}

function found(changes: Partial<DatabaseChanges> & { announces?: Readonly<Record<number, number>> }): DatabaseChanges {
  const announced = new Map<RouteKey, number>();
  for (const [n, version] of Object.entries(changes.announces ?? {})) announced.set(routeKey(Number(n), 0), version);
  return {
    revision: 0,
    journal: { firstEdit: 0, lastEdit: 0, lastChange: 0 },
    fullReload: false,
    isOtherDatabase: false,
    different: [],
    announced,
    cleared: false,
    moduleCount: 1,
    loaded: { routes: new Map(), skippedRows: 0, namedRows: [], duplicateRows: 0 },
    ...changes,
  };
}

async function plan(known: RouteTable, changes: DatabaseChanges, removedVersion = 0) {
  const guarded = { different: changes.different, kept: undefined };
  const update = await planUpdate(changes, known, removedVersion, guarded, () => undefined);
  return {
    versioned: update.versioned.map(route => [route.modid, route.version]),
    unversioned: update.unversioned.map(route => route.modid),
    raised: update.raised.map(route => [route.modid, route.version]),
  };
}

describe('the version of a changed route', () => {
  test('is the one that it was announced with', async () => {
    const changes = found({ different: [module(1, 2), module(2, 0), module(3, 1)], announces: { 1: 11, 2: 12, 3: 13 } });
    expect(await plan(tableOf({ 1: 10, 2: 10 }), changes)).toEqual({
      versioned: [
        [1, 11],
        [2, 12],
        [3, 13],
      ],
      unversioned: [],
      raised: [],
    });
  });

  test.each([
    ['it was not announced', {}],
    ['it was announced with what is held: two changes within a second of the deployed admin page', { 1: 10 }],
    ['it was announced with less: the revision was set back', { 1: 9 }],
    ['it was announced with no number', { 1: 0 }],
    ['another one was announced', { 2: 11 }],
  ])('must be a new one when %s', async (_, announces) => {
    const changes = found({ different: [module(1, 2)], announces });
    expect(await plan(tableOf({ 1: 10 }), changes)).toMatchObject({ versioned: [], unversioned: [1] });
  });

  test('of a module that comes back is higher than that of its removal', async () => {
    const changes = found({ different: [module(1, 1)], announces: { 1: 30 } });
    expect((await plan(tableOf({ 9: 1 }), changes, 30)).unversioned).toEqual([1]);
    expect((await plan(tableOf({ 9: 1 }), changes, 29)).versioned).toEqual([[1, 30]]);
  });

  test('follows an announcement of the same hosts upwards only', async () => {
    const changes = found({ announces: { 1: 12, 2: 10, 3: 9, 4: 99 } });
    expect(await plan(tableOf({ 1: 10, 2: 10, 3: 10 }), changes)).toEqual({ versioned: [], unversioned: [], raised: [[1, 12]] });
  });
});
