/** Which host of a copy is picked. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HostStats } from '../../../client-sdk/src/cache/host-stats.ts';
import { ModuleStats } from '../../../client-sdk/src/cache/module-stats.ts';
import { pickRecordOf } from '../../../client-sdk/src/cache/pick-record.ts';
import { REFRESH_MS } from '../../../client-sdk/src/cache/refresh.ts';
import { LarsHost } from '../../../client-sdk/src/lars-host.ts';
import { CacheWorld, hostInfo, hostInfos, MODULE } from './cache-world.ts';

/** Calls one after the other; gives how many each host got. */
function shares(world: CacheWorld, calls: number, tookMs: (port: number) => number): Map<number, number> {
  const shares = new Map<number, number>();
  for (let i = 0; i < calls; i++) {
    const host = world.pickHost() as LarsHost;
    shares.set(host.port, (shares.get(host.port) ?? 0) + 1);
    world.report(host, true, tookMs(host.port));
  }
  return shares;
}

describe('among the hosts of a copy', () => {
  test('equal ones get equal shares, however many there are', () => {
    for (const count of [1, 2, 3, 4, 5, 40]) {
      const counts = shares(new CacheWorld().open(hostInfos(count)), 400 * count, () => 10);
      expect(counts.size).toBe(count);
      for (const calls of counts.values()) expect(calls).toBeGreaterThan(300);
    }
  });

  test('equal ones get equal shares also where the others, which are busy, leave them side by side', () => {
    const world = new CacheWorld().open(hostInfos(4));
    shares(world, 100, () => 10);
    const first = [world.pickHost(), world.pickHost(), world.pickHost(), world.pickHost()] as LarsHost[];
    const idle = first.filter(({ port }) => port <= 2);
    for (const host of idle) world.report(host, true, 10);
    const counts = shares(world, 1_000, () => 10);
    expect([...counts.keys()].sort()).toEqual([1, 2]);
    for (const calls of counts.values()) expect(calls).toBeGreaterThan(450);
  });

  test('calls under way count: those that never end do not pile up on one', () => {
    const world = new CacheWorld().open(hostInfos(4));
    const counts = new Map<number, number>();
    for (let i = 0; i < 400; i++) {
      const port = world.pick() as number;
      counts.set(port, (counts.get(port) ?? 0) + 1);
    }
    expect([...counts.values()]).toEqual([100, 100, 100, 100]);
  });

  test('a slow one gets less, and is not forgotten: half a minute without a report, and it is tried again', () => {
    const world = new CacheWorld().open(hostInfos(3));
    const slow = (port: number) => (port === 1 ? 500 : 10);
    shares(world, 100, slow);
    expect(shares(world, 300, slow).get(1) ?? 0).toBeLessThan(3);
    let tries = 0;
    world.advance(100_000, () => {
      if (world.waiting.length > 0) world.answer({ notModified: true, host: [] });
      tries += shares(world, 10, slow).get(1) ?? 0;
    });
    expect(tries).toBeGreaterThanOrEqual(2);
    expect(tries).toBeLessThanOrEqual(6);
  });

  test('a fast failure does not make a host look fast', () => {
    const world = new CacheWorld().open(hostInfos(2));
    shares(world, 100, () => 50);
    for (let i = 0; i < 100; i++) {
      const host = world.pickHost() as LarsHost;
      world.report(host, host.port !== 1, host.port === 1 ? 1 : 50);
    }
    expect(shares(world, 100, () => 50).get(1) ?? 0).toBeLessThan(10);
  });

  test('errors that all share repel from none', () => {
    const world = new CacheWorld().open(hostInfos(4));
    const counts = new Map<number, number>();
    world.advance(10_000, () => {
      if (world.waiting.length > 0) world.answer({ notModified: true, host: [] });
      for (let i = 0; i < 20; i++) {
        const host = world.pickHost() as LarsHost;
        counts.set(host.port, (counts.get(host.port) ?? 0) + 1);
        world.report(host, i % 5 !== 0, 10);
      }
    });
    for (const calls of counts.values()) expect(calls).toBeGreaterThan(200);
  });

  test('weights are shares', () => {
    const world = new CacheWorld().open([hostInfo(1, { weight: 10 }), hostInfo(2, { weight: 30 }), hostInfo(3, { weight: 60 })]);
    const counts = shares(world, 10_000, () => 10);
    expect((counts.get(2) ?? 0) / (counts.get(1) ?? 1)).toBeGreaterThan(2);
    expect((counts.get(3) ?? 0) / (counts.get(1) ?? 1)).toBeGreaterThan(4);
    expect((counts.get(3) ?? 0) / (counts.get(1) ?? 1)).toBeLessThan(9);
  });

  test('weights are shares also in the first moments of a new version, and after the agent has picked', () => {
    const weighed = (n: number) => hostInfo(n, { weight: n === 1 ? 10 : 100 });
    const world = new CacheWorld().open([weighed(1), weighed(2), weighed(3)]);
    const few = () => shares(world, 60, () => 10).get(1) ?? 0;
    shares(world, 2_000, () => 10);
    world.advance(REFRESH_MS);
    world.answer({ host: [weighed(1), weighed(2), weighed(3)], version: 8 });
    expect(few()).toBeLessThan(8);
    for (let i = 0; i < 900; i++) {
      const host = new LarsHost(MODULE.modid, MODULE.cmdid, weighed(1 + (i % 3)));
      world.cache.onAgentPick(host, world.nowMs);
      const stats = pickRecordOf(host)?.stats;
      stats?.owner.observeResult(stats, true, 10);
    }
    expect(few()).toBeLessThan(8);
  });

  test('each host is one object, as long as the route is the same', () => {
    const world = new CacheWorld().open(hostInfos(5));
    expect(new Set(Array.from({ length: 300 }, () => world.pickHost())).size).toBe(5);
  });

  test('whatever is reported, every pick is a host of the copy that does not drain', () => {
    const route = fc.array(fc.record({ weight: fc.nat(100), drain: fc.boolean() }), { minLength: 1, maxLength: 12 });
    const reports = fc.array(fc.record({ ok: fc.boolean(), tcostMs: fc.nat(5_000) }), { maxLength: 200 });
    fc.assert(
      fc.property(route, reports, (details, calls) => {
        const hosts = details.map((detail, i) => hostInfo(i + 1, detail));
        const world = new CacheWorld().open(hosts);
        const callable = new Set(hosts.filter(host => !host.drain).map(host => host.port));
        for (const { ok, tcostMs } of calls) {
          const host = world.pickHost();
          if (host === undefined) expect(callable.size).toBe(0);
          else {
            expect(callable).toContain(host.port);
            world.report(host, ok, tcostMs);
          }
        }
      }),
    );
  });
});

test('a fast failure says nothing about how long an answer takes, and errors that all share cost nothing', () => {
  const moduleStats = new ModuleStats();
  const stats = new HostStats({ ip: 1, port: 1, addr: '' }, { cache: {}, bufferResult: () => {}, observeResult: () => {} });
  for (let i = 0; i < 200; i++) {
    moduleStats.addResult(i % 2 === 0, 50);
    moduleStats.onInterval();
  }
  stats.endCall(true, 50, moduleStats);
  stats.endCall(false, 1, moduleStats);
  expect(stats.priceMs).toBe(50);
  stats.endCall(false, 150, moduleStats);
  expect(stats.priceMs).toBe(60);
});

test('calls in flight are forgotten at the second rotation where the host has answered since the first, and else when they are given up', () => {
  const moduleStats = new ModuleStats();
  const stats = new HostStats({ ip: 1, port: 1, addr: '' }, { cache: {}, bufferResult: () => {}, observeResult: () => {} });
  const inFlightAfterRotation = (isGivenUp = false) => {
    stats.rotateCounts(isGivenUp);
    return stats.inFlight;
  };
  for (let i = 0; i < 3; i++) stats.addCall();
  stats.endCall(true, 10, moduleStats);
  expect([inFlightAfterRotation(), inFlightAfterRotation(), inFlightAfterRotation()]).toEqual([2, 2, 2]);
  stats.addCall();
  stats.endCall(true, 10, moduleStats);
  stats.addCall();
  expect(inFlightAfterRotation()).toBe(2);
  expect([inFlightAfterRotation(true), inFlightAfterRotation(true)]).toEqual([0, 0]);
});
