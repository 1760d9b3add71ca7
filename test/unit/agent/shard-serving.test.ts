import { Feature, type HostInfo, INT32_MAX, INT32_MIN, MAX_DATAGRAM_BYTES, ReturnCode } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { decodeGetRoute, getRouteFrame, hostInfo, hostInfos, namedHost, reportFrame } from '../../support/agent-messages.ts';
import { ShardWorld, UPDATE_TIMEOUT_MS } from './shard-world.ts';

const MODULE = { modid: 3, cmdid: 0 };

function fail(world: ShardWorld, port: number, times: number): void {
  for (let i = 0; i < times; i++) world.send(0, reportFrame({ ...MODULE, host: hostInfo(port), retcode: 1 }));
}

function getRoute(world: ShardWorld, request: Parameters<typeof getRouteFrame>[0] = {}) {
  world.send(0, getRouteFrame({ ...MODULE, ...request }));
  const [answer] = world.answers.splice(0);
  return decodeGetRoute(answer?.datagram ?? new Uint8Array());
}

describe('getHost', () => {
  test.each([
    { seq: 0, modid: 0, cmdid: 0 },
    { seq: 1, modid: -1, cmdid: 1 },
    { seq: 2 ** 32 - 1, modid: INT32_MAX, cmdid: INT32_MIN },
    { seq: 2 ** 31, modid: INT32_MIN, cmdid: INT32_MAX },
  ])('copies seq $seq, modid $modid and cmdid $cmdid into every answer', ids => {
    const world = new ShardWorld();
    world.route(ids.modid, ids.cmdid, hostInfos(1));
    expect(world.getHost(ids)).toEqual({ ...ids, retcode: ReturnCode.Success, host: hostInfo(1) });
    world.route(ids.modid, ids.cmdid, []);
    expect(world.getHost(ids)).toEqual({ ...ids, retcode: ReturnCode.NoExist, host: undefined });
  });

  test('answers OVERLOAD without a host when no host may be called', () => {
    const world = new ShardWorld();
    world.route(3, 0, hostInfos(1));
    fail(world, 1, CLASSIC_DEFAULTS.continErrLimit + 100);
    expect(world.getHost({ ...MODULE, seq: 5 })).toEqual({ ...MODULE, seq: 5, retcode: ReturnCode.Overload, host: undefined });
    expect(world.counted()).toMatchObject({ answeredOverload: 1, ejections: 1 });
  });

  test('follows the route: new hosts join, hosts that left are not answered any more', () => {
    const world = new ShardWorld();
    world.route(3, 0, [hostInfo(1), hostInfo(2)]);
    world.route(3, 0, [hostInfo(2), hostInfo(3)]);
    const ports = Array.from({ length: 4 }, () => world.getHost(MODULE)?.host?.port);
    expect(new Set(ports)).toEqual(new Set([2, 3]));
  });
});

describe('hosts with a name instead of an IPv4 address', () => {
  const names = [namedHost('a.example'), namedHost('2001:db8::1')];

  test('are answered to callers that understand them', () => {
    const world = new ShardWorld();
    world.route(3, 0, names);
    const hosts = [1, 2].map(seq => world.getHost({ ...MODULE, seq, features: Feature.HostAddr })?.host);
    expect(hosts).toEqual(names);
  });

  test('are passed over for callers that do not: they get the hosts with an address', () => {
    const world = new ShardWorld();
    world.route(3, 0, [...names, hostInfo(7)]);
    for (let seq = 0; seq < 5; seq++) expect(world.getHost({ ...MODULE, seq })?.host).toEqual(hostInfo(7));
  });

  test('even when the only address stands behind many names', () => {
    const world = new ShardWorld();
    const many = Array.from({ length: 200 }, (_, i) => namedHost(`h${i}.example`));
    world.route(3, 0, [...many, hostInfo(7)]);
    for (let seq = 0; seq < 5; seq++) expect(world.getHost({ ...MODULE, seq })?.host).toEqual(hostInfo(7));
  });

  test('where there is nothing else, such callers are answered SYSTEM_ERROR', () => {
    const world = new ShardWorld();
    world.route(3, 0, names);
    expect(world.getHost({ ...MODULE, seq: 4 })).toEqual({ ...MODULE, seq: 4, retcode: ReturnCode.SystemError, host: undefined });
    expect(world.counted()).toMatchObject({ getHost: 1, answeredError: 1 });
  });

  test('are left out of a getRoute answer to such callers', () => {
    const world = new ShardWorld();
    world.route(3, 0, [...names, hostInfo(7)]);
    expect(getRoute(world).host).toEqual([hostInfo(7)]);
    expect(getRoute(world, { features: Feature.HostAddr }).host).toEqual([...names, hostInfo(7)]);
    expect(getRoute(world, { features: 0xffff_fffe }).host).toEqual([hostInfo(7)]);
  });
});

describe('hosts that drain', () => {
  test('are in a getRoute answer, marked, to callers that understand it, and left out for others', () => {
    const world = new ShardWorld();
    const draining = hostInfo(2, { drain: true });
    world.route(3, 0, [hostInfo(1), draining, namedHost('a.example')]);
    expect(getRoute(world).host).toEqual([hostInfo(1)]);
    expect(getRoute(world, { features: Feature.HostAddr }).host).toEqual([hostInfo(1), namedHost('a.example')]);
    expect(getRoute(world, { features: Feature.Drain }).host).toEqual([hostInfo(1), draining]);
    expect(getRoute(world, { features: Feature.HostAddr | Feature.Drain }).host).toHaveLength(3);
  });
});

describe('getRoute', () => {
  test('answers all hosts whatever their state, the revision, and whether some host is overloaded', () => {
    const world = new ShardWorld();
    world.route(3, 0, hostInfos(3), 42);
    expect(getRoute(world)).toEqual({ ...MODULE, host: hostInfos(3), version: 42, overload: false, notModified: false });
    fail(world, 2, 200);
    expect(getRoute(world)).toEqual({ ...MODULE, host: hostInfos(3), version: 42, overload: true, notModified: false });
    expect(world.count('getRoute')).toBe(2);
  });

  test('takes no turn: it does not disturb whose turn it is', () => {
    const world = new ShardWorld();
    world.route(3, 0, hostInfos(2));
    expect(world.getHost(MODULE)?.host?.port).toBe(1);
    getRoute(world);
    expect(world.getHost(MODULE)?.host?.port).toBe(2);
  });

  test('answers not_modified to a caller that holds this revision, with the overload flag and no hosts', () => {
    const world = new ShardWorld();
    world.route(3, 0, hostInfos(2), 42);
    fail(world, 1, 200);
    expect(getRoute(world, { version: 42 })).toMatchObject({ host: [], version: 42, notModified: true, overload: true });
    expect(getRoute(world, { version: 41 })).toMatchObject({ host: hostInfos(2), notModified: false });
  });

  test('never answers not_modified where dnsserver tells no revision', () => {
    const world = new ShardWorld();
    world.route(3, 0, hostInfos(2), 0);
    expect(getRoute(world, { version: 0 })).toMatchObject({ host: hostInfos(2), notModified: false });
  });

  test.each([5_000, 7_000])('of %i hosts answers as many as one datagram takes, the first of them, and counts it', count => {
    const world = new ShardWorld();
    // 16 bytes each, so that some must be left out.
    const hosts = Array.from({ length: count }, (_, i) => hostInfo(60_000, { ip: -1 - i }));
    world.route(3, 0, hosts, 9);
    world.send(0, getRouteFrame(MODULE));
    const datagram = world.answers[0]?.datagram ?? new Uint8Array();
    const answer = decodeGetRoute(datagram);
    expect(datagram.length).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
    expect(datagram.length).toBeGreaterThan(MAX_DATAGRAM_BYTES - 20);
    expect(answer).toMatchObject({ ...MODULE, version: 9 });
    expect(answer.host).toEqual(hosts.slice(0, answer.host.length));
    expect(world.count('routeTruncated')).toBe(1);
  });

  test('of 3,000 hosts leaves none out and counts nothing', () => {
    const world = new ShardWorld();
    const hosts = Array.from({ length: 3_000 }, (_, i) => hostInfo(60_000, { ip: -1 - i }));
    world.route(3, 0, hosts);
    expect(getRoute(world).host).toEqual(hosts);
    expect(world.count('routeTruncated')).toBe(0);
  });
});

describe('a route that is older than update_timeout', () => {
  const served = () => {
    const world = new ShardWorld();
    world.route(3, 0, hostInfos(2), 7);
    world.advance(UPDATE_TIMEOUT_MS);
    return world;
  };

  test('is asked for again at its next use, with its revision, and is served meanwhile', () => {
    const world = served();
    expect(world.fetches).toEqual([]);
    expect(world.getHost(MODULE)?.retcode).toBe(ReturnCode.Success);
    expect(world.fetches).toEqual([{ ...MODULE, version: 7 }]);
  });

  test('is asked for by getRoute too', () => {
    const world = served();
    expect(getRoute(world).host).toEqual(hostInfos(2));
    expect(world.fetches).toEqual([{ ...MODULE, version: 7 }]);
  });

  test('is asked for once a period, and served for ever where no answer comes', () => {
    const world = served();
    for (let period = 1; period <= 5; period++) {
      for (let i = 0; i < 10; i++) expect(world.getHost(MODULE)?.retcode).toBe(ReturnCode.Success);
      expect(world.fetches).toHaveLength(period);
      world.advance(UPDATE_TIMEOUT_MS);
    }
  });

  test('is fresh again when dnsserver tells it', () => {
    const world = served();
    world.route(3, 0, hostInfos(2), 8);
    world.advance(UPDATE_TIMEOUT_MS - 1);
    world.getHost(MODULE);
    expect(world.fetches).toEqual([]);
    world.advance(1);
    expect(world.getHost(MODULE)?.retcode).toBe(ReturnCode.Success);
    expect(world.fetches).toHaveLength(1);
  });
});

test('a new dns thread is told of everything: what is served with its revision, and what is waited for', () => {
  const world = new ShardWorld();
  world.route(3, 0, hostInfos(1), 7);
  world.route(6, 0, []);
  world.getHost({ modid: 9 });
  world.fetches.length = 0;
  world.shardAt(0).refetchRoutes();
  expect(world.fetches).toEqual([
    { modid: 3, cmdid: 0, version: 7 },
    { modid: 9, cmdid: 0, version: 0 },
  ]);
});

test('transitions are logged once each with their numbers, up to a limit per period, and always counted', () => {
  const world = new ShardWorld({ newBalancer: classicBalancer({ ...CLASSIC_DEFAULTS, continErrLimit: 1 }) });
  world.route(3, 0, hostInfos(120));
  for (let port = 1; port <= 120; port++) fail(world, port, 1);
  expect(world.count('ejections')).toBe(120);
  expect(world.logged).toHaveLength(50);
  expect(world.count('transitionsUnlogged')).toBe(70);
  expect(world.logged[0]).toMatchObject({
    event: 'host ejected',
    fields: { module: '3/0', host: '10.0.0.1:1', cause: 'failure-run', errRun: 1, limit: 1 },
  });
  world.flushDue();
  world.route(3, 0, hostInfos(121));
  fail(world, 121, 1);
  expect(world.logged).toHaveLength(51);
});

test('how many hosts there are, and how many are overloaded, is counted through all changes of the routes', () => {
  const world = new ShardWorld({ newBalancer: classicBalancer({ ...CLASSIC_DEFAULTS, continErrLimit: 1, continSuccLimit: 1 }) });
  const { gauges } = world.shardAt(0);
  const counts = () => [gauges.hostCount, gauges.countEjected()];
  expect(counts()).toEqual([0, 0]);
  world.route(3, 0, hostInfos(4));
  world.route(6, 0, hostInfos(2));
  for (const port of [1, 2]) fail(world, port, 1);
  expect(counts()).toEqual([6, 2]);
  world.route(3, 0, hostInfos(4).slice(1));
  expect(counts()).toEqual([5, 1]);
  world.send(0, reportFrame({ ...MODULE, host: hostInfo(2), retcode: 0 }));
  expect(counts()).toEqual([5, 0]);
  fail(world, 3, 1);
  world.route(3, 0, []);
  expect(counts()).toEqual([2, 0]);
  world.route(3, 0, hostInfos(2));
  expect(counts()).toEqual([4, 0]);
  fail(world, 1, 1);
  expect(counts()).toEqual([4, 1]);
  const [, other] = hostInfos(2) as [HostInfo, HostInfo];
  world.route(3, 0, [hostInfo(1, { drain: true }), other]);
  expect(counts()).toEqual([4, 0]);
  world.route(3, 0, hostInfos(2));
  expect(counts()).toEqual([4, 1]);
});
