/** Callers that pick from a copy of the route: what the agent tells them, and what it makes of their reports (AD-21). */
import { beforeEach, describe, expect, test } from 'vitest';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import { batchFrame, decodeGetRoute, getRouteFrame, hostInfo, hostInfos, reportFrame } from '../../support/agent-messages.ts';
import { ShardWorld } from './shard-world.ts';

const MODULE = { modid: 3, cmdid: 0 };

let world: ShardWorld;
beforeEach(() => {
  world = new ShardWorld({ newBalancer: adaptiveBalancer(ADAPTIVE_DEFAULTS) });
  world.route(3, 0, hostInfos(3), 42);
});

function mustAsk(): boolean {
  world.send(0, getRouteFrame({ ...MODULE, version: 42 }));
  const [answer] = world.answers.splice(0);
  return decodeGetRoute(answer?.datagram ?? new Uint8Array()).overload;
}

function inFlight(): number {
  const { hosts } = world.shardAt(0).explain(MODULE, world.nowMs, world.unixMs);
  return hosts.reduce((sum, { numbers }) => sum + (numbers['inFlight'] ?? 0), 0);
}

describe('callers are told to ask for every host', () => {
  test('when one fails without pause, and until some time after it has come back', () => {
    expect(mustAsk()).toBe(false);
    const well = [1, 2, 3].map(n => ({ ...hostInfo(n), succ: 1, tcost: 5 }));
    world.send(0, batchFrame({ ...MODULE, fromCopy: true, results: well }));
    const failed = { ...MODULE, fromCopy: true, results: [{ ...hostInfo(1), err: 1 }] };
    for (let i = 0; i < 5; i++) world.send(0, batchFrame(failed));
    expect(mustAsk()).toBe(true);
    world.advance(10 * 60_000);
    // The host has been out all the time: nobody has called.
    expect(mustAsk()).toBe(true);
    // That was the old host: whether it is well again, a probe must show.
    world.send(0, batchFrame({ ...failed, results: [{ ...hostInfo(1), succ: 1 }] }));
    world.advance(10 * 60_000);
    expect(mustAsk()).toBe(true);
    const probed = world.getHost(MODULE)?.host;
    expect(probed).toEqual(hostInfo(1));
    world.send(0, reportFrame({ ...MODULE, host: probed, tcost: 5 }));
    expect(mustAsk()).toBe(true);
    world.advance(10 * 60_000);
    expect(mustAsk()).toBe(false);
  });

  test('for a while after a host was added', () => {
    world.route(3, 0, hostInfos(4), 42);
    expect(mustAsk()).toBe(true);
    world.advance(60_000);
    expect(mustAsk()).toBe(false);
  });
});

test('a report of a call that was picked from a copy ends no call in flight; one of a picked host does', () => {
  const hosts = [1, 2, 3].map(() => world.getHost(MODULE)?.host);
  expect(inFlight()).toBe(3);
  const results = hosts.map(host => ({ ip: host?.ip ?? 0, port: host?.port ?? 0, succ: 1, tcost: 5 }));
  world.advance(5);
  world.send(0, batchFrame({ ...MODULE, results, fromCopy: true }));
  expect(inFlight()).toBe(3);
  world.send(0, batchFrame({ ...MODULE, results }));
  expect(inFlight()).toBe(0);
  expect(world.count('reportedCalls')).toBe(6);
});
