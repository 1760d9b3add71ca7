import { INT32_MAX, INT32_MIN, ReturnCode } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { describe, expect, test } from 'vitest';
import { shardCounters } from '../../../agent/src/counters.ts';
import { Forwarding, MAX_FORWARDS, newForwardsInFlight } from '../../../agent/src/shard/forwarding.ts';
import { SHARD_NAMES } from '../../../agent/src/threads/messages.ts';
import {
  batchFrame,
  decodeGetHost,
  decodeGetRoute,
  getHostFrame,
  getRouteFrame,
  hostInfo,
  hostInfos,
  reportFrame,
} from '../../support/agent-messages.ts';
import { REPORT_TIMEOUT_MS, ROUTE_WAIT_MS, ShardWorld } from './shard-world.ts';

/** The mathematical remainder, also where the sum is negative or beyond int32. */
const OWNERS = [
  { modid: 0, cmdid: 0, owner: 0 },
  { modid: 1, cmdid: 0, owner: 1 },
  { modid: 1, cmdid: 1, owner: 2 },
  { modid: -1, cmdid: 0, owner: 2 },
  { modid: -2, cmdid: 0, owner: 1 },
  { modid: -3, cmdid: 2, owner: 2 },
  { modid: INT32_MAX, cmdid: INT32_MAX, owner: 2 },
  { modid: INT32_MIN, cmdid: INT32_MIN, owner: 2 },
  { modid: INT32_MIN, cmdid: INT32_MAX, owner: 2 },
];

describe.each(OWNERS)('module $modid/$cmdid belongs to shard $owner', ({ modid, cmdid, owner }) => {
  const others = [0, 1, 2].filter(shard => shard !== owner);

  test('its owner answers without mail', () => {
    const world = new ShardWorld();
    world.route(modid, cmdid, hostInfos(1));
    world.send(owner, getHostFrame({ seq: 7, modid, cmdid }), 'me');
    expect(world.messages).toEqual([]);
    expect(world.answers).toMatchObject([{ shard: owner, caller: 'me' }]);
    expect(world.takeGetHostAnswers()).toEqual([{ seq: 7, modid, cmdid, retcode: ReturnCode.Success, host: hostInfo(1) }]);
    expect(world.counted()).toEqual({ routeChanges: 1, getHost: 1, answeredSuccess: 1 });
  });

  test.each(others)('at shard %i a getHost is forwarded, and its answer leaves from the socket that was asked', receiver => {
    const world = new ShardWorld();
    world.route(modid, cmdid, hostInfos(1));
    const caller = { address: '10.1.1.1', port: 4_242 };
    world.send(receiver, getHostFrame({ seq: 7, modid, cmdid }), caller);
    expect(world.messages).toMatchObject([
      { to: SHARD_NAMES[owner], message: { type: 'forwarded', receiver: SHARD_NAMES[receiver] } },
    ]);
    expect(world.answers).toEqual([]);
    world.settle();
    expect(world.answers).toMatchObject([{ shard: receiver, caller }]);
    expect(world.takeGetHostAnswers()).toEqual([{ seq: 7, modid, cmdid, retcode: ReturnCode.Success, host: hostInfo(1) }]);
    expect(world.counters[receiver]?.get('misrouted')).toBe(1);
    expect(world.counters[owner]?.get('getHost')).toBe(1);
    expect(world.counted()).toEqual({ routeChanges: 1, misrouted: 1, getHost: 1, answeredSuccess: 1 });
  });
});

describe('a request at the wrong shard', () => {
  // Module 1/0 belongs to shard 1.
  const RECEIVER = 2;

  test('waits at the owner for the first route and is answered by the receiver', () => {
    const world = new ShardWorld();
    world.send(RECEIVER, getHostFrame({ seq: 3, modid: 1 }), 'me');
    world.settle();
    expect(world.answers).toEqual([]);
    expect(world.fetches).toEqual([{ modid: 1, cmdid: 0, version: 0 }]);
    world.route(1, 0, hostInfos(1));
    world.settle();
    expect(world.answers).toMatchObject([{ shard: RECEIVER, caller: 'me' }]);
    expect(world.takeGetHostAnswers()).toMatchObject([{ seq: 3, retcode: ReturnCode.Success, host: hostInfo(1) }]);
  });

  test('is answered NOEXIST by the receiver when its wait is over', () => {
    const world = new ShardWorld();
    world.send(RECEIVER, getHostFrame({ seq: 3, modid: 1 }), 'me');
    world.settle();
    world.advance(ROUTE_WAIT_MS);
    world.expireWaits();
    world.settle();
    expect(world.answers).toMatchObject([{ shard: RECEIVER, caller: 'me' }]);
    expect(world.takeGetHostAnswers()).toMatchObject([{ seq: 3, retcode: ReturnCode.NoExist }]);
  });

  test('may be a getRoute', () => {
    const world = new ShardWorld();
    world.route(1, 0, hostInfos(3), 5);
    world.send(RECEIVER, getRouteFrame({ modid: 1 }), 'me');
    world.settle();
    expect(world.answers).toMatchObject([{ shard: RECEIVER, caller: 'me' }]);
    expect(world.answers.map(answer => decodeGetRoute(answer.datagram))).toMatchObject([
      { modid: 1, host: hostInfos(3), version: 5 },
    ]);
  });

  test.each([
    ['report', reportFrame({ modid: 1, host: hostInfo(1) })],
    ['batch report', batchFrame({ modid: 1, results: [{ ...hostInfo(1), succ: 1 }] })],
  ])('may be a %s, which the owner counts', (_, datagram) => {
    const world = new ShardWorld();
    world.route(1, 0, hostInfos(1));
    world.send(RECEIVER, datagram);
    world.settle();
    expect(world.count('misrouted')).toBe(1);
    expect(world.counters[1]?.get('reportedCalls')).toBe(1);
    world.advance(REPORT_TIMEOUT_MS);
    world.flushDue();
    expect(world.reports).toMatchObject([{ modid: 1, cmdid: 0, results: [{ port: 1, succ: 1, err: 0 }] }]);
    expect(world.answers).toEqual([]);
  });

  test('is dropped while very many wait for their owner already, whoever received them', () => {
    const world = new ShardWorld();
    world.route(1, 0, hostInfos(1));
    const flood = () => {
      for (let i = 0; i < MAX_FORWARDS; i++) world.send(i % 2 === 0 ? 0 : RECEIVER, getHostFrame({ modid: 1 }));
    };
    flood();
    for (const shard of [0, RECEIVER]) world.send(shard, getHostFrame({ modid: 1 }));
    expect(world.counted()).toMatchObject({ misrouted: MAX_FORWARDS, misroutedDropped: 2 });
    // One for another shard is not concerned.
    world.send(0, getHostFrame({ modid: 2 }));
    expect(world.messages).toHaveLength(MAX_FORWARDS + 1);
    world.settle();
    flood();
    world.settle();
    expect(world.counted()).toMatchObject({ answeredSuccess: 2 * MAX_FORWARDS, misroutedDropped: 2 });
  });

  test('is none too many for an owner that began anew, though some of those before it come late', () => {
    const inFlight = newForwardsInFlight();
    const sent: unknown[] = [];
    const shard = (index: number) =>
      new Forwarding(
        index,
        inFlight,
        { postToShard: (_, message) => sent.push(message), sendReply() {} },
        new SharedCounters(shardCounters),
      );
    const receiver = shard(0);
    const replyTo = { receiver: undefined, caller: 'me' };
    const flood = () => {
      for (let i = 0; i < MAX_FORWARDS + 5; i++) receiver.forward({ modid: 1, cmdid: 0 }, new Uint8Array(), replyTo);
      return sent.splice(0).length;
    };
    shard(1);
    expect(flood()).toBe(MAX_FORWARDS);
    const anew = shard(1);
    for (let late = 0; late < 10; late++) anew.countArrival();
    expect(flood()).toBe(MAX_FORWARDS);
  });

  test.each([
    ['array', new Uint8Array(getHostFrame({ seq: 3, modid: 1 }))],
    ['Buffer', Buffer.from(getHostFrame({ seq: 3, modid: 1 }))],
  ])('is kept as it was, though its %s is used for the next datagram', (_, buffer) => {
    const world = new ShardWorld();
    world.route(1, 0, hostInfos(1));
    world.send(RECEIVER, buffer);
    buffer.fill(0xff);
    world.settle();
    expect(world.answers.map(answer => decodeGetHost(answer.datagram))).toMatchObject([{ seq: 3, retcode: ReturnCode.Success }]);
  });

  test('that does not parse is dropped where it arrives, and no message', () => {
    const world = new ShardWorld();
    const datagram = getHostFrame({ seq: 3, modid: 1 });
    datagram[8] = 0xff;
    world.send(RECEIVER, datagram);
    expect(world.messages).toEqual([]);
    expect(world.counted()).toEqual({ badBody: 1 });
  });
});
