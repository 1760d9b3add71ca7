import { encodeFrame, type HostInfo, MAX_DATAGRAM_BYTES, MessageId, ReturnCode } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { describe, expect, test } from 'vitest';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import type { BalancerFactory, ModuleBalancer } from '../../../agent/src/balancer/balancer.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { type ShardCounter, shardCounters } from '../../../agent/src/counters.ts';
import { GetHostHandler } from '../../../agent/src/shard/get-host.ts';
import type { HandlerDeps } from '../../../agent/src/shard/message-handler.ts';
import { ActiveModule, ModuleTable } from '../../../agent/src/shard/module-table.ts';
import { RouteFetcher } from '../../../agent/src/shard/route-fetcher.ts';
import { SimulatedPicks } from '../../../agent/src/shard/simulated-picks.ts';
import { decodeGetHost, getHostFrame, getRouteFrame, hostInfo, namedHost } from '../../support/agent-messages.ts';
import { ShardWorld, UPDATE_TIMEOUT_MS } from './shard-world.ts';

const NOW_MS = 1_000;
const namedHosts = (count: number) => Array.from({ length: count }, (_, i) => namedHost(`db${i}.example`));
const request = { seq: 7, modid: -1, cmdid: 2, features: 0, purpose: 0 };

function moduleOf(
  hosts: readonly HostInfo[],
  newBalancer: BalancerFactory<ModuleBalancer> = classicBalancer(CLASSIC_DEFAULTS),
): ActiveModule {
  const module = new ActiveModule(
    request,
    newBalancer,
    () => 0,
    () => undefined,
  );
  module.balancer.setHosts(hosts, 0);
  module.staleAtMs = NOW_MS + 1;
  return module;
}

/** A handler that knows the module, or knows that it does not exist. */
function handlerOf(module: ActiveModule | undefined, counters = new SharedCounters(shardCounters)): GetHostHandler {
  const modules: HandlerDeps['modules'] = new ModuleTable({ routeWaitMs: 1, maxWaiting: 1, absentTtlMs: 1_000, maxAbsent: 1 });
  if (module === undefined) modules.markAbsent(request.modid, request.cmdid, NOW_MS);
  else modules.activate(module);
  const fetcher = new RouteFetcher({ updateTimeoutMs: 1_000 }, () => undefined, counters);
  // What it knows is neither forwarded nor parked.
  return new GetHostHandler({
    modules,
    fetcher,
    counters,
    simulatedPicks: new SimulatedPicks(),
    scratch: new Uint8Array(MAX_DATAGRAM_BYTES),
  } as unknown as HandlerDeps);
}

describe('an answer, in place and as bytes of its own', () => {
  const named = namedHost('db.example');
  const draining = hostInfo(80, { drain: true });
  const answers: readonly [string, HostInfo[] | undefined, number, ReturnCode, HostInfo | undefined, ShardCounter][] = [
    ['a usual host', [hostInfo(80)], 0, ReturnCode.Success, hostInfo(80), 'answeredSuccess'],
    [
      'a host in a zone with a long name',
      [hostInfo(80, { zone: 'z'.repeat(255) })],
      0,
      0,
      hostInfo(80, { zone: 'z'.repeat(255) }),
      'answeredSuccess',
    ],
    [
      'a host in a zone whose name is not ASCII',
      [hostInfo(80, { zone: 'zürich' })],
      0,
      0,
      hostInfo(80, { zone: 'zürich' }),
      'answeredSuccess',
    ],
    ['a named host to who understands it', [named], 1, ReturnCode.Success, named, 'answeredSuccess'],
    [
      'a host beside named ones to who does not',
      [named, named, hostInfo(80)],
      0,
      ReturnCode.Success,
      hostInfo(80),
      'answeredSuccess',
    ],
    [
      'a host beside very many named ones',
      [...namedHosts(300), hostInfo(80)],
      0,
      ReturnCode.Success,
      hostInfo(80),
      'answeredSuccess',
    ],
    ['named hosts only, to who does not', [named], 2, ReturnCode.SystemError, undefined, 'answeredError'],
    ['no host may be called', [draining], 0, ReturnCode.Overload, undefined, 'answeredOverload'],
    ['no such module', undefined, 0, ReturnCode.NoExist, undefined, 'answeredNoExist'],
  ];
  const algorithms = [classicBalancer(CLASSIC_DEFAULTS), adaptiveBalancer(ADAPTIVE_DEFAULTS)] as const;
  const cases = algorithms.flatMap(newBalancer => answers.map(answer => [newBalancer, ...answer] as const));
  test.each(cases)('%#: %s', (newBalancer, _name, hosts, features, retcode, host, counter) => {
    const counters = new SharedCounters(shardCounters);
    const module = hosts === undefined ? undefined : moduleOf(hosts, newBalancer);
    const handler = handlerOf(module, counters);
    const expected = encodeFrame(MessageId.GetHostResponse, { seq: 7, modid: -1, cmdid: 2, retcode, host });

    const reply = new Uint8Array(1_000);
    const datagram = getHostFrame({ ...request, features });
    const length = handler.handleInPlace(datagram, 0, datagram.length, reply, 11, NOW_MS);
    expect(reply.slice(11, 11 + length)).toStrictEqual(expected);
    expect(handler.answer(module, { ...request, features }, NOW_MS)).toStrictEqual(expected);
    expect(counters.get(counter)).toBe(2);
  });

  test.each([
    { cause: 'queue', counted: 1 },
    { cause: 'no-host', counted: 0 },
  ] as const)('OVERLOAD because of $cause: $counted in the count of refusals for a queue', ({ cause, counted }) => {
    const counters = new SharedCounters(shardCounters);
    const { balancer } = moduleOf([hostInfo(80)]);
    const refusing: ModuleBalancer = Object.create(balancer, {
      pick: { value: () => undefined },
      hosts: { value: () => balancer.hosts() },
      refusalCause: { value: cause },
    });
    const module = new ActiveModule(
      request,
      () => refusing,
      () => 0,
      () => undefined,
    );
    const frame = handlerOf(module, counters).answer(module, request, NOW_MS);
    expect(decodeGetHost(frame).retcode).toBe(ReturnCode.Overload);
    expect([counters.get('answeredOverload'), counters.get('refusedQueue')]).toEqual([1, counted]);
  });

  test('bytes of its own stay as they are', () => {
    const module = moduleOf([hostInfo(80)]);
    const handler = handlerOf(module);
    const first = handler.answer(module, request, NOW_MS);
    handler.answer(undefined, { ...request, seq: 8 }, NOW_MS);
    expect(decodeGetHost(first)).toMatchObject({ seq: 7, retcode: ReturnCode.Success });
    // They cross threads, and the whole buffer would cross with a view.
    expect(first.buffer.byteLength).toBe(first.length);
  });
});

describe('what the general form answers', () => {
  test('it writes where the answer belongs', () => {
    const world = new ShardWorld();
    world.route(1, 2, [hostInfo(80)]);
    const slot = new Uint8Array(1_000).fill(0xee);
    const datagram = getRouteFrame({ modid: 1, cmdid: 2 });
    const length = world.shardAt(0).handleDatagram(datagram, 0, datagram.length, slot, 100, 'caller', world.nowMs);
    expect(slot.subarray(0, 100).every(byte => byte === 0xee)).toBe(true);
    expect(slot[100]).toBe(MessageId.ApiGetRouteResponse);
    expect(slot[100 + length]).toBe(0xee);
  });

  test('a route is not asked for again before its time, and at most a millisecond after it', () => {
    const world = new ShardWorld();
    world.advance(0.75);
    world.route(1, 2, [hostInfo(80)]);
    world.advance(UPDATE_TIMEOUT_MS - 0.25);
    world.getHost({ modid: 1, cmdid: 2 });
    expect(world.fetches).toHaveLength(0);
    world.advance(1);
    world.getHost({ modid: 1, cmdid: 2 });
    expect(world.fetches).toHaveLength(1);
  });
});
