/** When hosts are picked from a copy of the route, and when the agent is asked. */

import { describe, expect, test } from 'vitest';
import { CONGESTED_MS, FORGET_MS } from '../../../client-sdk/src/cache/cached-module.ts';
import type { HostStats } from '../../../client-sdk/src/cache/host-stats.ts';
import { pickRecordOf } from '../../../client-sdk/src/cache/pick-record.ts';
import { MIN_REFRESH_GAP_MS, REFRESH_MS, UNCACHEABLE_MS } from '../../../client-sdk/src/cache/refresh.ts';
import { FLUSH_INTERVAL_MS } from '../../../client-sdk/src/cache/route-cache.ts';
import { LarsHost } from '../../../client-sdk/src/lars-host.ts';
import { CacheWorld, hostInfo, hostInfos, MODULE } from './cache-world.ts';

const drained = hostInfos(3).map(info => ({ ...info, drain: true }));

/** Asks of the agent while time passes, each answered so. */
function asksWhile(world: CacheWorld, ms: number, details: Parameters<CacheWorld['answer']>[0] = { notModified: true }): number {
  let asks = 0;
  for (let passed = 0; passed < ms; passed += FLUSH_INTERVAL_MS) {
    world.advance(FLUSH_INTERVAL_MS, () => world.call());
    if (world.waiting.length === 0) continue;
    asks += 1;
    world.answer(details);
  }
  return asks;
}

describe('the first use of a module', () => {
  test('asks the agent for a host, and for the route beside it, once', () => {
    const world = new CacheWorld();
    expect(world.pick()).toBeUndefined();
    expect(world.sent).toEqual([]);
    world.askBusily();
    expect(world.takeSent()).toEqual([{ asked: 0 }]);
    expect(world.pick()).toBeUndefined();
    world.answer();
    expect(world.pick()).toBeOneOf([1, 2, 3]);
  });

  test('of a module whose route the agent has yet to get asks again as soon as it has picked a host', () => {
    const world = new CacheWorld();
    world.askBusily();
    world.answer({ host: [], version: 0 });
    world.takeSent();
    world.nowMs += 20;
    world.cache.onAgentPick(new LarsHost(MODULE.modid, MODULE.cmdid, hostInfo(1)), world.nowMs);
    expect(world.takeSent()).toEqual([{ asked: 0 }]);
    world.answer();
    expect(world.pick()).toBeDefined();
  });

  test('is none of what has other modules, nor of what is no number', () => {
    const world = new CacheWorld().open();
    world.ask({ modid: -5, cmdid: 2 });
    world.answer();
    for (const [modid, cmdid] of [
      [2, 1],
      ['1', 2],
      [1, '2'],
      [1, undefined],
      ['-5', 2],
      [1n, 2],
      [1, Symbol('2')],
    ]) {
      expect(world.cache.pick(modid as number, cmdid as number)).toBeUndefined();
    }
  });
});

test.each([
  ['of which only the agent picks', { overload: true }, true, REFRESH_MS],
  ['without a version: its agent never says that it must pick', { version: 0 }, true, UNCACHEABLE_MS],
  ['that does not fit in a datagram: hosts would never be called', {}, false, UNCACHEABLE_MS],
  ['all of whose hosts drain', { host: drained }, true, REFRESH_MS],
  ['whose hosts cannot be called', { host: [hostInfo(0)] }, true, REFRESH_MS],
  ['without hosts', { host: [] }, true, REFRESH_MS],
])('a route %s is not picked from, and asked for again in time', (_, details, isWhole, afterMs) => {
  const world = new CacheWorld();
  world.askBusily();
  world.answer(details, isWhole);
  world.takeSent();
  expect(world.pick()).toBeUndefined();
  world.advance(afterMs - FLUSH_INTERVAL_MS, () => world.call());
  expect(world.sent).toEqual([]);
  world.advance(FLUSH_INTERVAL_MS);
  expect(world.waiting).toHaveLength(1);
  world.answer();
  expect(world.pick()).toBeDefined();
});

describe('a copy', () => {
  test('is compared with the agent every two seconds while it is used, and no pick waits for the answer', () => {
    const world = new CacheWorld().open();
    world.advance(REFRESH_MS - FLUSH_INTERVAL_MS, () => world.pick());
    expect(world.takeAsked()).toEqual([]);
    world.advance(FLUSH_INTERVAL_MS);
    expect(world.takeAsked()).toEqual([7]);
    world.advance(FLUSH_INTERVAL_MS, () => expect(world.pick()).toBeDefined());
    world.answer({ notModified: true, host: [] });
    expect(asksWhile(world, 20 * REFRESH_MS)).toBe(20);
  });

  test('stays when it is current, and changes when it is not', () => {
    const world = new CacheWorld().open([hostInfo(1)]);
    const host = world.pickHost();
    world.advance(REFRESH_MS, () => world.call());
    world.answer({ notModified: true, host: [] });
    expect(world.pickHost()).toBe(host);
    world.pick();
    world.advance(REFRESH_MS, () => world.call());
    world.answer({ host: [hostInfo(2)], version: 8 });
    expect(world.pick()).toBe(2);
    world.takeSent();
    world.advance(REFRESH_MS);
    expect(world.takeAsked()).toEqual([8]);
  });

  test('is given up when another version than its own is said to be current', () => {
    const world = new CacheWorld().open();
    world.advance(REFRESH_MS);
    world.answer({ notModified: true, host: [], version: 6 });
    expect(world.pick()).toBeUndefined();
  });

  test('never gives a host that drains or has left the route', () => {
    const world = new CacheWorld().open([hostInfo(1), hostInfo(2, { drain: true }), hostInfo(3), hostInfo(4)]);
    const picked = new Set(Array.from({ length: 200 }, () => world.pick()));
    expect(picked).toEqual(new Set([1, 3, 4]));
    world.advance(REFRESH_MS);
    world.answer({ host: [hostInfo(4), hostInfo(5)], version: 8 });
    expect(new Set(Array.from({ length: 200 }, () => world.pick()))).toEqual(new Set([4, 5]));
  });

  test('is not picked from while the agent must pick, and is again two seconds after that', () => {
    const world = new CacheWorld().open();
    world.advance(REFRESH_MS);
    world.answer({ notModified: true, host: [], overload: true });
    expect(asksWhile(world, 3 * REFRESH_MS, { notModified: true, host: [], overload: true })).toBe(3);
    expect(world.pick()).toBeUndefined();
    expect(asksWhile(world, REFRESH_MS)).toBe(1);
    expect(world.pick()).toBeDefined();
  });

  test('that the agent does not confirm for six seconds is not picked from, and is asked about every second', () => {
    const world = new CacheWorld().open();
    const fail = () => {
      world.call();
      world.waiting.shift()?.onNoRoute(world.nowMs);
    };
    world.advance(6_000, fail);
    expect(world.takeAsked()).toEqual([7, 7, 7, 7]);
    expect(world.pick()).toBeDefined();
    world.advance(FLUSH_INTERVAL_MS, fail);
    expect(world.pick()).toBeUndefined();
    world.advance(1_000, fail);
    world.advance(1_000);
    world.answer({ notModified: true, host: [] });
    expect(world.pick()).toBeDefined();
  });

  test('that is not used for ten seconds is not refreshed, and picked from only after it was', () => {
    const world = new CacheWorld().open();
    const confirm = () => world.waiting.length > 0 && world.answer({ notModified: true, host: [] });
    world.advance(FORGET_MS / 2, confirm);
    expect(world.takeAsked()).toHaveLength(5);
    expect(world.pick()).toBeUndefined();
    world.askBusily();
    expect(world.takeAsked()).toEqual([7]);
    world.answer({ notModified: true, host: [] });
    expect(world.pick()).toBeDefined();
  });

  test('that is not used for a minute is forgotten', () => {
    const world = new CacheWorld().open();
    world.advance(FORGET_MS - FLUSH_INTERVAL_MS, () => world.waiting.length > 0 && world.answer());
    expect(world.cache.isEmpty).toBe(false);
    world.advance(2 * FLUSH_INTERVAL_MS);
    expect(world.cache.isEmpty).toBe(true);
    expect(world.cache.pick(MODULE.modid, MODULE.cmdid)).toBeUndefined();
    world.takeSent();
    world.ask();
    expect(world.takeAsked()).toEqual([0]);
  });
});

describe('after a failure', () => {
  function failOnce(world: CacheWorld): void {
    world.report(world.pickHost(), false);
    world.endTick();
  }

  test('the agent is asked for the route at the end of the tick, after it was sent the result', () => {
    const world = new CacheWorld().open();
    world.nowMs += MIN_REFRESH_GAP_MS;
    world.report(world.pickHost(), false);
    expect(world.sent).toEqual([]);
    world.endTick();
    expect(world.takeSent()).toMatchObject([{ batch: [{ err: 1 }] }, { asked: 7 }]);
    world.answer({ notModified: true, host: [], overload: true });
    expect(world.pick()).toBeUndefined();
  });

  test('and others after it there is one query at a time, ten milliseconds apart at least, and one after the last', () => {
    const world = new CacheWorld().open();
    world.nowMs += MIN_REFRESH_GAP_MS;
    for (let i = 0; i < 3; i++) failOnce(world);
    expect(world.takeAsked()).toEqual([7]);
    world.answer({ notModified: true, host: [] });
    failOnce(world);
    expect(world.takeAsked()).toEqual([]);
    world.nowMs += MIN_REFRESH_GAP_MS;
    failOnce(world);
    expect(world.takeAsked()).toEqual([7]);
    failOnce(world);
    world.answer({ notModified: true, host: [] });
    world.wait(MIN_REFRESH_GAP_MS);
    expect(world.takeAsked()).toEqual([7]);
  });

  test('the next query after a query was lost comes at once', () => {
    const world = new CacheWorld().open();
    world.nowMs += MIN_REFRESH_GAP_MS;
    failOnce(world);
    expect(world.takeAsked()).toEqual([7]);
    failOnce(world);
    world.waiting.shift()?.onNoRoute(world.nowMs);
    world.advance(FLUSH_INTERVAL_MS);
    expect(world.takeAsked()).toEqual([7]);
  });

  test('the next query after an answer that came too early to know of the last failure is not left to the next tick', () => {
    const world = new CacheWorld().open();
    world.nowMs += MIN_REFRESH_GAP_MS;
    for (let i = 0; i < 2; i++) failOnce(world);
    expect(world.takeAsked()).toEqual([7]);
    world.answer({ notModified: true, host: [] });
    world.wait(MIN_REFRESH_GAP_MS);
    expect(world.takeAsked()).toEqual([7]);
  });
});

describe('calls that take longer than before', () => {
  /** Ten calls a tick, with the route query answered at once. Gives how many were picked from the copy. */
  function call(world: CacheWorld, ticks: number, tookMs: (port: number) => number): number {
    let picks = 0;
    world.advance(ticks * FLUSH_INTERVAL_MS, () => {
      if (world.waiting.length > 0) world.answer({ notModified: true, host: [] });
      for (let i = 0; i < 10; i++) {
        const host = world.pickHost();
        if (host === undefined) {
          world.ask();
          continue;
        }
        picks += 1;
        world.report(host, true, tookMs(host.port));
      }
    });
    return picks;
  }

  test('twice as long as in the last half minute: the agent is to see them, for five seconds', () => {
    const world = new CacheWorld().open();
    expect(call(world, 60, () => 50)).toBe(600);
    const picks = call(world, CONGESTED_MS / FLUSH_INTERVAL_MS, () => 150);
    expect(picks).toBeGreaterThan(0);
    expect(picks).toBeLessThanOrEqual(60);
    expect(call(world, 30, () => 50)).toBeGreaterThan(0);
  });

  test('but a pause of this process proves nothing, nor do milliseconds', () => {
    const world = new CacheWorld().open();
    call(world, 60, () => 1);
    expect(call(world, 1, () => 10_000)).toBe(10);
    expect(call(world, 40, () => 1)).toBe(400);
    expect(call(world, 40, () => 6)).toBe(400);
  });

  test('on one host: the agent is asked whether it wants to see every call', () => {
    const world = new CacheWorld().open();
    call(world, 40, () => 50);
    world.takeSent();
    call(world, 5, () => 50);
    expect(world.takeAsked()).toEqual([]);
    call(world, 5, port => (port === 1 ? 1_000 : 50));
    expect(world.takeAsked()).toEqual([7]);
  });
});

test('hosts beyond the limit are not copied, until there is room', () => {
  const world = new CacheWorld({ maxHosts: 4 });
  const other = { modid: 5, cmdid: 5 };
  world.open(hostInfos(3));
  world.askBusily(other);
  world.answer({ host: hostInfos(2) });
  expect([world.cache.counts.copies, world.cache.pick(5, 5)]).toEqual([1, undefined]);
  // Its own copy may be replaced.
  world.advance(REFRESH_MS, () => world.pick());
  world.answer({ host: hostInfos(2), version: 8 });
  world.advance(UNCACHEABLE_MS, () => {
    while (world.waiting.length > 0) world.answer({ host: hostInfos(2), version: 8 });
    if (world.pick() === undefined) world.ask();
    if (world.cache.pick(5, 5) === undefined) world.ask(other);
  });
  expect(world.cache.counts.copies).toBe(2);
  // Both are forgotten, and leave room for another.
  world.advance(2 * FORGET_MS);
  world.waiting.length = 0;
  world.open(hostInfos(4));
  expect(world.pick()).toBeDefined();
});

test('very many modules are seen to in slices, each once in a flush interval', () => {
  const world = new CacheWorld();
  const modules = Array.from({ length: 640 }, (_, cmdid) => ({ modid: 9, cmdid }));
  expect(world.cache.slices).toBe(1);
  for (const module of modules) {
    world.askBusily(module);
    world.answer();
  }
  const { slices } = world.cache;
  expect(slices).toBe(10);
  for (const { modid, cmdid } of modules) {
    const stats = pickRecordOf(world.cache.pick(modid, cmdid)?.host)?.stats as HostStats;
    stats.owner.bufferResult(stats, true, 1);
  }
  world.takeSent();
  for (let slice = 0; slice < slices; slice++) {
    world.cache.onTime(world.nowMs, slice, slices);
    expect(world.takeResults()).toHaveLength(64);
  }
});

test('modules beyond the limit are asked of the agent each time, and counted', () => {
  const world = new CacheWorld({ maxModules: 2 });
  for (const modid of [1, 2]) world.askBusily({ modid, cmdid: 2 });
  for (const modid of [3, 3]) world.ask({ modid, cmdid: 2 });
  for (let i = 0; i < 2; i++) world.answer();
  expect([1, 2, 3].map(modid => world.cache.pick(modid, 2)?.host.modid)).toEqual([1, 2, undefined]);
  expect(world.cache.counts).toEqual({ copyPicks: 2, cacheFull: 2, copies: 2, held: 0 });
});
