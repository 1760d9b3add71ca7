/** What the agent hears of calls that were picked from a copy: all of it, in order, and soon. */
import type { BatchResult } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FORGET_MS } from '../../../client-sdk/src/cache/cached-module.ts';
import { MIN_REFRESH_GAP_MS } from '../../../client-sdk/src/cache/refresh.ts';
import { FLUSH_INTERVAL_MS } from '../../../client-sdk/src/cache/route-cache.ts';
import { MAX_UNSENT_CALLS } from '../../../client-sdk/src/cache/unsent-results.ts';
import type { LarsHost } from '../../../client-sdk/src/lars-host.ts';
import { CacheWorld, hostInfo, hostInfos } from './cache-world.ts';

/** Hosts of the copy by port. */
function hostsOf(world: CacheWorld, count: number): LarsHost[] {
  const byPort = new Map<number, LarsHost>();
  while (byPort.size < count) {
    const host = world.pickHost() as LarsHost;
    byPort.set(host.port, host);
    world.report(host, true);
  }
  world.cache.flushAll();
  world.takeSent();
  return Array.from({ length: count }, (_, i) => byPort.get(i + 1) as LarsHost);
}

const entry = (port: number, succ: number, err: number, tcost: number) => expect.objectContaining({ port, succ, err, tcost });

describe('successes', () => {
  test('wait for the next tick, merged by host, those with a duration apart from those without', () => {
    const world = new CacheWorld().open();
    const [first, second] = hostsOf(world, 3);
    for (const tcostMs of [5, 0, 7, 0, 0]) world.report(first, true, tcostMs);
    world.report(second, true, 9);
    expect(world.sent).toEqual([]);
    expect(world.cache.counts.held).toBe(6);
    world.advance(FLUSH_INTERVAL_MS);
    expect(world.takeSent()).toEqual([{ batch: [entry(1, 2, 0, 12), entry(1, 3, 0, 0), entry(2, 1, 0, 9)] }]);
    expect(world.cache.counts.held).toBe(0);
    world.advance(FLUSH_INTERVAL_MS);
    expect(world.sent).toEqual([]);
  });

  test('are sent before the tick when there are very many', () => {
    const world = new CacheWorld().open([hostInfo(1)]);
    const host = world.pickHost();
    for (let i = 1; i < MAX_UNSENT_CALLS; i++) world.report(host, true, 1);
    expect(world.sent).toEqual([]);
    world.report(host, true, 1);
    expect(world.takeResults()).toEqual([entry(1, MAX_UNSENT_CALLS, 0, MAX_UNSENT_CALLS)]);
  });

  test('are sent before the agent is asked for a host, and before it is asked for the route', () => {
    const world = new CacheWorld().open();
    world.report(world.pickHost(), true);
    world.ask();
    expect(world.takeSent()).toEqual([{ batch: [expect.anything()] }]);
    world.advance(19 * FLUSH_INTERVAL_MS, () => world.pick());
    world.report(world.pickHost(), true);
    world.advance(FLUSH_INTERVAL_MS);
    expect(world.takeSent()).toEqual([{ batch: [expect.anything()] }, { asked: 7 }]);
  });

  test('are sent when the copy is closed', () => {
    const world = new CacheWorld().open();
    world.advance(20 * FLUSH_INTERVAL_MS, () => world.pick());
    world.takeSent();
    world.report(world.pickHost(), true);
    world.answer({ notModified: true, host: [], overload: true });
    world.ask();
    expect(world.takeResults()).toHaveLength(1);
  });
});

describe('a failure', () => {
  test('is sent at the end of the tick, after the successes before it and before those after it', () => {
    const world = new CacheWorld().open();
    const [first, second] = hostsOf(world, 3);
    world.report(first, true, 3);
    world.report(second, false, 20);
    world.report(first, true, 4);
    world.report(second, false);
    world.report(second, true);
    expect(world.sent).toEqual([]);
    world.endTick();
    expect(world.takeResults()).toEqual([
      entry(1, 1, 0, 3),
      entry(2, 0, 1, 20),
      entry(1, 1, 0, 4),
      entry(2, 0, 1, 0),
      entry(2, 1, 0, 0),
    ]);
  });

  test('of many in one tick are sent in datagrams of a hundred results', () => {
    const world = new CacheWorld().open([hostInfo(1)]);
    const host = world.pickHost();
    for (let i = 0; i < 250; i++) world.report(host, false);
    world.endTick();
    const sizes = world.takeSent().flatMap(one => ('batch' in one ? [one.batch.length] : []));
    expect(sizes).toEqual([100, 100, 50]);
  });

  test('makes its host expensive until the agent has decided', () => {
    const world = new CacheWorld().open(hostInfos(2));
    const [first] = hostsOf(world, 2);
    for (let i = 0; i < 3; i++) world.report(first, false);
    const picks = Array.from({ length: 50 }, () => {
      const host = world.pickHost() as LarsHost;
      world.report(host, true);
      return host.port;
    });
    expect(picks.filter(port => port === 1)).toEqual([]);
  });
});

describe('reports that come late', () => {
  test('about a host that has left the copy are sent all the same', () => {
    const world = new CacheWorld().open([hostInfo(1)]);
    const host = world.pickHost();
    world.nowMs += MIN_REFRESH_GAP_MS;
    world.report(host, false);
    world.endTick();
    world.answer({ host: [hostInfo(2)], version: 8 });
    world.takeSent();
    world.report(host, true, 4);
    world.advance(FLUSH_INTERVAL_MS);
    expect(world.takeResults()).toEqual([entry(1, 1, 0, 4)]);
  });

  test('about a module that was forgotten are sent at once', () => {
    const world = new CacheWorld().open();
    const host = world.pickHost();
    world.advance(FORGET_MS + FLUSH_INTERVAL_MS, () => world.waiting.length > 0 && world.answer());
    world.takeSent();
    world.report(host, true, 4);
    expect(world.takeResults()).toEqual([entry(host?.port ?? 0, 1, 0, 4)]);
  });

  test('or never, or twice, leave no trace in the choice for long', () => {
    const world = new CacheWorld().open(hostInfos(2));
    const shareOfFirst = (calls: number) => {
      let first = 0;
      for (let i = 0; i < calls; i++) {
        const host = world.pickHost() as LarsHost;
        if (host.port === 1) first += 1;
        world.report(host, true);
      }
      return first / calls;
    };
    // The calls to the first host are never reported; those to the second are reported twice.
    const hosts = Array.from({ length: 200 }, () => world.pickHost() as LarsHost);
    for (const host of [...hosts, ...hosts]) if (host.port === 2) world.report(host, true);
    expect(shareOfFirst(100)).toBe(0);
    world.advance(12_000, () => {
      if (world.waiting.length > 0) world.answer({ notModified: true, host: [] });
      shareOfFirst(1);
    });
    expect(shareOfFirst(1_000)).toBeCloseTo(0.5, 1);
  });
});

test('whatever is reported, when and about whom: the agent hears of each call once, and of no success that came before a failure after it', () => {
  const call = fc.record({ do: fc.constant('call' as const), ok: fc.boolean(), tcostMs: fc.nat(50), keep: fc.boolean() });
  const step = fc.oneof(
    { weight: 8, arbitrary: call },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('late' as const), ok: fc.boolean(), tcostMs: fc.nat(50) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('tick' as const, 'interval' as const, 'ask' as const, 'flush' as const) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('answer' as const), hosts: fc.integer({ min: 1, max: 5 }), overload: fc.boolean() }),
    },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const world = new CacheWorld().open();
      const reported: { port: number; ok: boolean; tcostMs: number }[] = [];
      const kept: LarsHost[] = [];
      const report = (host: LarsHost, ok: boolean, tcostMs: number) => {
        reported.push({ port: host.port, ok, tcostMs });
        world.report(host, ok, tcostMs);
      };
      let version = 7;
      for (const step of steps) {
        const host = step.do === 'call' ? world.pickHost() : undefined;
        if (step.do === 'call' && host !== undefined) {
          if (step.keep) kept.push(host);
          else report(host, step.ok, step.tcostMs);
        } else if (step.do === 'late' && kept.length > 0) report(kept.shift() as LarsHost, step.ok, step.tcostMs);
        else if (step.do === 'tick') world.endTick();
        else if (step.do === 'interval') world.advance(FLUSH_INTERVAL_MS);
        else if (step.do === 'ask') world.ask();
        else if (step.do === 'flush') world.cache.flushAll();
        else if (step.do === 'answer' && world.waiting.length > 0) {
          version += 1;
          world.answer({ host: hostInfos(step.hosts), overload: step.overload, version });
        }
      }
      world.cache.flushAll();
      expectSame(world.takeResults(), reported);
    }),
  );
});

/** Between two failures the order of successes is free, for they are merged. */
function expectSame(results: readonly BatchResult[], reported: readonly { port: number; ok: boolean; tcostMs: number }[]): void {
  const heard = new Segments();
  for (const { port, succ, err, tcost } of results) heard.add(port, succ, err, tcost);
  const expected = new Segments();
  for (const { port, ok, tcostMs } of reported) expected.add(port, ok ? 1 : 0, ok ? 0 : 1, tcostMs);
  expect(heard.list).toEqual(expected.list);
}

/** Sums of the successes by host, between failures. */
class Segments {
  readonly list: Record<string, number>[] = [{}];

  add(port: number, succ: number, err: number, tcost: number): void {
    if (err > 0) {
      expect([succ, err]).toEqual([0, 1]);
      this.list.push({ [`failed ${port}`]: tcost }, {});
      return;
    }
    const sums = this.list.at(-1) as Record<string, number>;
    const kind = tcost === 0 ? 'untimed' : 'timed';
    sums[`${kind} ${port}`] = (sums[`${kind} ${port}`] ?? 0) + succ;
    sums[`ms ${port}`] = (sums[`ms ${port}`] ?? 0) + tcost;
  }
}
