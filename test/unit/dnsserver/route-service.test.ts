/**
 * The route service over both of its sources: the table of its own thread, and a main thread to which it writes mail that arrives
 * when the test lets it.
 */
import { encodeBody, LarsProtocolError, MessageId, routeKey } from '@lars/proto';
import { CounterBank } from '@lars/runtime/counters';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DnsserverCounter, dnsserverCounters } from '../../../dnsserver/src/counters.ts';
import { RouteTable } from '../../../dnsserver/src/follow/route-table.ts';
import { RouteFeed } from '../../../dnsserver/src/serve/encode-queue.ts';
import { HELD_REQUESTS_MAX } from '../../../dnsserver/src/serve/parked-requests.ts';
import { RouteEncoder } from '../../../dnsserver/src/serve/route-encoder.ts';
import { RouteService } from '../../../dnsserver/src/serve/route-service.ts';
import { InterestMail } from '../../../dnsserver/src/serve/workers/interest-mail.ts';
import type { Interest, MailToWorker } from '../../../dnsserver/src/serve/workers/messages.ts';
import { unpackRoutes } from '../../../dnsserver/src/serve/workers/route-pack.ts';
import { WorkerRoutes } from '../../../dnsserver/src/serve/workers/worker-subscriptions.ts';
import { hostInfos } from '../../support/agent-messages.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { encoded, RecordingPeer, route, turn } from './push-routes.ts';

interface World {
  readonly service: RouteService;
  readonly counters: CounterBank<DnsserverCounter>;
  /** Modules 0.. with so many hosts from now on; 0 removes. */
  set(modid: number, hosts: number, quiet?: boolean): void;
  /** Lets one piece of mail arrive in each direction. */
  step(): Promise<void>;
  /** Lets everything arrive. */
  settle(): Promise<void>;
  /** What main believes that the worker wants to hear of. */
  followed(): number;
}

const MAX_SUBSCRIPTIONS = 3;

function tableWorld() {
  const counters = new CounterBank(dnsserverCounters);
  const table = new RouteTable();
  let version = 0;
  const next = (modid: number, hosts: number) => {
    version += 1;
    const changed = [route(hostInfos(hosts), version, modid)];
    table.apply(changed);
    return changed;
  };
  return { counters, table, next, encoder: new RouteEncoder(table, counters, recordingLog().log) };
}

function ownThread(): World {
  const { counters, next, encoder } = tableWorld();
  const service = new RouteService({
    source: { follow: module => encoder.find(module), unfollow: () => {} },
    counters,
    maxSubscriptions: MAX_SUBSCRIPTIONS,
  });
  const feed = new RouteFeed({
    isFollowed: key => service.follows(key),
    encode: each => encoder.encode(each),
    deliver: (routes, quiet) => service.update(routes, quiet),
    counters,
  });
  return {
    service,
    counters,
    set: (modid, hosts, quiet = false) => feed.add(next(modid, hosts), quiet),
    step: turn,
    settle: turn,
    followed: () => [...Array(10).keys()].filter(modid => service.follows(routeKey(modid, 2))).length,
  };
}

function workerThread(): World {
  const { counters, next, encoder } = tableWorld();
  const toMain: (readonly Interest[])[] = [];
  const toWorker: MailToWorker[] = [];
  const routes = new WorkerRoutes({ workers: 1, encoder, counters, post: (_, mail) => toWorker.push(structuredClone(mail)) });
  const service = new RouteService({
    source: new InterestMail(interests => toMain.push(interests)),
    counters,
    maxSubscriptions: MAX_SUBSCRIPTIONS,
  });
  const step = async () => {
    await turn();
    const interests = toMain.shift();
    if (interests !== undefined) routes.onInterests(0, interests);
    const mail = toWorker.shift();
    if (mail?.type === 'routes') service.update(unpackRoutes(mail.routes), mail.quiet);
  };
  return {
    service,
    counters,
    set: (modid, hosts, quiet = false) => routes.publish(next(modid, hosts), quiet),
    step,
    settle: async () => {
      do await step();
      while (toMain.length > 0 || toWorker.length > 0);
      await step();
    },
    followed: () => routes.followed,
  };
}

function ask({ service }: World, peer: RecordingPeer, modid: number, version = 0): void {
  const body = encodeBody(MessageId.GetRouteRequest, { modid, cmdid: 2, version, features: 0 });
  service.onFrame(peer, MessageId.GetRouteRequest, body);
}

const shown = (peer: RecordingPeer) =>
  peer.received.map(
    ({ modid, version, host, notModified }) => `${modid}@${version}${notModified ? ' current' : ` ${host.length}`}`,
  );

describe.each([
  ['in the main thread', ownThread],
  ['in a worker thread', workerThread],
])('a route service %s', (_, makeWorld) => {
  test('answers in the order of the requests, known modules and unknown ones', async () => {
    const w = makeWorld();
    for (const modid of [0, 1]) w.set(modid, modid + 1);
    const [first, second] = [new RecordingPeer(), new RecordingPeer()];
    ask(w, first, 1);
    await w.settle();
    for (const modid of [5, 1, 0]) ask(w, second, modid);
    ask(w, first, 1, 2);
    await w.settle();
    expect([shown(first), shown(second)]).toEqual([
      ['1@2 2', '1@2 current'],
      ['5@0 0', '1@2 2', '0@1 1'],
    ]);
    expect(w.counters.toObject()).toMatchObject({ requests: 5, answers: 5, notModified: 1, unknownModule: 1 });
  });

  test('pushes what changes after the answer, and what changes before it only once', async () => {
    const w = makeWorld();
    w.set(1, 1);
    const peer = new RecordingPeer();
    ask(w, peer, 1);
    w.set(1, 2);
    await w.settle();
    w.set(1, 0);
    await w.settle();
    w.set(1, 3);
    w.set(2, 3);
    await w.settle();
    expect(shown(peer).slice(-3)).toEqual(['1@2 2', '1@3 0', '1@4 3']);
  });

  test('pushes a version once, though it be told twice', async () => {
    const w = makeWorld();
    const peer = new RecordingPeer();
    ask(w, peer, 1);
    await w.settle();
    const changed = encoded(route(hostInfos(2), 5));
    for (let n = 0; n < 2; n++) w.service.update([changed]);
    expect(shown(peer)).toEqual(['1@0 0', '1@5 2']);
  });

  test('says nothing of a version that grew alone, but answers with it', async () => {
    const w = makeWorld();
    w.set(1, 1);
    const peer = new RecordingPeer();
    ask(w, peer, 1);
    await w.settle();
    w.set(1, 1, true);
    await w.settle();
    ask(w, peer, 1, 2);
    await w.settle();
    expect(shown(peer)).toEqual(['1@1 1', '1@2 current']);
  });

  test('answers without subscribing beyond the limit, and holds nothing for it', async () => {
    const w = makeWorld();
    const peer = new RecordingPeer();
    for (let modid = 0; modid < 6; modid++) ask(w, peer, modid);
    await w.settle();
    expect([peer.received.length, w.service.subscriptionCount, w.followed()]).toEqual([6, MAX_SUBSCRIPTIONS, MAX_SUBSCRIPTIONS]);
    expect(w.counters.get('subscriptionsRefused')).toBe(3);
  });

  test('forgets a module when the last who asked for it has gone, at whatever moment', async () => {
    const w = makeWorld();
    const [first, second] = [new RecordingPeer(), new RecordingPeer()];
    for (const peer of [first, second]) for (const modid of [1, 2]) ask(w, peer, modid);
    w.service.onClose(first);
    await w.settle();
    expect([first.received.length % 2, second.received.length, w.followed()]).toEqual([0, 2, 2]);
    w.service.onClose(second);
    await w.settle();
    expect([w.service.subscriptionCount, w.followed()]).toEqual([0, 0]);
  });

  test('refuses any other message', () => {
    const w = makeWorld();
    expect(() => w.service.onFrame(new RecordingPeer(), MessageId.ReportStatusRequest, new Uint8Array())).toThrow(
      LarsProtocolError,
    );
    expect(w.counters.get('requests')).toBe(0);
  });

  test('keeps its promises whatever happens: order of answers, no older route after a newer, nothing lost', async () => {
    const act = fc.record({
      what: fc.constantFrom('ask', 'ask', 'ask', 'set', 'set', 'close', 'step', 'step'),
      peer: fc.nat(2),
      modid: fc.nat(3),
      hosts: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), async acts => {
        const w = makeWorld();
        const peers = [new RecordingPeer(), new RecordingPeer(), new RecordingPeer()];
        const subscribed = peers.map(() => new Set<number>());
        const asked: number[][] = peers.map(() => []);
        const truth = new Map<number, number>();
        for (const { what, peer, modid, hosts } of acts) {
          if (what === 'step') await w.step();
          else if (what === 'set') {
            w.set(modid, hosts);
            truth.set(modid, hosts);
          } else if (what === 'close') {
            w.service.onClose(peers[peer] as RecordingPeer);
            peers[peer] = new RecordingPeer();
            subscribed[peer]?.clear();
            asked[peer] = [];
          } else {
            ask(w, peers[peer] as RecordingPeer, modid);
            asked[peer]?.push(modid);
            const mine = subscribed[peer] as Set<number>;
            if (mine.size < MAX_SUBSCRIPTIONS) mine.add(modid);
          }
        }
        await w.settle();
        for (const [at, peer] of peers.entries()) {
          expect(
            isSubsequence(
              asked[at] ?? [],
              peer.received.map(({ modid }) => modid),
            ),
          ).toBe(true);
          for (const modid of subscribed[at] ?? []) {
            const told = peer.received.filter(each => each.modid === modid);
            expect(told.at(-1)?.host.length).toBe(truth.get(modid) ?? 0);
            const versions = told.map(({ version }) => version).filter(version => version > 0);
            expect(versions).toEqual([...versions].sort((a, b) => a - b));
          }
        }
        expect(w.service.subscriptionCount).toBe(subscribed.reduce((sum, each) => sum + each.size, 0));
        expect(w.followed()).toBe(new Set(subscribed.flatMap(each => [...each])).size);
      }),
      { numRuns: 300 },
    );
  });
});

describe('requests that wait for main', () => {
  test('are bounded: a connection with many of them is not read until they are answered', async () => {
    const w = workerThread();
    const peer = new RecordingPeer();
    for (let n = 0; n < HELD_REQUESTS_MAX - 1; n++) ask(w, peer, 1);
    expect(peer.paused).toBe(false);
    for (let n = 0; n < 10; n++) ask(w, peer, 1);
    expect([peer.paused, peer.received.length]).toEqual([true, 0]);
    await w.settle();
    expect([peer.paused, peer.received.length, peer.flushes.length]).toEqual([false, HELD_REQUESTS_MAX + 9, 1]);
  });

  test('are asked of main in one piece per turn, each module once', async () => {
    const mails: (readonly Interest[])[] = [];
    const service = new RouteService({
      source: new InterestMail(interests => mails.push(interests)),
      counters: new CounterBank(dnsserverCounters),
      maxSubscriptions: 100,
    });
    const peer = new RecordingPeer();
    for (const modid of [1, 2, 1, 3, 2]) ask({ service } as World, peer, modid);
    await turn();
    expect(mails).toEqual([[1, 2, 3].map(modid => ({ modid, cmdid: 2, follows: true }))]);
  });
});

function isSubsequence(wanted: readonly number[], all: readonly number[]): boolean {
  let at = 0;
  for (const each of all) if (each === wanted[at]) at += 1;
  return at === wanted.length;
}
