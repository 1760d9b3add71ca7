import { type RouteKey, routeKey } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import type { Findings } from '../../../dnsserver/src/follow/find-changes.ts';
import { judgeFindings, withVersion } from '../../../dnsserver/src/follow/plan-update.ts';
import type { RouteContent } from '../../../dnsserver/src/follow/route.ts';
import { RouteTable } from '../../../dnsserver/src/follow/route-table.ts';
import { hostInfos } from '../../support/agent-messages.ts';

/** Module n/0 with so many hosts. */
function module(n: number, hosts: number): RouteContent {
  return { modid: n, cmdid: 0, hosts: hostInfos(hosts) };
}

/** A table that holds modules n/0 with one host, each at its version. */
function holding(versions: Readonly<Record<number, number>>): RouteTable {
  const table = new RouteTable();
  table.apply(Object.entries(versions).map(([n, version]) => withVersion(module(Number(n), 1), version)));
  return table;
}

function found(findings: Partial<Findings> & { announces?: Readonly<Record<number, number>> }): Findings {
  const announced = new Map<RouteKey, number>();
  for (const [n, version] of Object.entries(findings.announces ?? {})) announced.set(routeKey(Number(n), 0), version);
  return {
    revision: 0,
    journal: { firstEdit: 0, lastEdit: 0, lastChange: 0 },
    full: false,
    foreign: false,
    different: [],
    announced,
    cleared: false,
    moduleCount: 1,
    loaded: { routes: new Map(), skippedRows: 0, namedRows: [], duplicateRows: 0 },
    ...findings,
  };
}

function plan(held: RouteTable, findings: Findings, removedVersion = 0) {
  const verdict = judgeFindings(findings, held, removedVersion, false);
  if (verdict.kind === 'hold') throw new Error('held');
  return {
    announced: verdict.plan.announced.map(route => [route.modid, route.version]),
    unannounced: verdict.plan.unannounced.map(route => route.modid),
    raised: verdict.plan.raised.map(route => [route.modid, route.version]),
  };
}

describe('the version of a changed route', () => {
  test('is the one that it was announced with', () => {
    const findings = found({ different: [module(1, 2), module(2, 0), module(3, 1)], announces: { 1: 11, 2: 12, 3: 13 } });
    expect(plan(holding({ 1: 10, 2: 10 }), findings)).toEqual({
      announced: [
        [1, 11],
        [2, 12],
        [3, 13],
      ],
      unannounced: [],
      raised: [],
    });
  });

  test.each([
    ['it was not announced', {}],
    ['it was announced with what is held: two changes within a second of the deployed admin page', { 1: 10 }],
    ['it was announced with less: the revision was set back', { 1: 9 }],
    ['it was announced with no number', { 1: 0 }],
    ['another one was announced', { 2: 11 }],
  ])('must be a new one when %s', (_, announces) => {
    const findings = found({ different: [module(1, 2)], announces });
    expect(plan(holding({ 1: 10 }), findings)).toMatchObject({ announced: [], unannounced: [1] });
  });

  test('of a module that comes back is higher than that of its removal', () => {
    const findings = found({ different: [module(1, 1)], announces: { 1: 30 } });
    expect(plan(holding({ 9: 1 }), findings, 30).unannounced).toEqual([1]);
    expect(plan(holding({ 9: 1 }), findings, 29).announced).toEqual([[1, 30]]);
  });

  test('follows an announcement of the same hosts upwards only', () => {
    const findings = found({ announces: { 1: 12, 2: 10, 3: 9, 4: 99 } });
    expect(plan(holding({ 1: 10, 2: 10, 3: 10 }), findings)).toEqual({ announced: [], unannounced: [], raised: [[1, 12]] });
  });
});

describe('a table that reads empty', () => {
  const held = holding({ 1: 10, 2: 10 });
  const gone = [module(1, 0), module(2, 0)];

  test.each<[string, Partial<Findings> & { announces?: Record<number, number> }, 'hold' | 'take']>([
    ['nobody announced it', {}, 'hold'],
    ['one of two modules was announced', { announces: { 1: 11 } }, 'hold'],
    ['other modules were announced', { announces: { 3: 11, 4: 11 } }, 'hold'],
    ['all modules were announced, in whatever way', { announces: { 1: 11, 2: 0 } }, 'take'],
    ['it was cleared', { cleared: true }, 'take'],
  ])('when %s: %j', (_, findings, kind) => {
    expect(judgeFindings(found({ different: gone, moduleCount: 0, ...findings }), held, 0, false).kind).toBe(kind);
  });

  test('is believed when the conf says so, and when nothing is held', () => {
    const findings = found({ different: gone, moduleCount: 0 });
    expect(judgeFindings(findings, held, 0, true).kind).toBe('take');
    expect(judgeFindings(found({ moduleCount: 0 }), new RouteTable(), 0, false).kind).toBe('take');
  });

  test('is not empty when one module is left', () => {
    expect(judgeFindings(found({ different: gone.slice(1), moduleCount: 1 }), held, 0, false).kind).toBe('take');
  });
});
