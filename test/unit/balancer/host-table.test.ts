import { hostKey } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { UNCALLED } from '../../../agent/src/balancer/host-cells.ts';
import { HostTable, TrackedHost } from '../../../agent/src/balancer/host-table.ts';
import { host, hostsUpTo } from './world.ts';

class AHost extends TrackedHost {
  override overloaded = false;
  override last = undefined;

  constructor(info: ReturnType<typeof host>) {
    super(info, UNCALLED);
  }

  protected override ownCells(): number[] {
    if (this.cells === UNCALLED) this.cells = UNCALLED.slice();
    return this.cells as number[];
  }
}

const create = (info: ReturnType<typeof host>) => new AHost(info);
const ports = (tracked: readonly TrackedHost[]) => tracked.map(one => one.host.port);

describe('HostTable', () => {
  test('sync tells which hosts are new, in the order of the list, and which are gone', () => {
    const table = new HostTable<TrackedHost>();
    expect(ports(table.sync([host(2), host(1), host(2)], create).added)).toEqual([2, 1]);
    const { added, removed } = table.sync([host(3), host(1)], create);
    expect([ports(added), ports(removed), table.size]).toEqual([[3], [2], 2]);
    expect(table.get(hostKey(host(2)))).toBeUndefined();
    expect(ports(table.sync([], create).removed).sort()).toEqual([1, 3]);
  });

  test('a host that stays keeps its object and takes over the new HostInfo', () => {
    const table = new HostTable<TrackedHost>();
    const [first] = table.sync([host(1)], create).added;
    const moved = host(1, { weight: 3 });
    expect(table.sync([moved, host(1)], create)).toEqual({ added: [], removed: [] });
    expect(table.get(hostKey(moved))).toBe(first);
    expect(first?.host).toBe(moved);
  });

  test('as many new hosts as gone ones are all noticed', () => {
    const table = new HostTable<TrackedHost>();
    table.sync(hostsUpTo(2), create);
    const { added, removed } = table.sync([host(2), host(3)], create);
    expect([ports(added), ports(removed)]).toEqual([[3], [1]]);
  });

  test('takeCounts leaves out hosts without any call or probe, and tells the side', () => {
    const table = new HostTable<TrackedHost>();
    const [called, probed] = table.sync(hostsUpTo(3), create).added;
    called?.countCall(false, undefined);
    called?.countCall(true, 12);
    if (probed !== undefined) {
      probed.overloaded = true;
      probed.countProbe();
    }
    const taken: unknown[] = [];
    const take = () => table.takeCounts((info, overloaded, counts) => taken.push([info.port, overloaded, counts]));
    take();
    take();
    expect(taken).toEqual([
      [1, false, { succ: 1, err: 1, tcostMs: 12, probes: 0 }],
      [2, true, { succ: 0, err: 0, tcostMs: 0, probes: 1 }],
    ]);
  });

  test('what is counted while counts are handed out is there the next time', () => {
    const table = new HostTable<TrackedHost>();
    const [tracked] = table.sync([host(1)], create).added;
    tracked?.countCall(true, undefined);
    table.takeCounts(() => tracked?.countCall(false, 7));
    const taken: unknown[] = [];
    table.takeCounts((_info, _overloaded, counts) => taken.push(counts));
    expect(taken).toEqual([{ succ: 0, err: 1, tcostMs: 7, probes: 0 }]);
  });
});
