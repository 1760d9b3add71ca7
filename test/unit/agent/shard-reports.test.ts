import { type HostCallResult, hostKey } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import type { StatusReport } from '../../../agent/src/threads/messages.ts';
import { batchFrame, hostInfo, hostInfos, namedHost, reportFrame } from '../../support/agent-messages.ts';
import { REPORT_TIMEOUT_MS, ShardWorld } from './shard-world.ts';

const MODULE = { modid: 3, cmdid: 0 };

function withRoute(hosts = hostInfos(3)): ShardWorld {
  const world = new ShardWorld();
  world.route(3, 0, hosts);
  return world;
}

function report(world: ShardWorld, port: number, ok = true, tcost = 0): void {
  world.send(0, reportFrame({ ...MODULE, host: hostInfo(port), retcode: ok ? 0 : 1, tcost }));
}

function result(port: number, counts: Partial<HostCallResult>): HostCallResult {
  const { ip, addr, weight } = hostInfo(port);
  return { ip, port, addr, weight, succ: 0, err: 0, overload: false, tcost: 0, probes: 0, ...counts };
}

describe('what callers report goes to the reporter', () => {
  test('merged per module, one period after the first call, never per call', () => {
    const world = withRoute();
    for (let i = 0; i < 10; i++) report(world, 1, true, 5);
    report(world, 1, false, 20);
    report(world, 2, false);
    world.advance(REPORT_TIMEOUT_MS - 1);
    world.flushDue();
    expect(world.reports).toEqual([]);
    world.advance(1);
    world.flushDue();
    const ts = Math.floor(world.unixMs / 1_000);
    expect(world.reports).toEqual([
      { ...MODULE, ts, results: [result(1, { succ: 10, err: 1, tcost: 70 }), result(2, { err: 1 })] },
    ]);
    expect(world.count('reportedCalls')).toBe(12);
  });

  test('once: without further calls there is no further report', () => {
    const world = withRoute();
    report(world, 1);
    for (let i = 0; i < 5; i++) {
      world.advance(REPORT_TIMEOUT_MS);
      world.flushDue();
    }
    expect(world.reports).toHaveLength(1);
  });

  test('each module at its own time, the one that is due first comes first', () => {
    const world = withRoute();
    world.route(6, 0, hostInfos(1));
    world.send(0, reportFrame({ modid: 6, host: hostInfo(1) }));
    world.advance(1_000);
    report(world, 1);
    world.advance(REPORT_TIMEOUT_MS - 1_000);
    world.flushDue();
    expect(world.reports.map(({ modid }) => modid)).toEqual([6]);
    world.advance(1_000);
    world.flushDue();
    expect(world.reports.map(({ modid }) => modid)).toEqual([6, 3]);
  });

  test('tells whether a host is overloaded, and how often it was probed', () => {
    const world = new ShardWorld({ newBalancer: classicBalancer({ ...CLASSIC_DEFAULTS, probeNum: 1 }) });
    world.route(3, 0, hostInfos(2));
    for (let i = 0; i < 200; i++) report(world, 1, false);
    for (let seq = 0; seq < 10; seq++) world.getHost({ ...MODULE, seq });
    world.advance(REPORT_TIMEOUT_MS);
    world.flushDue();
    const [told] = world.reports[0]?.results ?? [];
    expect(told).toMatchObject({ port: 1, err: 200, overload: true });
    expect(told?.probes).toBe(5);
  });

  test('a host with a name is reported under its name', () => {
    const world = withRoute([namedHost('a.example', 81)]);
    world.send(0, reportFrame({ ...MODULE, host: namedHost('a.example', 81) }));
    world.shardAt(0).flushAll(world.nowMs, world.unixMs);
    expect(world.reports[0]?.results).toMatchObject([{ ip: 0, addr: 'a.example', port: 81, succ: 1 }]);
  });

  test('at the end all at once, due or not, and only once', () => {
    const world = withRoute();
    world.route(6, 0, hostInfos(1));
    report(world, 1);
    world.send(0, reportFrame({ modid: 6, host: hostInfo(1) }));
    world.shardAt(0).flushAll(world.nowMs, world.unixMs);
    expect(world.reports.map(({ modid }) => modid)).toEqual([3, 6]);
    world.shardAt(0).flushAll(world.nowMs, world.unixMs);
    expect(world.reports).toHaveLength(2);
  });
});

describe('counts are not lost', () => {
  test('when their host leaves the route', () => {
    const world = withRoute();
    report(world, 1);
    report(world, 2);
    world.route(3, 0, [hostInfo(2)]);
    expect(world.reports).toMatchObject([
      {
        ...MODULE,
        results: [
          { port: 1, succ: 1 },
          { port: 2, succ: 1 },
        ],
      },
    ]);
  });

  test('when their module is removed', () => {
    const world = withRoute();
    report(world, 1, false);
    world.route(3, 0, []);
    expect(world.reports).toMatchObject([{ ...MODULE, results: [{ port: 1, err: 1 }] }]);
    world.advance(REPORT_TIMEOUT_MS);
    world.flushDue();
    expect(world.reports).toHaveLength(1);
  });

  test('property: whatever comes in between, the reporter is told of every call that was counted, host by host', () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant('report' as const), port: fc.integer({ min: 1, max: 4 }), ok: fc.boolean() }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('route' as const), ports: fc.uniqueArray(fc.integer({ min: 1, max: 4 })) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: REPORT_TIMEOUT_MS }) }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const world = withRoute();
        const told = new Map<string, number>();
        for (const one of steps) {
          if (one.kind === 'route')
            world.route(
              3,
              0,
              one.ports.map(port => hostInfo(port)),
            );
          else if (one.kind === 'time') {
            world.advance(one.ms);
            world.flushDue();
          } else {
            const before = world.count('reportedCalls');
            report(world, one.port, one.ok);
            const key = `${hostKey(hostInfo(one.port))} ${one.ok}`;
            told.set(key, (told.get(key) ?? 0) + world.count('reportedCalls') - before);
          }
        }
        world.shardAt(0).flushAll(world.nowMs, world.unixMs);
        const expected = [...told].filter(([, calls]) => calls > 0);
        expect(sumOf(world.reports)).toEqual(new Map(expected));
      }),
    );
  });
});

describe('a report that fits nothing', () => {
  test.each([
    ['of a module that is not held', reportFrame({ modid: 6, host: hostInfo(1) }), { reportUnknownModule: 1 }],
    ['of a host that is not in the route', reportFrame({ ...MODULE, host: hostInfo(99) }), { reportUnknownHost: 1 }],
    ['without a host', reportFrame(MODULE), { reportUnknownHost: 1 }],
    ['in a batch, of a module that is not held', batchFrame({ modid: 6, results: [] }), { reportUnknownModule: 1 }],
    [
      'in a batch, of two unknown hosts and a known one',
      batchFrame({ ...MODULE, results: [7, 1, 8].map(port => ({ ...hostInfo(port), succ: 2 })) }),
      { reportUnknownHost: 2, reportedCalls: 2 },
    ],
  ])('%s is counted and dropped', (_, datagram, counted) => {
    const world = withRoute();
    world.send(0, datagram);
    expect(world.counted()).toEqual({ routeChanges: 1, ...counted });
    expect([world.answers, world.messages, world.fetches]).toEqual([[], [], []]);
  });
});

describe('a batch report', () => {
  test.each([
    [10, 5, false],
    [5, 10, false],
    [5, 15, true],
    [0, 3, true],
    [3, 0, false],
  ])('spreads the failures of an entry evenly: %i successes, %i failures, three in a row: %j', (succ, err, inRow) => {
    const options = { ...CLASSIC_DEFAULTS, continErrLimit: 3, errRate: 0.99 };
    const world = new ShardWorld({ newBalancer: classicBalancer(options) });
    world.route(3, 0, hostInfos(3));
    world.send(0, batchFrame({ ...MODULE, results: [{ ...hostInfo(1), succ, err }] }));
    expect(world.count('ejections')).toBe(inRow ? 1 : 0);
    world.advance(REPORT_TIMEOUT_MS);
    world.flushDue();
    expect(world.reports).toMatchObject([{ results: [{ port: 1, succ, err }] }]);
  });

  test('counts all its calls, and spreads its time over them', () => {
    const world = withRoute();
    const results = [
      { ...hostInfo(1), succ: 30, err: 10, tcost: 400 },
      { ...hostInfo(2), succ: 1 },
    ];
    world.send(0, batchFrame({ ...MODULE, results }));
    world.shardAt(0).flushAll(world.nowMs, world.unixMs);
    expect(world.reports[0]?.results).toEqual([result(1, { succ: 30, err: 10, tcost: 400 }), result(2, { succ: 1 })]);
    expect(world.count('reportedCalls')).toBe(41);
  });

  test('is believed up to an hour a call, as a single report is', () => {
    const world = withRoute();
    const HOUR_MS = 3_600_000;
    const lie = { ...hostInfo(1), succ: 2, tcost: 2 ** 53 };
    world.send(0, batchFrame({ ...MODULE, results: [lie, lie] }));
    world.send(0, reportFrame({ ...MODULE, host: hostInfo(2), tcost: 2 ** 32 - 1 }));
    world.shardAt(0).flushAll(world.nowMs, world.unixMs);
    expect(world.reports[0]?.results).toMatchObject([{ tcost: 4 * HOUR_MS }, { tcost: HOUR_MS }]);
  });

  test('moves hosts as single reports do', () => {
    const world = withRoute();
    world.send(0, batchFrame({ ...MODULE, results: [{ ...hostInfo(1), err: 200 }] }));
    expect(world.count('ejections')).toBe(1);
    expect([1, 2, 3, 4].map(seq => world.getHost({ ...MODULE, seq })?.host?.port)).toEqual([2, 3, 2, 3]);
  });

  test('of very many calls counts each, and tells the balancer of a sample that is the same mixture', () => {
    const told: [number, boolean][] = [];
    const newBalancer: typeof counting = deps => {
      const balancer = counting(deps);
      const report = balancer.report.bind(balancer);
      balancer.report = (host, ok, tcostMs, nowMs, picked) => {
        told.push([Number(String(host).length > 0), ok]);
        return report(host, ok, tcostMs, nowMs, picked);
      };
      return balancer;
    };
    const counting = classicBalancer(CLASSIC_DEFAULTS);
    const world = new ShardWorld({ newBalancer });
    world.route(3, 0, hostInfos(3));
    const results = [
      { ...hostInfo(1), succ: 60_000, err: 20_000, tcost: 400_001 },
      { ...hostInfo(2), succ: 7, err: 1, tcost: 13 },
    ];
    world.send(0, batchFrame({ ...MODULE, results }));
    expect(told.length).toBeLessThan(1_100);
    const failures = told.filter(([, ok]) => !ok).length;
    expect(failures / told.length).toBeCloseTo(0.25, 2);
    world.shardAt(0).flushAll(world.nowMs, world.unixMs);
    expect(world.reports[0]?.results).toMatchObject([
      { port: 1, succ: 60_000, err: 20_000, tcost: 400_001 },
      { port: 2, succ: 7, err: 1, tcost: 13 },
    ]);
    expect(world.count('reportedCalls')).toBe(80_008);
    world.advance(REPORT_TIMEOUT_MS);
    world.flushDue();
    expect(world.reports).toHaveLength(1);
    world.send(0, reportFrame({ ...MODULE, host: hostInfo(1) }));
    world.shardAt(0).flushAll(world.nowMs, world.unixMs);
    expect(world.reports[1]?.results).toMatchObject([{ port: 1, succ: 1, err: 0 }]);
  });

  test('of very many calls costs no more than one of a thousand', () => {
    const world = withRoute();
    const timeOf = (succ: number) => {
      const frame = batchFrame({ ...MODULE, fromCopy: true, results: [{ ...hostInfo(1), succ, tcost: succ }] });
      const startMs = performance.now();
      for (let i = 0; i < 200; i++) world.send(0, frame);
      return performance.now() - startMs;
    };
    timeOf(1_000);
    // A hundred times as many calls; without the sample it took about as many times as long.
    expect(timeOf(100_000)).toBeLessThan(20 * timeOf(1_000));
  });

  test('may tell of 100,000 calls; the rest of what a datagram claims is cut and counted', () => {
    const world = withRoute();
    const huge = { ...hostInfo(1), succ: 60_000, err: 2 ** 32 - 1 };
    world.send(0, batchFrame({ ...MODULE, results: Array.from({ length: 1_000 }, () => huge) }));
    const claimed = 1_000 * (huge.succ + huge.err);
    expect(world.counted()).toMatchObject({ reportedCalls: 100_000, reportCallsCut: claimed - 100_000 });
    world.shardAt(0).flushAll(world.nowMs, world.unixMs);
    expect(world.reports[0]?.results).toMatchObject([{ succ: 60_000, err: 40_000 }]);
  });
});

/** Calls told to the reporter, by host and outcome. */
function sumOf(reports: readonly StatusReport[]): Map<string, number> {
  const sums = new Map<string, number>();
  const add = (key: string, calls: number) => calls > 0 && sums.set(key, (sums.get(key) ?? 0) + calls);
  for (const told of reports.flatMap(({ results }) => results)) {
    add(`${hostKey(told)} true`, told.succ);
    add(`${hostKey(told)} false`, told.err);
  }
  return sums;
}
