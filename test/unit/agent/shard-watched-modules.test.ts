import type { HostInfo } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { MAX_TROUBLED, mergeWatched, type WatchedModules } from '../../../agent/src/shard/module-figures.ts';
import { batchFrame, hostInfo, hostInfos, reportFrame } from '../../support/agent-messages.ts';
import { REPORT_TIMEOUT_MS, ShardWorld } from './shard-world.ts';

/** All modules here are of shard 0. */
function worldOf(modids: readonly number[], hosts: readonly HostInfo[] = hostInfos(2), topModules = 20): ShardWorld {
  const world = new ShardWorld({ topModules });
  for (const modid of modids) world.route(modid, 0, hosts);
  return world;
}

function call(world: ShardWorld, modid: number, port: number, counts: { succ?: number; err?: number; tcost?: number }): void {
  const { ip } = hostInfo(port);
  world.send(0, batchFrame({ modid, results: [{ ip, port, ...counts }] }));
}

function flush(world: ShardWorld): void {
  world.advance(REPORT_TIMEOUT_MS);
  world.flushDue();
}

function watched(world: ShardWorld): WatchedModules {
  const found = world.shardAt(0).watchedModules(world.nowMs);
  if (found === undefined) throw new Error('no modules are watched');
  return structuredClone(found);
}

const modids = (modules: readonly { readonly modid: number }[]) => modules.map(({ modid }) => modid);

describe('the busiest modules', () => {
  test('are shown with their sums since the beginning, the busiest first, no more than asked for', () => {
    const world = worldOf([3, 6, 9], hostInfos(2), 2);
    for (let round = 0; round < 3; round++) {
      call(world, 3, 1, { succ: 10, err: 1, tcost: 110 });
      call(world, 6, 1, { succ: 20 });
      call(world, 6, 2, { succ: 20 });
      call(world, 9, 1, { succ: 5 });
      flush(world);
    }
    const { busiest, troubled } = watched(world);
    expect(busiest).toMatchObject([
      { modid: 6, cmdid: 0, calls: 120, errors: 0, durationMs: 0, healthyHosts: 2, ejectedHosts: 0, isShedding: false },
      { modid: 3, cmdid: 0, calls: 33, errors: 3, durationMs: 330, drainingHosts: 0 },
    ]);
    expect(troubled).toEqual([]);
  });

  test('are those of late: one that was busy yesterday makes room, and its sums go on when it is busy again', () => {
    const world = worldOf([3, 6], hostInfos(1), 1);
    call(world, 3, 1, { succ: 1_000 });
    flush(world);
    expect(modids(watched(world).busiest)).toEqual([3]);
    world.advance(600_000);
    call(world, 6, 1, { succ: 10 });
    flush(world);
    expect(modids(watched(world).busiest)).toEqual([6]);
    call(world, 3, 1, { succ: 500 });
    flush(world);
    expect(watched(world).busiest).toMatchObject([{ modid: 3, calls: 1_500 }]);
  });

  test('count what was reported of a host that left the route, and begin anew when the module was away', () => {
    const world = worldOf([3]);
    call(world, 3, 2, { succ: 7 });
    world.route(3, 0, hostInfos(1));
    expect(watched(world).busiest).toMatchObject([{ calls: 7, healthyHosts: 1 }]);
    world.route(3, 0, []);
    expect(watched(world).busiest).toEqual([]);
    world.route(3, 0, hostInfos(1));
    call(world, 3, 1, { succ: 1 });
    flush(world);
    expect(watched(world).busiest).toMatchObject([{ calls: 1 }]);
  });

  test('are not counted at all where none are to be shown', () => {
    const world = worldOf([3], hostInfos(1), 0);
    call(world, 3, 1, { succ: 7 });
    flush(world);
    expect(world.reports).toHaveLength(1);
    expect(world.shardAt(0).watchedModules(world.nowMs)).toBeUndefined();
  });
});

describe('the modules in trouble', () => {
  test.each([
    { algorithm: 'classic', newBalancer: classicBalancer(CLASSIC_DEFAULTS) },
    { algorithm: 'adaptive', newBalancer: adaptiveBalancer(ADAPTIVE_DEFAULTS) },
  ])('have an ejected host since it was ejected, with $algorithm', ({ newBalancer }) => {
    const world = new ShardWorld({ newBalancer });
    world.route(3, 0, [...hostInfos(3), hostInfo(4, { drain: true })]);
    for (let i = 0; i < 100; i++) {
      world.advance(1);
      for (const port of [1, 2, 3])
        world.send(0, reportFrame({ modid: 3, host: hostInfo(port), retcode: port === 2 ? 1 : 0, tcost: 1 }));
    }
    world.advance(5_000);
    const { troubled, ejectedHosts } = watched(world);
    expect(troubled).toMatchObject([{ modid: 3, healthyHosts: 2, ejectedHosts: 1, drainingHosts: 1 }]);
    expect(ejectedHosts).toEqual([{ modid: 3, cmdid: 0, host: '10.0.0.1:2', forMs: expect.any(Number) }]);
    expect(ejectedHosts[0]?.forMs).toBeGreaterThanOrEqual(5_000);
    expect(ejectedHosts[0]?.forMs).toBeLessThan(5_100);
  });

  test('have ejected hosts, which are named with how long that has lasted', () => {
    const hosts = [...hostInfos(2), hostInfo(3, { drain: true })];
    const world = worldOf([3, 6], hosts, 1);
    call(world, 6, 1, { succ: 100 });
    for (let i = 0; i < 20; i++) world.send(0, reportFrame({ modid: 3, host: hostInfo(2), retcode: 1 }));
    world.advance(5_000);
    const { troubled, ejectedHosts } = watched(world);
    expect(troubled).toMatchObject([{ modid: 3, healthyHosts: 1, ejectedHosts: 1, drainingHosts: 1 }]);
    expect(ejectedHosts).toEqual([{ modid: 3, cmdid: 0, host: '10.0.0.1:2', forMs: 5_000 }]);
    world.route(3, 0, [hostInfo(1)]);
    world.advance(600_000);
    expect(watched(world)).toMatchObject({ troubled: [], ejectedHosts: [] });
  });

  test('err: more than a tenth of their recent calls failed, and these were not few', () => {
    const world = worldOf([3, 6, 9], hostInfos(200));
    // No host errs so much that it is ejected.
    for (let port = 1; port <= 200; port++) call(world, 3, port, port <= 25 ? { err: 1 } : { succ: 1 });
    for (let port = 1; port <= 200; port++) call(world, 6, port, port <= 15 ? { err: 1 } : { succ: 1 });
    call(world, 9, 1, { err: 2 });
    flush(world);
    expect(modids(watched(world).troubled)).toEqual([3]);
    world.advance(600_000);
    expect(watched(world).troubled).toEqual([]);
  });

  test('refuse calls because work waits at their hosts', () => {
    const world = new ShardWorld({ newBalancer: adaptiveBalancer(ADAPTIVE_DEFAULTS) });
    world.route(3, 0, hostInfos(2));
    const report = (port: number, retcode: number, tcost: number) => {
      world.getHost({ modid: 3 });
      world.send(0, reportFrame({ modid: 3, host: hostInfo(port), retcode, tcost }));
    };
    for (let i = 0; i < 400; i++) {
      world.advance(10);
      report(1 + (i % 2), 0, 10);
    }
    world.advance(1_000);
    for (let i = 0; i < 4; i++) for (const port of [1, 2]) report(port, 0, 900);
    for (let i = 0; i < 3; i++) for (const port of [1, 2]) report(port, 1, 1_000);
    expect(watched(world).troubled).toMatchObject([{ modid: 3, isShedding: true }]);
    expect(world.shardAt(0).gauges.countShedding(world.nowMs)).toBe(1);
    world.advance(60_000);
    expect(watched(world).troubled).toEqual([]);
    expect(world.shardAt(0).gauges.countShedding(world.nowMs)).toBe(0);
  });

  test('are bounded, those first of whose hosts none may be called; so are their hosts', () => {
    const many = Array.from({ length: 3 * MAX_TROUBLED }, (_, i) => 3 * (i + 1));
    const world = worldOf(many);
    for (const modid of many) {
      const ports = modid === 6 ? [1, 2] : [1];
      for (const port of ports) {
        for (let i = 0; i < 20; i++) world.send(0, reportFrame({ modid, host: hostInfo(port), retcode: 1 }));
      }
      world.advance(1);
    }
    const { troubled, ejectedHosts } = watched(world);
    expect([troubled.length, ejectedHosts.length]).toEqual([MAX_TROUBLED, MAX_TROUBLED]);
    expect(troubled[0]).toMatchObject({ modid: 6, healthyHosts: 0, ejectedHosts: 2 });
    const ages = ejectedHosts.map(({ forMs }) => forMs);
    expect(ages).toEqual(ages.toSorted((a, b) => b - a));
  });
});

test('of several shards the busiest, the worst and the longest ejected are shown', () => {
  const module = (modid: number, recentCalls: number, ejectedHosts = 0) => ({
    ...{ modid, cmdid: 0, calls: 1, errors: 0, durationMs: 0, recentCalls, ejectedHosts },
    ...{ healthyHosts: 1, drainingHosts: 0, isShedding: false },
  });
  const host = (port: number, forMs: number) => ({ modid: 1, cmdid: 0, host: `10.0.0.1:${port}`, forMs });
  const merged = mergeWatched(
    [
      { busiest: [module(1, 10), module(2, 5)], troubled: [module(7, 1, 1)], ejectedHosts: [host(1, 10)] },
      { busiest: [module(3, 7)], troubled: [{ ...module(8, 0, 1), healthyHosts: 0 }], ejectedHosts: [host(2, 20)] },
    ],
    2,
  );
  expect(modids(merged.busiest)).toEqual([1, 3]);
  expect(modids(merged.troubled)).toEqual([8, 7]);
  expect(merged.ejectedHosts.map(({ forMs }) => forMs)).toEqual([20, 10]);
});
