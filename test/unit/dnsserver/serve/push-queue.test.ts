import { type RouteKey, routeKey } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { describe, expect, test } from 'vitest';
import { dnsserverCounters } from '../../../../dnsserver/src/counters.ts';
import type { Route } from '../../../../dnsserver/src/follow/route-table.ts';
import { EncodeQueue } from '../../../../dnsserver/src/serve/encode-queue.ts';
import type { EncodedRoute } from '../../../../dnsserver/src/serve/encoded-route.ts';
import { PushQueue, SLICE_CONNECTIONS } from '../../../../dnsserver/src/serve/push-queue.ts';
import type { RouteConnection, SubscribedModule } from '../../../../dnsserver/src/serve/subscriptions.ts';
import { hostInfos } from '../../../support/agent-messages.ts';
import { encoded, RecordingConnection, route, tick } from './push-routes.ts';

function makeConnections(count: number): RecordingConnection[] {
  return Array.from({ length: count }, () => new RecordingConnection());
}

function makeModule(modid: number, connections: readonly RouteConnection[], hosts = 1): SubscribedModule<RouteConnection> {
  const subscribers = new Map(connections.map(connection => [connection, 0]));
  return { modid, cmdid: 2, key: modid, route: encoded(route(hostInfos(hosts), 1, modid)), subscribers };
}

function change(module: SubscribedModule<RouteConnection>, version: number): void {
  module.route = encoded(route(hostInfos(1), version, module.modid));
}

const versions = (connection: RecordingConnection) => connection.received.map(({ version }) => version);
const reached = (connections: readonly RecordingConnection[]) =>
  connections.filter(connection => connection.received.length > 0).length;

async function drain(queue: PushQueue): Promise<void> {
  while (queue.length > 0) await tick();
}

describe('a change', () => {
  test('for few is pushed at once', () => {
    const connections = makeConnections(3);
    let pushes = 0;
    const queue = new PushQueue(count => {
      pushes += count;
    });
    queue.pushChanges([makeModule(1, connections)]);
    expect([connections.map(versions), pushes, queue.length]).toEqual([[[1], [1], [1]], 3, 0]);
  });

  test('for many is pushed in slices, between which others are handled', async () => {
    const connections = makeConnections(3 * SLICE_CONNECTIONS + 1);
    const queue = new PushQueue(() => {});
    queue.pushChanges([makeModule(1, connections)]);
    const counts = [reached(connections)];
    while (queue.length > 0) {
      await tick();
      counts.push(reached(connections));
    }
    expect(counts).toEqual([1, 2, 3].map(n => n * SLICE_CONNECTIONS).concat(connections.length));
    expect(connections.every(connection => connection.received.length === 1)).toBe(true);
  });

  test('of many modules reaches a connection in one piece per slice, and slices are bounded by bytes', async () => {
    const [connection] = makeConnections(1) as [RecordingConnection];
    const queue = new PushQueue(() => {});
    const big = Array.from({ length: 8 }, (_, modid) => makeModule(modid, [connection], 3_000));
    queue.pushChanges(Array.from({ length: 100 }, (_, n) => makeModule(100 + n, [connection])).concat(big));
    await drain(queue);
    expect(connection.flushes[0]).toBeGreaterThan(100);
    expect(connection.flushes).toHaveLength(2);
    expect(connection.received).toHaveLength(108);
  });

  test('while another is pushed: everybody gets the last form, nobody an older one after it', async () => {
    const connections = makeConnections(4 * SLICE_CONNECTIONS);
    const queue = new PushQueue(() => {});
    const module = makeModule(1, connections);
    queue.pushChanges([module]);
    for (const version of [2, 3, 4]) {
      await tick();
      change(module, version);
      queue.pushChanges([module]);
    }
    await drain(queue);
    for (const connection of connections) {
      expect(versions(connection).at(-1)).toBe(4);
      expect(versions(connection)).toEqual([...versions(connection)].sort());
    }
  });

  test('while the first subscribers are sent another one again: those behind them get it too', async () => {
    const connections = makeConnections(2 * SLICE_CONNECTIONS - 1);
    const queue = new PushQueue(() => {});
    const module = makeModule(1, connections);
    queue.pushChanges([module]);
    change(module, 2);
    queue.pushChanges([module]);
    await tick();
    const last = () => connections.map(connection => versions(connection).at(-1));
    expect([last()[0], last()[1], last().at(-1)]).toEqual([2, 1, 2]);
    change(module, 3);
    queue.pushChanges([module]);
    await drain(queue);
    expect(new Set(last())).toEqual(new Set([3]));
  });

  test('that comes faster than it can be pushed does not starve the last subscribers', async () => {
    const connections = makeConnections(6 * SLICE_CONNECTIONS);
    const queue = new PushQueue(() => {});
    const module = makeModule(1, connections);
    for (let version = 1; version <= 20; version++) {
      change(module, version);
      queue.pushChanges([module]);
      await tick();
    }
    expect(reached(connections)).toBe(connections.length);
    queue.stop();
  });

  test('does not hold up others: a second module is pushed though the first changes again and again', async () => {
    const [many, few] = [makeConnections(4 * SLICE_CONNECTIONS), makeConnections(1)];
    const queue = new PushQueue(() => {});
    const [busy, calm] = [makeModule(1, many), makeModule(2, few)];
    queue.pushChanges([busy, calm]);
    for (let version = 2; reached(few) === 0 && version < 50; version++) {
      change(busy, version);
      queue.pushChanges([busy]);
      await tick();
    }
    expect(reached(few)).toBe(1);
    queue.stop();
  });

  test('passes over who has gone, and is not pushed any more after a stop', async () => {
    const connections = makeConnections(2 * SLICE_CONNECTIONS);
    const queue = new PushQueue(() => {});
    const module = makeModule(1, connections);
    queue.pushChanges([module]);
    module.subscribers.delete(connections.at(-1) as RecordingConnection);
    await drain(queue);
    expect(reached(connections)).toBe(connections.length - 1);
    change(module, 2);
    queue.pushChanges([module]);
    queue.stop();
    await tick();
    expect(connections.filter(connection => versions(connection).includes(2))).toHaveLength(SLICE_CONNECTIONS);
  });
});

describe('the encode queue', () => {
  const counters = () => new SharedCounters(dnsserverCounters);
  const routes = (count: number, version = 1) => Array.from({ length: count }, (_, n) => route(hostInfos(1), version, n));

  function encodeQueue(isSubscribed: (key: RouteKey) => boolean = () => true) {
    const delivered: string[] = [];
    const encodings: Route[] = [];
    const deliver = (made: readonly EncodedRoute[], versionOnly: boolean) => {
      for (const { modid, version } of made) delivered.push(`${modid}@${version}${versionOnly ? ' version only' : ''}`);
    };
    const encode = (made: Route) => {
      encodings.push(made);
      return encoded(made);
    };
    const made = new EncodeQueue({ isSubscribed, encode, deliver, counters: counters() });
    return { queue: made, delivered, encodings };
  }

  test('encodes large routes in slices that are bounded by bytes', async () => {
    const { queue: made, delivered } = encodeQueue();
    const large = Array.from({ length: 20 }, (_, n) => route(hostInfos(3_000), 1, n));
    const routeBytes = encoded(large[0] as Route).frames[0]?.length ?? 0;
    made.addRoutes(large, false);
    expect(delivered).toHaveLength(Math.ceil((256 * 1_024) / routeBytes));
    while (made.length > 0) await tick();
    expect(delivered).toHaveLength(20);
  });

  test('encodes only the modules that somebody is subscribed to', () => {
    const { queue: made, delivered, encodings } = encodeQueue(key => key === routeKey(2, 2));
    made.addRoutes(routes(5), false);
    expect([delivered, encodings.length, made.length]).toEqual([['2@1'], 1, 0]);
  });

  test('sends very many in slices, and one that changes while it waits once, as it is last', async () => {
    const { queue: made, delivered } = encodeQueue();
    made.addRoutes(routes(1_200), false);
    expect(delivered).toHaveLength(500);
    made.addRoutes(routes(1_200, 2), false);
    while (made.length > 0) await tick();
    expect(delivered.filter(each => each === '0@2')).toHaveLength(1);
    expect(delivered.filter(each => each.startsWith('700@'))).toEqual(['700@2']);
  });

  test.each([
    ['a change behind a higher version is sent', true, false, '1199@2'],
    ['a higher version behind a change is sent with it', false, true, '1199@2'],
    ['higher versions alone are version-only', true, true, '1199@2 version only'],
  ])('%s', async (_, first, second, expected) => {
    const { queue: made, delivered } = encodeQueue();
    made.addRoutes(routes(1_200), first);
    made.addRoutes([route(hostInfos(1), 2, 1_199)], second);
    while (made.length > 0) await tick();
    expect(delivered.filter(each => each.startsWith('1199@'))).toEqual([expected]);
  });

  test('sends nothing any more when it is stopped', async () => {
    const { queue: made, delivered } = encodeQueue();
    made.addRoutes(routes(1_200), false);
    made.stop();
    await tick();
    expect([delivered.length, made.length]).toEqual([500, 0]);
  });
});
