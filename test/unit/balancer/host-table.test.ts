import { hostKey } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { HostTable } from '../../../agent/src/balancer/host-table.ts';
import { NEW_CLASSIC_ROW } from '../../../agent/src/balancer/slots.ts';
import { host, hostsUpTo } from './world.ts';

const MODULE_CELLS = [0.5, 7];

class ATable extends HostTable {
  overloaded = -1;

  override isOverloaded(number: number): boolean {
    return number === this.overloaded;
  }

  get moduleCells(): readonly number[] {
    return this.cells.slice(0, MODULE_CELLS.length);
  }

  protected override layout() {
    return { module: MODULE_CELLS, brief: [0, 1], row: NEW_CLASSIC_ROW };
  }

  protected override rowLength(): number {
    return NEW_CLASSIC_ROW.length;
  }
}

function tableOf(...hosts: ReturnType<typeof host>[]): ATable {
  const table = new ATable();
  table.sync(hosts);
  return table;
}

const ports = (table: ATable) => Array.from(table.views(), view => view.host.port);

function takeCounts(table: ATable): unknown[] {
  const taken: unknown[] = [];
  table.takeCounts((info, overloaded, counts) => taken.push([info.port, overloaded, counts]));
  return taken;
}

describe('HostTable', () => {
  test('hosts that stay keep their order, new ones come behind them in the order of the list, and sync tells where each was', () => {
    const table = new ATable();
    expect(table.sync([host(2), host(1), host(2)])).toEqual([undefined, undefined]);
    expect(ports(table)).toEqual([2, 1]);
    expect(table.sync([host(3), host(4), host(1)])).toEqual([1, undefined, undefined]);
    expect([ports(table), table.size]).toEqual([[1, 3, 4], 3]);
    expect(table.find(hostKey(host(2)))).toBeUndefined();
    expect(table.sync([])).toEqual([]);
    expect(ports(table)).toEqual([]);
  });

  test('a host that stays keeps what is remembered of it, and takes over the new HostInfo; what is known of the module stays', () => {
    const table = tableOf(host(1), host(2), host(3));
    table.countCall(1, true, 5);
    table.countPick(1, 0);
    table.remember(1, { host: host(2), to: 'overloaded', cause: 'error-rate', numbers: {} }, 10);
    const moved = host(2, { weight: 3 });
    table.sync([host(4), moved]);
    expect(table.at(0)).toBe(moved);
    expect([table.recentPicks(0, 0), table.recentPicks(1, 0)]).toEqual([1, 0]);
    expect(table.explain(() => ({ state: '', numbers: {} }), 30).map(({ last }) => last?.agoMs)).toEqual([20, undefined]);
    expect(takeCounts(table)).toEqual([[2, false, { succ: 1, err: 0, tcostMs: 5, probes: 0 }]]);
    expect(table.moduleCells).toEqual(MODULE_CELLS);
  });

  test.each([1, 16, 17, 40])('each of %i hosts is found by its key, and no other', count => {
    const table = tableOf(...hostsUpTo(count));
    expect(hostsUpTo(count).map(info => table.find(hostKey(info)))).toEqual(hostsUpTo(count).map((_, number) => number));
    expect(table.find(hostKey(host(count + 1)))).toBeUndefined();
    table.sync(hostsUpTo(count).slice(1));
    expect([table.find(hostKey(host(1))), table.size]).toEqual([undefined, count - 1]);
  });

  test('takeCounts leaves out hosts without any call or probe, and tells the side', () => {
    const table = tableOf(...hostsUpTo(3));
    table.countCall(0, false, undefined);
    table.countCall(0, true, 12);
    table.overloaded = 1;
    table.countProbe(1);
    expect(takeCounts(table)).toEqual([
      [1, false, { succ: 1, err: 1, tcostMs: 12, probes: 0 }],
      [2, true, { succ: 0, err: 0, tcostMs: 0, probes: 1 }],
    ]);
    expect(takeCounts(table)).toEqual([]);
  });

  test('what is counted while counts are handed out is there the next time', () => {
    const table = tableOf(host(1));
    table.countCall(0, true, undefined);
    table.takeCounts(() => table.countCall(0, false, 7));
    expect(takeCounts(table)).toEqual([[1, false, { succ: 0, err: 1, tcostMs: 7, probes: 0 }]]);
  });

  test('a share is one of the picks of all', () => {
    const table = tableOf(...hostsUpTo(3));
    for (const number of [0, 0, 0, 2]) table.countPick(number, 0);
    const shares = () => table.explain(() => ({ state: '', numbers: {} }), 0).map(({ share }) => share);
    expect(shares()).toEqual([0.75, 0, 0.25]);
    expect(tableOf(host(1)).explain(() => ({ state: '', numbers: {} }), 0)[0]?.share).toBe(0);
  });
});
