/**
 * The fast form of a message changes nothing but the time that an answer takes: a caller that asks with a field more, which is left to the
 * general form, gets the same answers, and the same is counted.
 */
import { type HostInfo, MessageId, type ModuleId, ReturnCode } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { shardCounters } from '../../../agent/src/counters.ts';
import { GetHostHandler } from '../../../agent/src/shard/get-host.ts';
import { type HandlerDeps, NOT_HANDLED } from '../../../agent/src/shard/message-handler.ts';
import { ActiveModule, ModuleTable } from '../../../agent/src/shard/module-table.ts';
import { ReportHandler } from '../../../agent/src/shard/report.ts';
import { RouteFetcher } from '../../../agent/src/shard/route-fetcher.ts';
import { writeHeader } from '../../../proto/src/header.ts';
import { decodeGetHost, getHostFrame, getRouteFrame, hostInfo, namedHost, reportFrame } from '../../support/agent-messages.ts';
import { int32, uint32 } from '../../support/lars-arbitraries.ts';
import { ROUTE_WAIT_MS, ShardWorld, UPDATE_TIMEOUT_MS } from './shard-world.ts';

/** All belong to shard 0. */
const MODULES = [
  { modid: 1, cmdid: 2 },
  { modid: -7, cmdid: 2 ** 31 - 1 },
  { modid: 2 ** 31 - 1, cmdid: -1 },
] as const;
/** Nobody knows it, and it belongs to shard 0; this one to shard 1. */
const ABSENT = { modid: 30, cmdid: 0 } as const;
const FOREIGN = { modid: 1, cmdid: 0 } as const;

const HOSTS: readonly HostInfo[] = [
  hostInfo(80, { ip: -1_062_731_343, weight: 200, zone: 'a' }),
  hostInfo(81, { zone: 'zürich' }),
  hostInfo(82, { zone: 'z'.repeat(200) }),
  namedHost('db.example'),
];

type Step =
  | { readonly kind: 'getHost'; readonly frame: Uint8Array }
  | { readonly kind: 'report'; readonly frame: Uint8Array }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'route'; readonly module: ModuleId; readonly hosts: readonly HostInfo[] };

const module = fc.constantFrom(...MODULES, ABSENT, FOREIGN);
const host = fc.oneof(fc.constantFrom(...HOSTS), fc.constantFrom(undefined, hostInfo(0), hostInfo(-1), hostInfo(9)));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(module, uint32, fc.nat(3)).map(([id, seq, features]) => getHostStep({ ...id, seq, features })),
  },
  { weight: 6, arbitrary: fc.tuple(module, host, fc.oneof(fc.constant(0), int32), fc.nat(2_000)).map(reportStep) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(0.25, 10, ROUTE_WAIT_MS, UPDATE_TIMEOUT_MS - 1, UPDATE_TIMEOUT_MS)
      .map((ms): Step => ({ kind: 'advance', ms })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...MODULES), fc.subarray([...HOSTS]))
      .map(([of, hosts]): Step => ({ kind: 'route', module: of, hosts })),
  },
);

describe.each([
  ['classic', classicBalancer(CLASSIC_DEFAULTS)],
  ['adaptive', adaptiveBalancer(ADAPTIVE_DEFAULTS)],
])('%s', (_name, newBalancer) => {
  test('every answer and every count is that of the general path', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), steps => {
        const [hot, general] = [new ShardWorld({ newBalancer }), new ShardWorld({ newBalancer })];
        for (const world of [hot, general]) for (const { modid, cmdid } of MODULES) world.route(modid, cmdid, HOSTS, 1);
        for (const next of steps) {
          take(hot, next, frame => frame);
          take(general, next, withUnknownField);
        }
        expect(hot.answers).toStrictEqual(general.answers);
        expect(hot.fetches).toStrictEqual(general.fetches);
        expect(hot.counted()).toStrictEqual(general.counted());
        for (const world of [hot, general]) world.shardAt(0).flushAll(world.nowMs, world.unixMs);
        expect(hot.reports).toStrictEqual(general.reports);
      }),
      { numRuns: 150 },
    );
  });
});

test('a datagram may lie anywhere in a slot, and its answer too', () => {
  const world = new ShardWorld();
  world.route(1, 2, [hostInfo(80)]);
  const slot = new Uint8Array(400).fill(0xee);
  const datagram = getHostFrame({ modid: 1, cmdid: 2, seq: 9 });
  slot.set(datagram, 33);
  const length = world.shardAt(0).handleDatagram(slot, 33, 33 + datagram.length, slot, 100, 'caller', world.nowMs);
  expect(decodeGetHost(slot.slice(100, 100 + length))).toMatchObject({ seq: 9, retcode: ReturnCode.Success, host: { port: 80 } });
  expect(slot[99]).toBe(0xee);
  expect(slot[100 + length]).toBe(0xee);
});

describe('what is handled in place', () => {
  const NOW_MS = 1_000;
  const STALE_AT_MS = 2_000;
  const served = { modid: 1, cmdid: 2 };
  const usualReport = reportFrame({ ...served, host: hostInfo(80), retcode: 1, tcost: 5 });

  const datagrams: readonly [string, boolean, Uint8Array, number?][] = [
    ['getHost for a module that is served', true, getHostFrame({ ...served, seq: 1, features: 3 })],
    ['getHost for a module that is known not to exist', true, getHostFrame(ABSENT)],
    ['a report for a module that is served', true, usualReport],
    ['getHost just before the route is to be asked for again', true, getHostFrame(served), STALE_AT_MS - 0.5],
    ['getHost when the route is to be asked for again, which is done', true, getHostFrame(served), STALE_AT_MS],
    ['getHost for a module that nobody asked for', false, getHostFrame({ modid: 3, cmdid: 3 })],
    ['a report for a module that is not served', false, reportFrame({ ...ABSENT, host: hostInfo(80) })],
    ['a report for a host with a name', false, reportFrame({ ...served, host: namedHost('db.example') })],
    ['getRoute', false, getRouteFrame(served)],
    ['a field that it does not know', false, withUnknownField(getHostFrame(served))],
    ['a datagram that is shorter than its header says', false, usualReport.subarray(0, -1)],
    ['a datagram that is shorter than a header', false, usualReport.subarray(0, 7)],
  ];
  test.each(datagrams)('%s: %s', (_name, taken, datagram, nowMs = NOW_MS) => {
    const counters = new SharedCounters(shardCounters);
    const modules: HandlerDeps['modules'] = new ModuleTable({ routeWaitMs: 1, maxWaiting: 1, absentTtlMs: 10_000, maxAbsent: 1 });
    const active = new ActiveModule(
      served,
      classicBalancer(CLASSIC_DEFAULTS),
      () => 0,
      () => undefined,
    );
    active.balancer.setHosts([hostInfo(80)], 0);
    active.staleAtMs = STALE_AT_MS;
    modules.activate(active);
    modules.markAbsent(ABSENT.modid, ABSENT.cmdid, NOW_MS);
    const fetched: number[] = [];
    const fetcher = new RouteFetcher(
      { updateTimeoutMs: 15_000 },
      ({ modid }, _version, urgent) => fetched.push(urgent ? -modid : modid),
      counters,
    );
    // The fast forms never forward and never park.
    const deps = { modules, fetcher, counters, scratch: new Uint8Array(0) } as unknown as HandlerDeps;
    const [getHost, report] = [new GetHostHandler(deps), new ReportHandler(deps, 15_000, () => {})];
    const isHandled = (): boolean => {
      const end = datagram.length;
      if (datagram[0] === MessageId.ReportRequest) return report.handleInPlace(datagram, 0, end, nowMs);
      // getRoute has a general form only.
      if (datagram[0] !== MessageId.GetHostRequest) return false;
      return getHost.handleInPlace(datagram, 0, end, new Uint8Array(400), 0, nowMs) !== NOT_HANDLED;
    };
    expect(isHandled()).toBe(taken);
    expect(fetched).toEqual(nowMs < STALE_AT_MS ? [] : [served.modid]);
    // What it leaves alone, the general form will count.
    if (!taken) expect(Object.values(counters.toObject()).every(value => value === 0)).toBe(true);
  });
});

function getHostStep(request: { modid: number; cmdid: number; seq: number; features: number }): Step {
  return { kind: 'getHost', frame: getHostFrame(request) };
}

function reportStep([id, of, retcode, tcost]: [ModuleId, HostInfo | undefined, number, number]): Step {
  return { kind: 'report', frame: reportFrame({ ...id, host: of, retcode, tcost }) };
}

function take(world: ShardWorld, next: Step, asked: (frame: Uint8Array) => Uint8Array): void {
  switch (next.kind) {
    case 'advance':
      world.advance(next.ms);
      world.expireWaits();
      world.flushDue();
      return;
    case 'route':
      world.route(next.module.modid, next.module.cmdid, next.hosts, 2);
      return;
    default:
      world.send(0, asked(next.frame));
      // What was forwarded carries the datagram as it was asked: let its owner answer at once.
      world.settle();
  }
}

function withUnknownField(frame: Uint8Array): Uint8Array {
  const longer = Uint8Array.from([...frame, 0x78, 1]);
  writeHeader(longer, 0, longer[0] as never, longer.length - 8);
  return longer;
}
