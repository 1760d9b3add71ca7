/**
 * The route service over both of its sources: the table of its own thread, and a main thread to which it posts messages that arrive
 * when the test lets them.
 */
import { encodeBody, LarsProtocolError, MessageId, routeKey } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DnsserverCounter, dnsserverCounters } from '../../../../dnsserver/src/counters.ts';
import { RouteTable } from '../../../../dnsserver/src/follow/route-table.ts';
import { EncodeQueue } from '../../../../dnsserver/src/serve/encode-queue.ts';
import { RouteEncoder } from '../../../../dnsserver/src/serve/encoded-route.ts';
import type { MemoryLimits } from '../../../../dnsserver/src/serve/memory-limit.ts';
import { PARKED_REQUESTS_MAX } from '../../../../dnsserver/src/serve/parked-requests.ts';
import { RouteService } from '../../../../dnsserver/src/serve/route-service.ts';
import type { MessageToWorker, SubscriptionChange } from '../../../../dnsserver/src/serve/workers/messages.ts';
import { unpackRoutes } from '../../../../dnsserver/src/serve/workers/route-pack.ts';
import { RemoteRouteSource, WorkerSubscriptions } from '../../../../dnsserver/src/serve/workers/worker-subscriptions.ts';
import { hostInfos } from '../../../support/agent-messages.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { encoded, RecordingConnection, route, tick } from './push-routes.ts';

interface World {
  readonly service: RouteService;
  readonly counters: SharedCounters<DnsserverCounter>;
  /** Modules 0.. with so many hosts from now on; 0 removes. */
  set(modid: number, hosts: number, versionOnly?: boolean): void;
  /** Lets one message arrive in each direction. */
  step(): Promise<void>;
  /** Lets everything arrive. */
  settle(): Promise<void>;
  /** The number of modules to which main holds the worker to be subscribed. */
  subscribedModules(): number;
}

const MAX_SUBSCRIPTIONS = 3;
const NO_LIMITS = { perConnection: Number.POSITIVE_INFINITY, total: Number.POSITIVE_INFINITY };

function tableWorld() {
  const counters = new SharedCounters(dnsserverCounters);
  const table = new RouteTable();
  let version = 0;
  const next = (modid: number, hosts: number) => {
    version += 1;
    const changed = [route(hostInfos(hosts), version, modid)];
    table.applyDiff(changed);
    return changed;
  };
  return { counters, table, next, encoder: new RouteEncoder(table, counters, recordingLog().log) };
}

function ownThread(memory: MemoryLimits = NO_LIMITS): World {
  const { counters, next, encoder } = tableWorld();
  const service = new RouteService({
    source: { subscribe: module => encoder.encodeModule(module), unsubscribe: () => {} },
    counters,
    tcp: { max_subscriptions: MAX_SUBSCRIPTIONS },
    memory,
  });
  const queue = new EncodeQueue({
    isSubscribed: key => service.isSubscribed(key),
    encode: each => encoder.encodeRoute(each),
    deliver: (routes, versionOnly) => service.updateRoutes(routes, versionOnly),
    counters,
  });
  return {
    service,
    counters,
    set: (modid, hosts, versionOnly = false) => queue.addRoutes(next(modid, hosts), versionOnly),
    step: tick,
    settle: tick,
    subscribedModules: () => [...Array(10).keys()].filter(modid => service.isSubscribed(routeKey(modid, 2))).length,
  };
}

function workerThread(): World {
  const { counters, next, encoder } = tableWorld();
  const toMain: (readonly SubscriptionChange[])[] = [];
  const toWorker: MessageToWorker[] = [];
  const subscriptions = new WorkerSubscriptions({
    workers: 1,
    encoder,
    counters,
    post: (_, message) => toWorker.push(structuredClone(message)),
  });
  const service = new RouteService({
    source: new RemoteRouteSource(changes => toMain.push(changes)),
    counters,
    tcp: { max_subscriptions: MAX_SUBSCRIPTIONS },
    memory: NO_LIMITS,
  });
  const step = async () => {
    await tick();
    const changes = toMain.shift();
    if (changes !== undefined) subscriptions.applyChanges(0, changes);
    const message = toWorker.shift();
    if (message?.type === 'routes') service.updateRoutes(unpackRoutes(message.routes), message.versionOnly);
  };
  return {
    service,
    counters,
    set: (modid, hosts, versionOnly = false) => subscriptions.publish(next(modid, hosts), versionOnly),
    step,
    settle: async () => {
      do await step();
      while (toMain.length > 0 || toWorker.length > 0);
      await step();
    },
    subscribedModules: () => subscriptions.moduleCount,
  };
}

function ask({ service }: World, connection: RecordingConnection, modid: number, version = 0): void {
  const body = encodeBody(MessageId.GetRouteRequest, { modid, cmdid: 2, version, features: 0 });
  service.onFrame(connection, MessageId.GetRouteRequest, body);
}

const shown = (connection: RecordingConnection) =>
  connection.received.map(
    ({ modid, version, host, notModified }) => `${modid}@${version}${notModified ? ' current' : ` ${host.length}`}`,
  );

describe.each([
  ['in the main thread', ownThread],
  ['in a worker thread', workerThread],
])('a route service %s', (_, makeWorld) => {
  test('answers in the order of the requests, known modules and unknown ones', async () => {
    const w = makeWorld();
    for (const modid of [0, 1]) w.set(modid, modid + 1);
    const [first, second] = [new RecordingConnection(), new RecordingConnection()];
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
    const connection = new RecordingConnection();
    ask(w, connection, 1);
    w.set(1, 2);
    await w.settle();
    w.set(1, 0);
    await w.settle();
    w.set(1, 3);
    w.set(2, 3);
    await w.settle();
    expect(shown(connection).slice(-3)).toEqual(['1@2 2', '1@3 0', '1@4 3']);
  });

  test('pushes a version once, though the source delivers it twice', async () => {
    const w = makeWorld();
    const connection = new RecordingConnection();
    ask(w, connection, 1);
    await w.settle();
    const changed = encoded(route(hostInfos(2), 5));
    for (let n = 0; n < 2; n++) w.service.updateRoutes([changed]);
    expect(shown(connection)).toEqual(['1@0 0', '1@5 2']);
  });

  test('says nothing of a version that grew alone, but answers with it', async () => {
    const w = makeWorld();
    w.set(1, 1);
    const connection = new RecordingConnection();
    ask(w, connection, 1);
    await w.settle();
    w.set(1, 1, true);
    await w.settle();
    ask(w, connection, 1, 2);
    await w.settle();
    expect(shown(connection)).toEqual(['1@1 1', '1@2 current']);
  });

  test('answers without subscribing beyond the limit, and keeps nothing for it', async () => {
    const w = makeWorld();
    const connection = new RecordingConnection();
    for (let modid = 0; modid < 6; modid++) ask(w, connection, modid);
    await w.settle();
    expect([connection.received.length, w.service.subscriptionCount, w.subscribedModules()]).toEqual([
      6,
      MAX_SUBSCRIPTIONS,
      MAX_SUBSCRIPTIONS,
    ]);
    expect(w.counters.get('subscriptionsRefused')).toBe(3);
  });

  test('forgets a module when the last who asked for it has gone, at whatever moment', async () => {
    const w = makeWorld();
    const [first, second] = [new RecordingConnection(), new RecordingConnection()];
    for (const connection of [first, second]) for (const modid of [1, 2]) ask(w, connection, modid);
    w.service.onClose(first);
    await w.settle();
    expect([first.received.length % 2, second.received.length, w.subscribedModules()]).toEqual([0, 2, 2]);
    w.service.onClose(second);
    await w.settle();
    expect([w.service.subscriptionCount, w.subscribedModules()]).toEqual([0, 0]);
  });

  test('refuses any other message', () => {
    const w = makeWorld();
    expect(() => w.service.onFrame(new RecordingConnection(), MessageId.ReportStatusRequest, new Uint8Array())).toThrow(
      LarsProtocolError,
    );
    expect(w.counters.get('requests')).toBe(0);
  });

  test('keeps its promises whatever happens: order of answers, no older route after a newer, nothing lost', async () => {
    const act = fc.record({
      what: fc.constantFrom('ask', 'ask', 'ask', 'set', 'set', 'close', 'step', 'step'),
      connection: fc.nat(2),
      modid: fc.nat(3),
      hosts: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), async acts => {
        const w = makeWorld();
        const connections = [new RecordingConnection(), new RecordingConnection(), new RecordingConnection()];
        const subscribed = connections.map(() => new Set<number>());
        const asked: number[][] = connections.map(() => []);
        const truth = new Map<number, number>();
        for (const { what, connection, modid, hosts } of acts) {
          if (what === 'step') await w.step();
          else if (what === 'set') {
            w.set(modid, hosts);
            truth.set(modid, hosts);
          } else if (what === 'close') {
            w.service.onClose(connections[connection] as RecordingConnection);
            connections[connection] = new RecordingConnection();
            subscribed[connection]?.clear();
            asked[connection] = [];
          } else {
            ask(w, connections[connection] as RecordingConnection, modid);
            asked[connection]?.push(modid);
            const mine = subscribed[connection] as Set<number>;
            if (mine.size < MAX_SUBSCRIPTIONS) mine.add(modid);
          }
        }
        await w.settle();
        for (const [at, connection] of connections.entries()) {
          expect(
            isSubsequence(
              asked[at] ?? [],
              connection.received.map(({ modid }) => modid),
            ),
          ).toBe(true);
          for (const modid of subscribed[at] ?? []) {
            const told = connection.received.filter(each => each.modid === modid);
            expect(told.at(-1)?.host.length).toBe(truth.get(modid) ?? 0);
            const versions = told.map(({ version }) => version).filter(version => version > 0);
            expect(versions).toEqual([...versions].sort((a, b) => a - b));
          }
        }
        expect(w.service.subscriptionCount).toBe(subscribed.reduce((sum, each) => sum + each.size, 0));
        expect(w.subscribedModules()).toBe(new Set(subscribed.flatMap(each => [...each])).size);
      }),
      { numRuns: 300 },
    );
  });
});

describe('requests that wait for main', () => {
  test('are bounded: a connection with many of them is not read until they are answered', async () => {
    const w = workerThread();
    const connection = new RecordingConnection();
    for (let n = 0; n < PARKED_REQUESTS_MAX - 1; n++) ask(w, connection, 1);
    expect(connection.paused).toBe(false);
    for (let n = 0; n < 10; n++) ask(w, connection, 1);
    expect([connection.paused, connection.received.length]).toEqual([true, 0]);
    await w.settle();
    expect([connection.paused, connection.received.length, connection.flushes.length]).toEqual([
      false,
      PARKED_REQUESTS_MAX + 9,
      1,
    ]);
  });

  test('are asked of main in one message per tick, each module once', async () => {
    const posted: (readonly SubscriptionChange[])[] = [];
    const service = new RouteService({
      source: new RemoteRouteSource(changes => posted.push(changes)),
      counters: new SharedCounters(dnsserverCounters),
      tcp: { max_subscriptions: 100 },
      memory: NO_LIMITS,
    });
    const connection = new RecordingConnection();
    for (const modid of [1, 2, 1, 3, 2]) ask({ service } as World, connection, modid);
    await tick();
    expect(posted).toEqual([[1, 2, 3].map(modid => ({ modid, cmdid: 2, subscribes: true }))]);
  });
});

function isSubsequence(wanted: readonly number[], all: readonly number[]): boolean {
  let at = 0;
  for (const each of all) if (each === wanted[at]) at += 1;
  return at === wanted.length;
}

test('a route counts against the memory only while somebody is subscribed to it', () => {
  const { service, set } = ownThread({ ...NO_LIMITS, total: 300_000 });
  set(1, 3_000);
  const request = encodeBody(MessageId.GetRouteRequest, { modid: 1, cmdid: 2, version: 0, features: 0 });
  class ServedConnection extends RecordingConnection {
    override destroy(): void {
      super.destroy();
      service.onClose(this);
    }
  }
  for (let i = 0; i < 30; i++) {
    const connection = new ServedConnection();
    service.onFrame(connection, MessageId.GetRouteRequest, request);
    expect([connection.received[0]?.host.length, connection.closed]).toEqual([3_000, false]);
    service.onClose(connection);
  }
});
