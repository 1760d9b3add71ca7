/** Which copies are open, and what is picked from them while the agent is away. */
import { describe, expect, test } from 'vitest';
import { BUSY_CALLS, FORGET_MS } from '../../../client-sdk/src/cache/cached-module.ts';
import { REFRESH_MS, UNCACHEABLE_MS } from '../../../client-sdk/src/cache/refresh.ts';
import { ABSENCE_CACHE, FLUSH_INTERVAL_MS } from '../../../client-sdk/src/cache/route-cache.ts';
import { CacheWorld, hostInfo, hostInfos, MODULE } from './cache-world.ts';

const current = { notModified: true, host: [] };

/** Confirms the copy whenever it is compared. */
function confirm(world: CacheWorld): void {
  while (world.waiting.length > 0) world.answer(current);
}

describe('a copy', () => {
  test('opens with the tenth call of a period, and not before', () => {
    const world = new CacheWorld();
    world.ask();
    world.answer();
    for (let calls = 1; calls < BUSY_CALLS; calls++) {
      expect(world.pick()).toBeUndefined();
      world.ask();
    }
    expect(world.pick()).toBeDefined();
  });

  test('of a module that is called nine times in two seconds stays closed', () => {
    const world = new CacheWorld();
    for (let period = 0; period < 10; period++) {
      for (let calls = 0; calls < BUSY_CALLS - 1; calls++) expect(world.call()).toBeUndefined();
      world.advance(REFRESH_MS, () => confirm(world));
    }
  });

  test('is open for the period after a busy one, and closes when that was not busy', () => {
    const world = new CacheWorld().open();
    world.advance(REFRESH_MS, () => confirm(world));
    expect(world.pick()).toBeDefined();
    world.advance(REFRESH_MS, () => confirm(world));
    expect(world.pick()).toBeUndefined();
    world.askBusily();
    expect(world.pick()).toBeDefined();
  });

  test('does not open with the tenth call where the agent wants each call', () => {
    const world = new CacheWorld();
    world.ask();
    world.answer({ overload: true });
    world.askBusily();
    expect(world.pick()).toBeUndefined();
  });
});

describe('while the agent is away', () => {
  test('a copy is picked from also where the agent wanted each call, and where there were few', () => {
    const world = new CacheWorld();
    world.ask();
    world.answer({ overload: true });
    expect(world.pick()).toBeUndefined();
    world.isAway = true;
    expect(new Set(Array.from({ length: 100 }, () => world.pick()))).toEqual(new Set([1, 2, 3]));
    expect([world.cache.alonePicks, world.cache.counts.copyPicks]).toEqual([100, 0]);
    world.isAway = false;
    expect(world.pick()).toBeUndefined();
  });

  test.each([
    ['without a version', { version: 0 }, true],
    ['of which hosts were left out', {}, false],
  ])('a route %s is picked from too', (_, details, isWhole) => {
    const world = new CacheWorld();
    world.ask();
    world.answer(details, isWhole);
    world.isAway = true;
    expect(world.pick()).toBeDefined();
  });

  test('no route is asked for, and at once when it is back', () => {
    const world = new CacheWorld().open();
    world.isAway = true;
    world.advance(5 * REFRESH_MS, () => expect(world.pick()).toBeDefined());
    expect(world.takeAsked()).toEqual([]);
    world.isAway = false;
    world.advance(FLUSH_INTERVAL_MS);
    expect(world.takeAsked()).toEqual([7]);
  });

  test('hosts that just failed are left out, and tried again after some seconds', () => {
    const world = new CacheWorld().open(hostInfos(4));
    world.isAway = true;
    const calls = (count: number) => {
      let failures = 0;
      for (let i = 0; i < count; i++) {
        const host = world.pickHost();
        world.report(host, host?.port !== 1, 5);
        if (host?.port === 1) failures += 1;
      }
      return failures;
    };
    world.advance(FLUSH_INTERVAL_MS);
    const first = calls(400);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(10);
    let later = 0;
    world.advance(30_000, () => {
      later += calls(10);
    });
    expect(later).toBeGreaterThan(0);
    expect(later).toBeLessThan(30);
  });

  describe('zones', () => {
    const zoned = () => hostInfos(4).map((info, i) => ({ ...info, zone: i < 2 ? 'near' : 'far' }));
    const ports = (world: CacheWorld) => new Set(Array.from({ length: 100 }, () => world.pick()));

    test('hosts of the own zone are preferred, also where the agent wanted each call', () => {
      const world = new CacheWorld({ zone: 'near' });
      world.ask();
      world.answer({ host: zoned(), overload: true });
      world.isAway = true;
      expect(ports(world)).toEqual(new Set([1, 2]));
    });

    test('while those are failing, the others are called', () => {
      const world = new CacheWorld({ zone: 'near' }).open(zoned());
      world.isAway = true;
      world.advance(FLUSH_INTERVAL_MS);
      for (let i = 0; i < 50; i++) {
        const host = world.pickHost();
        world.report(host, host?.zone === 'far', 5);
      }
      expect(ports(world)).toEqual(new Set([3, 4]));
    });

    test.each(['', 'elsewhere'])('they do not matter to a caller in zone %j', zone => {
      const world = new CacheWorld({ zone }).open(zoned());
      world.isAway = true;
      expect(ports(world)).toEqual(new Set([1, 2, 3, 4]));
    });
  });

  test('where all hosts fail, the one that fails the least gets most', () => {
    const world = new CacheWorld().open(hostInfos(2));
    world.isAway = true;
    world.advance(FLUSH_INTERVAL_MS);
    const counts = [0, 0, 0];
    for (let i = 0; i < 2_000; i++) {
      const host = world.pickHost();
      const port = host?.port ?? 0;
      counts[port] = (counts[port] ?? 0) + 1;
      world.report(host, port === 2 && i % 3 === 0, 5);
      if (i % 20 === 0) world.advance(FLUSH_INTERVAL_MS);
    }
    expect(counts[2]).toBeGreaterThan(2 * (counts[1] ?? 0));
  });

  test('weights are shares', () => {
    const world = new CacheWorld().open([hostInfo(1, { weight: 20 }), hostInfo(2, { weight: 80 })]);
    world.isAway = true;
    world.advance(FLUSH_INTERVAL_MS);
    const counts = [0, 0, 0];
    for (let i = 0; i < 5_000; i++) {
      const host = world.pickHost();
      counts[host?.port ?? 0] = (counts[host?.port ?? 0] ?? 0) + 1;
      world.report(host, true, 5);
    }
    expect((counts[2] ?? 0) / (counts[1] ?? 1)).toBeGreaterThan(2.5);
  });
});

describe('the copy of a module that nobody calls any more', () => {
  test('is kept for the agent`s absence, as long as there is room', () => {
    const world = new CacheWorld({ maxUnused: 1 }).open();
    world.advance(2 * FORGET_MS, () => confirm(world));
    expect([world.cache.isEmpty, world.cache.hasCopy(1, 2)]).toEqual([true, true]);
    expect(world.cache.pickUnasked(1, 2, world.nowMs)?.host.port).toBeDefined();
    expect(world.cache.isEmpty).toBe(false);
    world.advance(2 * FORGET_MS, () => confirm(world));
    world.ask({ modid: 8, cmdid: 8 });
    world.answer();
    world.advance(2 * FORGET_MS, () => confirm(world));
    expect([world.cache.hasCopy(1, 2), world.cache.hasCopy(8, 8)]).toEqual([false, true]);
  });

  test('is picked from only after the module has been woken, also by who called it last', () => {
    const world = new CacheWorld({ maxUnused: 1 }).open();
    world.pick();
    world.advance(2 * FORGET_MS, () => confirm(world));
    world.isAway = true;
    expect(world.pick()).toBeUndefined();
    expect(world.cache.pickUnasked(1, 2, world.nowMs)?.host.port).toBeDefined();
    expect(world.pick()).toBeDefined();
  });

  test('makes room for hosts of others', () => {
    const world = new CacheWorld({ maxUnused: 10, maxHosts: 4 }).open();
    world.advance(2 * FORGET_MS, () => confirm(world));
    world.ask({ modid: 8, cmdid: 8 });
    world.answer();
    expect([world.cache.hasCopy(1, 2), world.cache.hasCopy(8, 8)]).toEqual([false, true]);
  });
});

test('without the cache a route is asked for at the first call and every half minute, and never picked from', () => {
  const world = new CacheWorld(ABSENCE_CACHE);
  world.askBusily();
  world.answer();
  expect(world.takeAsked()).toEqual([0]);
  world.advance(UNCACHEABLE_MS, () => {
    for (let i = 0; i < 5; i++) expect(world.call()).toBeUndefined();
  });
  expect(world.takeAsked()).toEqual([7]);
  world.answer(current);
  expect(world.pick()).toBeUndefined();
  expect(world.cache.counts).toEqual({ copyPicks: 0, cacheFull: 0, copies: 0, held: 0 });
  world.isAway = true;
  expect(world.pick()).toBeDefined();
  expect(world.cache.hasCopy(MODULE.modid, MODULE.cmdid)).toBe(true);
});
