import {
  decodeBody,
  decodeDatagram,
  Feature,
  type GetRouteResponse,
  HEAD_BYTES,
  type HostInfo,
  MAX_BODY_BYTES,
  MessageId,
  routeKey,
} from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PushQueue } from '../../../dnsserver/src/push/push-queue.ts';
import { noHostsFrame, notModifiedFrame, RouteAnswers } from '../../../dnsserver/src/push/route-answers.ts';
import { Subscriptions } from '../../../dnsserver/src/push/subscriptions.ts';
import type { Route } from '../../../dnsserver/src/routes/route.ts';
import { hostInfo, hostInfos, namedHost } from '../../support/agent-messages.ts';

const ALL = Feature.HostAddr | Feature.Drain;

function route(hosts: readonly HostInfo[], version = 7, modid = 1): Route {
  return { modid, cmdid: 2, hosts, version, local: false };
}

function decode(frame: Uint8Array): GetRouteResponse {
  const { id, body } = decodeDatagram(frame);
  expect(id).toBe(MessageId.GetRouteResponse);
  return decodeBody(MessageId.GetRouteResponse, body);
}

describe('subscriptions', () => {
  test('tell who hears of a module, each peer once, with its last word on what it understands', () => {
    const subscriptions = new Subscriptions<string>(10);
    for (const [peer, module, features] of [
      ['a', 1, 0],
      ['b', 1, 3],
      ['a', 2, 1],
      ['a', 1, 1],
    ] as const)
      expect(subscriptions.subscribe(peer, module, features)).toBe(true);
    expect([...subscriptions.of(1)]).toEqual([
      { peer: 'a', features: 1 },
      { peer: 'b', features: 3 },
    ]);
    expect(subscriptions.count).toBe(3);
    subscriptions.forget('a');
    expect([...subscriptions.of(1)]).toEqual([{ peer: 'b', features: 3 }]);
    expect([...subscriptions.of(2)]).toEqual([]);
    subscriptions.forget('a');
    expect(subscriptions.count).toBe(1);
  });

  test('of one peer are limited, those it has stay; others are not concerned', () => {
    const subscriptions = new Subscriptions<string>(2);
    expect([1, 2, 3, 1].map(module => subscriptions.subscribe('a', module, 0))).toEqual([true, true, false, true]);
    expect(subscriptions.subscribe('b', 3, 0)).toBe(true);
    expect(subscriptions.count).toBe(3);
  });

  test('are what a plain list says, whatever comes', () => {
    const act = fc.record({
      peer: fc.constantFrom('a', 'b', 'c'),
      module: fc.nat(3),
      features: fc.nat(3),
      forget: fc.nat(5).map(n => n === 0),
    });
    fc.assert(
      fc.property(fc.array(act), acts => {
        const subscriptions = new Subscriptions<string>(100);
        const model = new Map<string, { peer: string; module: number; features: number }>();
        for (const { peer, module, features, forget } of acts) {
          if (forget) {
            subscriptions.forget(peer);
            for (const [key, entry] of model) if (entry.peer === peer) model.delete(key);
          } else {
            subscriptions.subscribe(peer, module, features);
            model.set(`${peer}${module}`, { peer, module, features });
          }
        }
        expect(subscriptions.count).toBe(model.size);
        for (const module of [0, 1, 2, 3]) {
          const told = [...subscriptions.of(module)].map(({ peer, features }) => `${peer} ${features}`);
          const expected = [...model.values()]
            .filter(entry => entry.module === module)
            .map(entry => `${entry.peer} ${entry.features}`);
          expect(told.sort()).toEqual(expected.sort());
        }
      }),
    );
  });
});

describe('an answer', () => {
  const key = routeKey(1, 2);
  const never = () => {
    throw new Error('truncated');
  };

  test('carries the hosts in order, and the version', () => {
    const hosts = [hostInfo(3, { weight: 5, zone: 'eu' }), hostInfo(1), namedHost('db.example'), hostInfo(2, { drain: true })];
    expect(decode(new RouteAnswers(never).frame(key, route(hosts), ALL))).toEqual({
      modid: 1,
      cmdid: 2,
      host: hosts,
      version: 7,
      overload: false,
      notModified: false,
    });
  });

  const name = namedHost('db.example');
  const draining = hostInfo(3, { drain: true });
  const drainingName = { ...namedHost('old.example'), drain: true };

  test.each([
    ['nothing', 0, [hostInfo(1), hostInfo(2)]],
    ['hosts with addr', Feature.HostAddr, [hostInfo(1), name, hostInfo(2)]],
    ['draining', Feature.Drain, [hostInfo(1), draining, hostInfo(2)]],
    ['both', ALL, [hostInfo(1), name, draining, drainingName, hostInfo(2)]],
    ['what nobody knows of, too', 0xffff_ffff, [hostInfo(1), name, draining, drainingName, hostInfo(2)]],
  ])('has the hosts that the peer understands: %s', (_, features, hosts) => {
    const answers = new RouteAnswers(never);
    const mixed = route([hostInfo(1), name, draining, drainingName, hostInfo(2)]);
    // Whoever asked before: each kind of peer has its own frame.
    for (const other of [0, 1, 2, 3]) answers.frame(key, mixed, other);
    expect(decode(answers.frame(key, mixed, features)).host).toEqual(hosts);
  });

  test('is empty when all hosts drain and the peer does not know of it', () => {
    const { host, version, notModified } = decode(new RouteAnswers(never).frame(key, route([draining]), Feature.HostAddr));
    expect({ host, version, notModified }).toEqual({ host: [], version: 7, notModified: false });
  });

  test('is encoded once per version of the route and kind of peer', () => {
    const answers = new RouteAnswers(never);
    const plain = route(hostInfos(2));
    const frame = answers.frame(key, plain, ALL);
    for (const features of [ALL, Feature.HostAddr, 0]) expect(answers.frame(key, plain, features)).toBe(frame);
    const changed = route([hostInfo(1), draining], 8);
    const without = answers.frame(key, changed, 0);
    expect(decode(without).version).toBe(8);
    expect(answers.frame(key, changed, Feature.HostAddr)).toBe(without);
    expect(answers.frame(key, changed, Feature.Drain)).toBe(answers.frame(key, changed, ALL));
    expect(answers.frame(key, changed, ALL)).not.toBe(without);
    answers.forget(plain);
    expect(answers.frame(key, plain, ALL)).not.toBe(frame);
  });

  test('says gone, and not modified, without hosts', () => {
    expect(decode(noHostsFrame({ modid: -1, cmdid: 2 }, 9))).toMatchObject({
      modid: -1,
      cmdid: 2,
      host: [],
      version: 9,
      notModified: false,
    });
    expect(decode(notModifiedFrame(route(hostInfos(3))))).toMatchObject({
      modid: 1,
      cmdid: 2,
      host: [],
      version: 7,
      notModified: true,
    });
  });

  test('takes as many of the first hosts as a frame can hold, and not one less', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 253 }),
        fc.nat(64),
        fc.integer({ min: 1, max: 70_000 }),
        (addrLength, zoneLength, wanted) => {
          const host = namedHost('a'.repeat(addrLength));
          const count = Math.min(wanted, 8_000);
          const hosts = Array.from({ length: count }, (_, port) => ({
            ...host,
            port: port + 1,
            zone: '\u00e9'.repeat(zoneLength),
          }));
          let leftOut = 0;
          const frame = new RouteAnswers((_, n) => {
            leftOut = n;
          }).frame(key, route(hosts), ALL);
          expect(frame.length).toBeLessThanOrEqual(HEAD_BYTES + MAX_BODY_BYTES);
          expect(decode(frame).host).toEqual(hosts.slice(0, count - leftOut));
          // One host more, all of about the same size, would not have fitted.
          if (leftOut > 0) expect(frame.length + frame.length / (count - leftOut) + 20).toBeGreaterThan(MAX_BODY_BYTES);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('the push queue', () => {
  const routes = (count: number, version = 1) => Array.from({ length: count }, (_, n) => route(hostInfos(1), version, n));
  const turn = () => new Promise(resolve => setImmediate(resolve));

  test('sends a small change at once', () => {
    const sent: Route[] = [];
    const queue = new PushQueue((_, route) => sent.push(route));
    queue.add(routes(3));
    expect(sent).toEqual(routes(3));
    expect(queue.length).toBe(0);
  });

  test('sends a large one in portions by bytes, between which others have their turn', async () => {
    const sent: number[] = [];
    const queue = new PushQueue((_, route) => {
      sent.push(route.modid);
      return 50_000;
    });
    queue.add(routes(10));
    const counts = [sent.length];
    while (queue.length > 0) {
      await turn();
      counts.push(sent.length);
    }
    expect(counts).toEqual([3, 6, 9, 10]);
    expect(sent).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('sends a large one in portions by number where nobody listens', async () => {
    let sent = 0;
    const queue = new PushQueue(() => {
      sent += 1;
      return 0;
    });
    queue.add(routes(5_000));
    expect(sent).toBe(2_000);
    while (queue.length > 0) await turn();
    expect(sent).toBe(5_000);
  });

  test('sends a route that changes again while it waits once, as it is last', async () => {
    const sent: string[] = [];
    const queue = new PushQueue((_, { modid, version }) => {
      sent.push(`${modid}@${version}`);
      return 50_000;
    });
    queue.add(routes(6));
    queue.add(routes(6, 2));
    while (queue.length > 0) await turn();
    expect(sent).toEqual(['0@1', '1@1', '2@1', '3@2', '4@2', '5@2', '0@2', '1@2', '2@2']);
  });

  test('sends nothing any more when it is stopped', async () => {
    let sent = 0;
    const queue = new PushQueue(() => {
      sent += 1;
      return 200_000;
    });
    queue.add(routes(5));
    queue.stop();
    await turn();
    expect(sent).toBe(1);
    expect(queue.length).toBe(0);
  });
});
