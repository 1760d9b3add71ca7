import { ReturnCode, shardOf } from '@lars/proto';
import { expect, test } from 'vitest';
import { decodeGetRoute, getRouteFrame, hostInfo, hostInfos } from '../../support/agent-messages.ts';
import { ShardWorld, UPDATE_TIMEOUT_MS } from './shard-world.ts';

const MODULE = { modid: 4, cmdid: 2 };
const SHARD = shardOf(MODULE.modid, MODULE.cmdid);

function oldRoute(world: ShardWorld, hosts = hostInfos(1), agoMs = 90_000): void {
  const update = { ...MODULE, hosts, version: 0, storedAtMs: world.unixMs - agoMs };
  world.shardAt(SHARD).handleMessage({ type: 'route-updates', updates: [update] }, world.nowMs, world.unixMs);
}

test('an old route answers the requests that wait, and says how old it is', () => {
  const world = new ShardWorld();
  expect(world.getHost(MODULE)).toBeUndefined();
  oldRoute(world);
  expect(world.takeGetHostAnswers()).toMatchObject([{ retcode: ReturnCode.Success, host: { port: 1 } }]);
  const shard = world.shardAt(SHARD);
  expect(shard.oldRoutes.count).toBe(1);
  expect(shard.oldRoutes.oldestAgeSeconds(world.unixMs + 10_000)).toBe(100);
  expect(shard.explain(MODULE, world.nowMs, world.unixMs)).toMatchObject({ state: 'active', oldRouteSeconds: 90 });
});

test('it is asked for in full, whatever its version was, and a client is never told that its copy is current', () => {
  const world = new ShardWorld();
  oldRoute(world);
  world.advance(UPDATE_TIMEOUT_MS + 1);
  world.getHost(MODULE);
  expect(world.fetches).toEqual([{ ...MODULE, version: 0 }]);
  world.send(SHARD, getRouteFrame({ ...MODULE, version: 7 }));
  const [answer] = world.answers.splice(0);
  expect(decodeGetRoute(answer?.datagram as Uint8Array)).toMatchObject({ version: 0, notModified: false, host: [{ port: 1 }] });
});

test('it never takes the place of a route that dnsserver told', () => {
  const world = new ShardWorld();
  world.route(MODULE.modid, MODULE.cmdid, [hostInfo(7)], 3);
  oldRoute(world);
  expect(world.getHost(MODULE)).toMatchObject({ host: { port: 7 } });
  expect(world.shardAt(SHARD).oldRoutes.count).toBe(0);
});

test.each([
  ['a route', [hostInfo(9)]],
  ['that the module does not exist', []],
])('%s of dnsserver replaces it', (_, hosts) => {
  const world = new ShardWorld();
  oldRoute(world);
  world.route(MODULE.modid, MODULE.cmdid, hosts, 3);
  const shard = world.shardAt(SHARD);
  expect([shard.oldRoutes.count, shard.oldRoutes.oldestAgeSeconds(world.unixMs)]).toEqual([0, 0]);
  expect(shard.explain(MODULE, world.nowMs, world.unixMs)).not.toHaveProperty('oldRouteSeconds');
  expect(world.getHost(MODULE)?.retcode).toBe(hosts.length === 0 ? ReturnCode.NoExist : ReturnCode.Success);
});

test('the age is that of the oldest, and begins anew once no route is old', () => {
  const world = new ShardWorld();
  oldRoute(world);
  world.route(MODULE.modid, MODULE.cmdid, [], 3);
  oldRoute(world, hostInfos(1), 5_000);
  expect(world.shardAt(SHARD).oldRoutes.oldestAgeSeconds(world.unixMs)).toBe(5);
});
