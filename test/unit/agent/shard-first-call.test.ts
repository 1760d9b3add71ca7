import { ReturnCode } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { decodeGetRoute, getRouteFrame, hostInfo, hostInfos } from '../../support/agent-messages.ts';
import { ABSENT_TTL_MS, ROUTE_WAIT_MS, ShardWorld } from './shard-world.ts';

const MODULE = { modid: 3, cmdid: 0 };
const noExist = { retcode: ReturnCode.NoExist, host: undefined };
const success = { retcode: ReturnCode.Success };

describe('the first call for a module', () => {
  test('waits, asks for the route once for all who wait, and all are answered with hosts in their order', () => {
    const world = new ShardWorld();
    for (const seq of [1, 2, 3]) expect(world.getHost({ ...MODULE, seq })).toBeUndefined();
    expect(world.fetches).toEqual([{ ...MODULE, version: 0 }]);
    world.route(3, 0, hostInfos(2));
    expect(world.takeGetHostAnswers()).toMatchObject([
      { seq: 1, ...success, host: hostInfo(1) },
      { seq: 2, ...success, host: hostInfo(2) },
      { seq: 3, ...success, host: hostInfo(1) },
    ]);
    expect(world.counted()).toEqual({ getHost: 3, parked: 3, routeFetches: 1, routeChanges: 1, answeredSuccess: 3 });
  });

  test('waits no longer than until its deadline', () => {
    const world = new ShardWorld();
    world.getHost({ ...MODULE, seq: 1 });
    expect(world.shardAt(0).nextDeadlineMs()).toBe(world.nowMs + ROUTE_WAIT_MS);
    world.advance(ROUTE_WAIT_MS - 1);
    world.getHost({ ...MODULE, seq: 2 });
    world.expireWaits();
    expect(world.answers).toEqual([]);
    world.advance(1);
    world.expireWaits();
    expect(world.takeGetHostAnswers()).toMatchObject([
      { seq: 1, ...noExist },
      { seq: 2, ...noExist },
    ]);
    expect(world.shardAt(0).nextDeadlineMs()).toBeUndefined();
    expect(world.shardAt(0).modules.parkedCount).toBe(0);
  });

  test('whose time is up is answered once: a route that comes later says nothing more to it', () => {
    const world = new ShardWorld();
    world.getHost(MODULE);
    world.advance(ROUTE_WAIT_MS);
    world.expireWaits();
    expect(world.takeGetHostAnswers()).toHaveLength(1);
    world.route(3, 0, hostInfos(1));
    world.advance(ROUTE_WAIT_MS);
    world.expireWaits();
    expect(world.answers).toEqual([]);
  });

  test('each module has a deadline of its own', () => {
    const world = new ShardWorld();
    world.getHost({ modid: 3 });
    world.advance(ROUTE_WAIT_MS / 2);
    world.getHost({ modid: 6 });
    world.advance(ROUTE_WAIT_MS / 2);
    world.expireWaits();
    expect(world.takeGetHostAnswers()).toMatchObject([{ modid: 3, ...noExist }]);
    expect(world.shardAt(0).nextDeadlineMs()).toBe(world.nowMs + ROUTE_WAIT_MS / 2);
  });

  test('may be a getRoute, which gets the hosts, or none when its time is up', () => {
    const world = new ShardWorld();
    for (const modid of [3, 6]) world.send(0, getRouteFrame({ modid }));
    expect(world.answers).toEqual([]);
    world.route(3, 0, hostInfos(2));
    world.advance(ROUTE_WAIT_MS);
    world.expireWaits();
    expect(world.answers.map(answer => decodeGetRoute(answer.datagram))).toMatchObject([
      { modid: 3, host: hostInfos(2) },
      { modid: 6, host: [] },
    ]);
  });

  test('is answered NOEXIST as soon as dnsserver says that there are no hosts', () => {
    const world = new ShardWorld();
    world.getHost({ ...MODULE, seq: 9 });
    world.route(3, 0, []);
    expect(world.takeGetHostAnswers()).toEqual([{ seq: 9, ...MODULE, ...noExist }]);
  });
});

test('at the end nobody waits: who does is answered, and so is who comes yet', () => {
  const world = new ShardWorld();
  expect(world.getHost({ ...MODULE, seq: 1 })).toBeUndefined();
  world.shardAt(0).releaseAllParked(world.nowMs);
  expect(world.takeGetHostAnswers()).toEqual([{ seq: 1, ...MODULE, ...noExist }]);
  expect(world.getHost({ ...MODULE, modid: 6, seq: 2 })).toMatchObject({ seq: 2, ...noExist });
  expect(world.count('answeredNoExist')).toBe(2);
});

describe('while the dns thread has not taken the query, because the agent is just starting or the machine is busy', () => {
  const waiting = () => {
    const world = new ShardWorld();
    world.doesDnsThreadRun = false;
    expect(world.getHost({ ...MODULE, seq: 1 })).toBeUndefined();
    world.advance(100 * ROUTE_WAIT_MS);
    world.expireWaits();
    expect(world.answers).toEqual([]);
    expect(world.shardAt(0).nextDeadlineMs()).toBeUndefined();
    return world;
  };

  test('nobody is told that a module does not exist, and the route that comes answers all', () => {
    const world = waiting();
    world.getHost({ ...MODULE, seq: 2 });
    world.route(3, 0, hostInfos(1));
    expect(world.takeGetHostAnswers()).toMatchObject([
      { seq: 1, ...success },
      { seq: 2, ...success },
    ]);
  });

  test('the wait begins when it has, once', () => {
    const world = waiting();
    world.awaitRoute(3, 0);
    world.advance(ROUTE_WAIT_MS - 1);
    world.awaitRoute(3, 0);
    world.expireWaits();
    expect(world.answers).toEqual([]);
    world.advance(1);
    world.expireWaits();
    expect(world.takeGetHostAnswers()).toMatchObject([{ seq: 1, ...noExist }]);
  });

  test('a shard that stops answers all the same', () => {
    const world = waiting();
    world.shardAt(0).releaseAllParked(world.nowMs);
    expect(world.takeGetHostAnswers()).toMatchObject([{ seq: 1, ...noExist }]);
    expect(world.shardAt(0).modules.parkedCount).toBe(0);
  });

  test('what it says of a module for which nobody waits begins no wait', () => {
    const world = new ShardWorld();
    world.awaitRoute(3, 0);
    expect(world.shardAt(0).nextDeadlineMs()).toBeUndefined();
  });
});

describe('how many may wait', () => {
  test('beyond the limit the answer is NOEXIST at once, and no question is asked twice', () => {
    const world = new ShardWorld({ maxWaiting: 2 });
    for (const seq of [1, 2]) expect(world.getHost({ ...MODULE, seq })).toBeUndefined();
    expect(world.getHost({ ...MODULE, seq: 3 })).toMatchObject({ seq: 3, ...noExist });
    expect(world.fetches).toHaveLength(1);
    expect(world.counted()).toMatchObject({ parked: 2, parkingRefused: 1 });
    world.route(3, 0, hostInfos(1));
    expect(world.takeGetHostAnswers()).toMatchObject([
      { seq: 1, ...success },
      { seq: 2, ...success },
    ]);
  });

  test('there is room again when those who waited have been answered', () => {
    const world = new ShardWorld({ maxWaiting: 1 });
    world.getHost(MODULE);
    world.advance(ROUTE_WAIT_MS);
    world.expireWaits();
    expect(world.takeGetHostAnswers()).toHaveLength(1);
    expect(world.getHost({ modid: 6 })).toBeUndefined();
    world.route(6, 0, []);
    expect(world.takeGetHostAnswers()).toHaveLength(1);
    expect(world.getHost({ modid: 9 })).toBeUndefined();
  });

  test.each([0, 1])('where only %i may wait, the route of a module that finds no room is asked for all the same', maxWaiting => {
    const world = new ShardWorld({ maxWaiting });
    if (maxWaiting > 0) world.getHost({ modid: 6 });
    world.fetches.length = 0;
    for (const seq of [1, 2, 3]) expect(world.getHost({ ...MODULE, seq })).toMatchObject({ seq, ...noExist });
    expect(world.fetches).toEqual([{ ...MODULE, version: 0 }]);
    world.route(3, 0, hostInfos(1));
    expect(world.getHost(MODULE)).toMatchObject(success);
  });
});

describe('a module that does not exist', () => {
  const answeredAbsent = (world: ShardWorld) => {
    world.getHost(MODULE);
    world.route(3, 0, []);
    world.answers.length = 0;
    world.fetches.length = 0;
  };
  const expired = (world: ShardWorld) => {
    world.getHost(MODULE);
    world.advance(ROUTE_WAIT_MS);
    world.expireWaits();
    world.answers.length = 0;
    world.fetches.length = 0;
  };

  test.each([
    ['dnsserver says so', answeredAbsent],
    ['its route did not come in time', expired],
  ])('is remembered for a while when %s, and then asked for again', (_, becomeAbsent) => {
    const world = new ShardWorld();
    becomeAbsent(world);
    expect(world.shardAt(0).modules.absentCount).toBe(1);
    world.advance(ABSENT_TTL_MS - 1);
    expect(world.getHost({ ...MODULE, seq: 4 })).toEqual({ seq: 4, ...MODULE, ...noExist });
    expect(world.fetches).toEqual([]);
    world.advance(1);
    expect(world.getHost(MODULE)).toBeUndefined();
    expect(world.fetches).toEqual([{ ...MODULE, version: 0 }]);
  });

  test('is served at once when it is created, though its absence is still remembered', () => {
    const world = new ShardWorld();
    answeredAbsent(world);
    world.route(3, 0, hostInfos(1), 8);
    expect(world.getHost(MODULE)).toMatchObject({ ...success, host: hostInfo(1) });
    expect(world.fetches).toEqual([]);
  });

  test('is remembered anew when it is removed after it was served', () => {
    const world = new ShardWorld();
    world.route(3, 0, hostInfos(1));
    world.route(3, 0, []);
    expect(world.getHost(MODULE)).toMatchObject(noExist);
    expect(world.fetches).toEqual([]);
    expect(world.shardAt(0).modules.activeCount).toBe(0);
  });

  test('is asked for at each call where nothing is to be remembered', () => {
    const world = new ShardWorld({ absentTtlMs: 0 });
    answeredAbsent(world);
    expect(world.getHost(MODULE)).toBeUndefined();
    expect(world.fetches).toHaveLength(1);
  });

  test('of too many of them the oldest is forgotten', () => {
    const world = new ShardWorld({ maxAbsent: 3 });
    for (const modid of [3, 6, 9, 12]) world.route(modid, 0, []);
    expect(world.shardAt(0).modules.absentCount).toBe(3);
    for (const modid of [6, 9, 12]) expect(world.getHost({ modid })).toMatchObject(noExist);
    expect(world.getHost({ modid: 3 })).toBeUndefined();
    expect(world.fetches).toEqual([{ modid: 3, cmdid: 0, version: 0 }]);
  });

  test('a hundred thousand of them cost no more memory than the limit says', () => {
    const world = new ShardWorld({ maxAbsent: 100, maxWaiting: 10 });
    for (let modid = 0; modid < 100_000; modid++) world.getHost({ modid: modid * 3 });
    expect(world.shardAt(0).modules.absentCount).toBe(100);
    expect(world.shardAt(0).modules.parkedCount).toBe(10);
  });
});
