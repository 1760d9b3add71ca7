import { hostKey } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { COMMON_SLOTS, HostSlots } from '../../../agent/src/balancer/host-slots.ts';
import { HostTable } from '../../../agent/src/balancer/host-table.ts';
import { explain, PastChanges, takeCounts, viewsOf } from '../../../agent/src/balancer/host-views.ts';
import { host, hostsUpTo } from './world.ts';

const MODULE_SLOTS = [0.5, 7];

/** What every algorithm keeps of its hosts, together. */
class Hosts {
  readonly table = new HostTable();
  readonly slots = new HostSlots({ module: MODULE_SLOTS, pick: [0, 1], row: [...COMMON_SLOTS, Number.NEGATIVE_INFINITY] });
  readonly changes = new PastChanges();
  out = -1;

  constructor(...hosts: ReturnType<typeof host>[]) {
    this.sync(hosts);
  }

  sync(hosts: readonly ReturnType<typeof host>[]): readonly (number | undefined)[] {
    const before = this.table.sync(hosts);
    this.slots.move(before);
    this.changes.move(before);
    return before;
  }

  get ports(): number[] {
    return Array.from(
      viewsOf(this.table, () => false),
      view => view.host.port,
    );
  }

  takeCounts(): unknown[] {
    const taken: unknown[] = [];
    takeCounts(
      this.table,
      this.slots,
      number => number === this.out,
      (info, out, counts) => taken.push([info.port, out, counts]),
    );
    return taken;
  }

  explain(nowMs: number) {
    return explain(this.table, this.slots, this.changes, () => ({ state: '', numbers: {} }), nowMs);
  }
}

describe('HostTable', () => {
  test('hosts that stay keep their order, new ones come behind them in the order of the list, and sync tells where each was', () => {
    const hosts = new Hosts();
    expect(hosts.sync([host(2), host(1), host(2)])).toEqual([undefined, undefined]);
    expect(hosts.ports).toEqual([2, 1]);
    expect(hosts.sync([host(3), host(4), host(1)])).toEqual([1, undefined, undefined]);
    expect([hosts.ports, hosts.table.size]).toEqual([[1, 3, 4], 3]);
    expect(hosts.table.find(hostKey(host(2)))).toBeUndefined();
    expect(hosts.sync([])).toEqual([]);
    expect(hosts.ports).toEqual([]);
  });

  test('a host that stays keeps what is remembered of it, and takes over the new HostInfo; what is known of the module stays', () => {
    const hosts = new Hosts(host(1), host(2), host(3));
    hosts.slots.countCall(1, true, 5);
    hosts.slots.countPick(1, 0);
    hosts.changes.remember(1, 3, { host: host(2), to: 'ejected', cause: 'error-rate', numbers: {} }, 10);
    const moved = host(2, { weight: 3 });
    hosts.sync([host(4), moved]);
    expect(hosts.table.at(0)).toBe(moved);
    expect([hosts.slots.recentPicks(0, 0), hosts.slots.recentPicks(1, 0)]).toEqual([1, 0]);
    expect(hosts.explain(30).map(({ last }) => last?.agoMs)).toEqual([20, undefined]);
    expect(hosts.takeCounts()).toEqual([[2, false, { succ: 1, err: 0, tcostMs: 5, probes: 0 }]]);
    expect(hosts.slots.values.slice(0, MODULE_SLOTS.length)).toEqual(MODULE_SLOTS);
  });

  test.each([1, 16, 17, 40])('each of %i hosts is found by its key, and no other', count => {
    const hosts = new Hosts(...hostsUpTo(count));
    expect(hostsUpTo(count).map(info => hosts.table.find(hostKey(info)))).toEqual(hostsUpTo(count).map((_, number) => number));
    expect(hosts.table.find(hostKey(host(count + 1)))).toBeUndefined();
    hosts.sync(hostsUpTo(count).slice(1));
    expect([hosts.table.find(hostKey(host(1))), hosts.table.size]).toEqual([undefined, count - 1]);
  });

  test('the IPv4 hosts of a pool are found once, and those of the last few pools alone are remembered', () => {
    const { table } = new Hosts(host(1), host(2, { ip: 0, addr: 'db.example' }), host(3));
    const pools = Array.from({ length: 20 }, () => [0, 1, 2]);
    const first = table.ipv4Of(pools[0] as number[]);
    expect(first).toEqual([0, 2]);
    expect(table.ipv4Of(pools[0] as number[])).toBe(first);
    for (const pool of pools) expect(table.ipv4Of(pool)).toEqual([0, 2]);
    expect(table.ipv4Of(pools[0] as number[])).not.toBe(first);
  });

  test('takeCounts leaves out hosts without any call or probe, and tells the side', () => {
    const hosts = new Hosts(...hostsUpTo(3));
    hosts.slots.countCall(0, false, undefined);
    hosts.slots.countCall(0, true, 12);
    hosts.out = 1;
    hosts.slots.countProbe(1);
    expect(hosts.takeCounts()).toEqual([
      [1, false, { succ: 1, err: 1, tcostMs: 12, probes: 0 }],
      [2, true, { succ: 0, err: 0, tcostMs: 0, probes: 1 }],
    ]);
    expect(hosts.takeCounts()).toEqual([]);
  });

  test('what is counted while counts are handed out is there the next time', () => {
    const hosts = new Hosts(host(1));
    hosts.slots.countCall(0, true, undefined);
    takeCounts(
      hosts.table,
      hosts.slots,
      () => false,
      () => hosts.slots.countCall(0, false, 7),
    );
    expect(hosts.takeCounts()).toEqual([[1, false, { succ: 0, err: 1, tcostMs: 7, probes: 0 }]]);
  });

  test('a share is one of the picks of all', () => {
    const hosts = new Hosts(...hostsUpTo(3));
    for (const number of [0, 0, 0, 2]) hosts.slots.countPick(number, 0);
    const shares = () => hosts.explain(0).map(({ share }) => share);
    expect(shares()).toEqual([0.75, 0, 0.25]);
    expect(new Hosts(host(1)).explain(0)[0]?.share).toBe(0);
  });
});
