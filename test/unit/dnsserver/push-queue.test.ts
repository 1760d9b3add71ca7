import { type RouteKey, routeKey } from '@lars/proto';
import { CounterBank } from '@lars/runtime/counters';
import { describe, expect, test } from 'vitest';
import { dnsserverCounters } from '../../../dnsserver/src/counters.ts';
import type { Route } from '../../../dnsserver/src/follow/route.ts';
import { RouteFeed } from '../../../dnsserver/src/serve/encode-queue.ts';
import type { EncodedRoute } from '../../../dnsserver/src/serve/encoded-route.ts';
import { PORTION_CONNECTIONS, PushQueue } from '../../../dnsserver/src/serve/push-queue.ts';
import type { RoutePeer } from '../../../dnsserver/src/serve/route-peer.ts';
import type { Topic } from '../../../dnsserver/src/serve/subscriptions.ts';
import { hostInfos } from '../../support/agent-messages.ts';
import { encoded, RecordingPeer, route, turn } from './push-routes.ts';

function makePeers(count: number): RecordingPeer[] {
  return Array.from({ length: count }, () => new RecordingPeer());
}

function makeTopic(modid: number, peers: readonly RoutePeer[], hosts = 1): Topic<RoutePeer> {
  const subscribers = new Map(peers.map(peer => [peer, 0]));
  return { modid, cmdid: 2, key: modid, route: encoded(route(hostInfos(hosts), 1, modid)), subscribers };
}

function change(topic: Topic<RoutePeer>, version: number): void {
  topic.route = encoded(route(hostInfos(1), version, topic.modid));
}

const versions = (peer: RecordingPeer) => peer.received.map(({ version }) => version);
const told = (peers: readonly RecordingPeer[]) => peers.filter(peer => peer.received.length > 0).length;

async function drain(queue: PushQueue): Promise<void> {
  while (queue.length > 0) await turn();
}

describe('a change', () => {
  test('for few is pushed at once', () => {
    const peers = makePeers(3);
    let pushes = 0;
    const queue = new PushQueue(count => {
      pushes += count;
    });
    queue.add([makeTopic(1, peers)]);
    expect([peers.map(versions), pushes, queue.length]).toEqual([[[1], [1], [1]], 3, 0]);
  });

  test('for many is pushed in portions, between which others have their turn', async () => {
    const peers = makePeers(3 * PORTION_CONNECTIONS + 1);
    const queue = new PushQueue(() => {});
    queue.add([makeTopic(1, peers)]);
    const counts = [told(peers)];
    while (queue.length > 0) {
      await turn();
      counts.push(told(peers));
    }
    expect(counts).toEqual([1, 2, 3].map(n => n * PORTION_CONNECTIONS).concat(peers.length));
    expect(peers.every(peer => peer.received.length === 1)).toBe(true);
  });

  test('of many modules reaches a connection in one piece per portion, and portions are bounded by bytes', async () => {
    const [peer] = makePeers(1) as [RecordingPeer];
    const queue = new PushQueue(() => {});
    const big = Array.from({ length: 8 }, (_, modid) => makeTopic(modid, [peer], 3_000));
    queue.add(Array.from({ length: 100 }, (_, n) => makeTopic(100 + n, [peer])).concat(big));
    await drain(queue);
    expect(peer.flushes[0]).toBeGreaterThan(100);
    expect(peer.flushes).toHaveLength(2);
    expect(peer.received).toHaveLength(108);
  });

  test('while another is pushed: everybody gets the last form, nobody an older one after it', async () => {
    const peers = makePeers(4 * PORTION_CONNECTIONS);
    const queue = new PushQueue(() => {});
    const topic = makeTopic(1, peers);
    queue.add([topic]);
    for (const version of [2, 3, 4]) {
      await turn();
      change(topic, version);
      queue.add([topic]);
    }
    await drain(queue);
    for (const peer of peers) {
      expect(versions(peer).at(-1)).toBe(4);
      expect(versions(peer)).toEqual([...versions(peer)].sort());
    }
  });

  test('that comes faster than it can be pushed does not starve the last subscribers', async () => {
    const peers = makePeers(6 * PORTION_CONNECTIONS);
    const queue = new PushQueue(() => {});
    const topic = makeTopic(1, peers);
    for (let version = 1; version <= 20; version++) {
      change(topic, version);
      queue.add([topic]);
      await turn();
    }
    expect(told(peers)).toBe(peers.length);
    queue.stop();
  });

  test('does not hold up others: a second module is pushed though the first changes again and again', async () => {
    const [many, few] = [makePeers(4 * PORTION_CONNECTIONS), makePeers(1)];
    const queue = new PushQueue(() => {});
    const [busy, calm] = [makeTopic(1, many), makeTopic(2, few)];
    queue.add([busy, calm]);
    for (let version = 2; told(few) === 0 && version < 50; version++) {
      change(busy, version);
      queue.add([busy]);
      await turn();
    }
    expect(told(few)).toBe(1);
    queue.stop();
  });

  test('passes over who has gone, and is not pushed any more after a stop', async () => {
    const peers = makePeers(2 * PORTION_CONNECTIONS);
    const queue = new PushQueue(() => {});
    const topic = makeTopic(1, peers);
    queue.add([topic]);
    topic.subscribers.delete(peers.at(-1) as RecordingPeer);
    await drain(queue);
    expect(told(peers)).toBe(peers.length - 1);
    change(topic, 2);
    queue.add([topic]);
    queue.stop();
    await turn();
    expect(peers.filter(peer => versions(peer).includes(2))).toHaveLength(PORTION_CONNECTIONS);
  });
});

describe('the feed', () => {
  const counters = () => new CounterBank(dnsserverCounters);
  const routes = (count: number, version = 1) => Array.from({ length: count }, (_, n) => route(hostInfos(1), version, n));

  function feed(isFollowed: (key: RouteKey) => boolean = () => true) {
    const delivered: string[] = [];
    const encodings: Route[] = [];
    const deliver = (made: readonly EncodedRoute[], quiet: boolean) => {
      for (const { modid, version } of made) delivered.push(`${modid}@${version}${quiet ? ' quiet' : ''}`);
    };
    const encode = (made: Route) => {
      encodings.push(made);
      return encoded(made);
    };
    const made = new RouteFeed({ isFollowed, encode, deliver, counters: counters() });
    return { feed: made, delivered, encodings };
  }

  test('encodes only what somebody follows', () => {
    const { feed: made, delivered, encodings } = feed(key => key === routeKey(2, 2));
    made.add(routes(5), false);
    expect([delivered, encodings.length, made.length]).toEqual([['2@1'], 1, 0]);
  });

  test('sends very many in portions, and one that changes while it waits once, as it is last', async () => {
    const { feed: made, delivered } = feed();
    made.add(routes(1_200), false);
    expect(delivered).toHaveLength(500);
    made.add(routes(1_200, 2), false);
    while (made.length > 0) await turn();
    expect(delivered.filter(each => each === '0@2')).toHaveLength(1);
    expect(delivered.filter(each => each.startsWith('700@'))).toEqual(['700@2']);
  });

  test.each([
    ['a change behind a higher version is told', true, false, '1199@2'],
    ['a higher version behind a change is told with it', false, true, '1199@2'],
    ['higher versions alone are quiet', true, true, '1199@2 quiet'],
  ])('%s', async (_, first, second, expected) => {
    const { feed: made, delivered } = feed();
    made.add(routes(1_200), first);
    made.add([route(hostInfos(1), 2, 1_199)], second);
    while (made.length > 0) await turn();
    expect(delivered.filter(each => each.startsWith('1199@'))).toEqual([expected]);
  });

  test('sends nothing any more when it is stopped', async () => {
    const { feed: made, delivered } = feed();
    made.add(routes(1_200), false);
    made.stop();
    await turn();
    expect([delivered.length, made.length]).toEqual([500, 0]);
  });
});
