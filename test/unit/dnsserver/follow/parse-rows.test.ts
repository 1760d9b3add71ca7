import { formatHost, routeKey } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { MAX_NAMED_ROWS, RowCollector } from '../../../../dnsserver/src/follow/parse-rows.ts';
import { RouteTable, sameHosts } from '../../../../dnsserver/src/follow/route-table.ts';
import type { RouteRow } from '../../../../dnsserver/src/store/route-store.ts';
import { hostInfo, hostInfos } from '../../../support/agent-messages.ts';

function row(id: number, columns: Partial<RouteRow> = {}): RouteRow {
  return { id, modid: 1, cmdid: 2, serverip: 0x0a000001, serverport: id, weight: 0, addr: '', zone: '', drain: 0, ...columns };
}

describe('rows are gathered into routes', () => {
  test('by module, in the order in which they are given', () => {
    const collector = new RowCollector();
    for (const each of [row(3), row(1, { modid: 4294967295 }), row(9), row(5)]) collector.add(each);
    const { routes } = collector.collected();
    expect(routes.size).toBe(2);
    expect(routes.get(routeKey(1, 2))?.hosts.map(host => host.port)).toEqual([3, 9, 5]);
    expect(routes.get(routeKey(-1, 2))).toMatchObject({ modid: -1, cmdid: 2 });
  });

  test.each([2, 16, 17, 18, 100])('of rows that name the same host the first counts, also as number %d', count => {
    const collector = new RowCollector();
    for (let id = 1; id <= count; id += 1) collector.add(row(id));
    for (let id = 1; id <= count; id += 1) collector.add(row(1_000 + id, { serverport: id, weight: 5 }));
    const { routes, duplicateRows } = collector.collected();
    expect(routes.get(routeKey(1, 2))?.hosts).toEqual(hostInfos(count));
    expect(duplicateRows).toBe(count);
  });

  test('one name with two ports is two hosts', () => {
    const collector = new RowCollector();
    collector.add(row(1, { serverip: 0, addr: 'a.example' }));
    collector.add(row(2, { serverip: 0, addr: 'a.example' }));
    collector.add(row(2, { serverip: 0, addr: 'A.example' }));
    const { routes, duplicateRows } = collector.collected();
    expect(routes.get(routeKey(1, 2))?.hosts.map(formatHost)).toEqual(['a.example:1', 'a.example:2']);
    expect(duplicateRows).toBe(1);
  });

  test('invalid rows are counted, the first of them named, the others served', () => {
    const collector = new RowCollector();
    for (let id = 1; id <= 50; id += 1) collector.add(row(id, id % 2 === 0 ? {} : { serverip: 0 }));
    const { routes, skippedRows, namedRows } = collector.collected();
    expect(routes.get(routeKey(1, 2))?.hosts).toHaveLength(25);
    expect(skippedRows).toBe(25);
    expect(namedRows).toHaveLength(MAX_NAMED_ROWS);
    expect(namedRows[1]).toEqual({ id: 3, reason: 'serverip is 0 and addr is empty' });
  });
});

describe('routes are the same', () => {
  const [a, b] = [hostInfo(1), hostInfo(2)];

  test.each([
    ['in the same order', [a, b], [a, b], true],
    ['in another order', [a, b], [b, a], true],
    ['without hosts', [], [], true],
    ['but for one host', [a, b], [a], false],
    ['but for which host', [a], [b], false],
    ['but for a weight', [a, b], [b, { ...a, weight: 1 }], false],
    ['but for a zone', [a], [{ ...a, zone: 'eu' }], false],
    ['but for a drain mark', [a, b], [b, { ...a, drain: true }], false],
    ['but for a name', [hostInfo(1, { ip: 0, addr: 'a' })], [hostInfo(1, { ip: 0, addr: 'b' })], false],
  ])('%s', (_, some, others, same) => {
    expect(sameHosts(some, others)).toBe(same);
    expect(sameHosts(others, some)).toBe(same);
  });
});

test('a table counts its modules and hosts through creation, change and removal', () => {
  const table = new RouteTable();
  const route = (modid: number, hosts: number) => ({ modid, cmdid: 1, hosts: hostInfos(hosts), version: 1, local: false });
  const counts = () => [table.moduleCount, table.hostCount];
  table.applyDiff([route(1, 3), route(2, 2)]);
  expect(counts()).toEqual([2, 5]);
  table.applyDiff([route(1, 1), route(3, 4)]);
  expect(counts()).toEqual([3, 7]);
  table.applyDiff([route(2, 0), route(9, 0)]);
  expect(counts()).toEqual([2, 5]);
  expect(table.get(routeKey(2, 1))).toBeUndefined();
});
