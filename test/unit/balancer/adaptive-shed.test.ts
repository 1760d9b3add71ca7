import type { HostInfo } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { AdaptiveWorld } from './adaptive-world.ts';
import { host, hostsUpTo } from './world.ts';

const TIMEOUT_MS = 1_000;

/** Hosts that have answered a hundred calls a second each for two seconds, slowly. */
function busy(hosts: readonly HostInfo[], tookMs = 900): AdaptiveWorld {
  const world = new AdaptiveWorld(hosts);
  world.answer(hosts, 200, tookMs);
  return world;
}

/** Picks until that many calls are in flight to the host; those to others are answered at once. */
function load(world: AdaptiveWorld, port: number, calls: number): void {
  for (let picks = 0; world.number(port, 'inFlight') < calls; picks++) {
    if (picks > 20 * calls + 100) throw new Error(`host ${port} does not get ${calls} calls`);
    const picked = world.pick();
    if (picked !== undefined && picked.port !== port) world.succeed(picked, 1, 0);
  }
}

const cuts = (world: AdaptiveWorld) => world.transitions.filter(({ to }) => to === 'window-cut').length;
const hasWindow = (world: AdaptiveWorld, port: number) => 'window' in world.explain(port).numbers;

describe('AD-13', () => {
  test('a timeout of a host that is behind and overfull cuts its window to what it answered in half the time that callers wait', () => {
    const world = busy([host(1)]);
    load(world, 1, 100);
    world.fail(host(1), 2, TIMEOUT_MS);
    expect(world.happenings()).toEqual([[1, 'window-cut', 'overload']]);
    expect(world.transitions[0]?.numbers).toMatchObject({ inFlight: 99, answersPerSec: 100, timeoutMs: TIMEOUT_MS });
    expect(world.number(1, 'window')).toBeCloseTo(50, 6);
  });

  test('not where less is in flight than the host answers in that time', () => {
    const world = busy([host(1)]);
    load(world, 1, 60);
    world.fail(host(1), 5, TIMEOUT_MS);
    expect(cuts(world)).toBe(0);
  });

  test('not where its answers come fast', () => {
    const world = busy([host(1)], 10);
    load(world, 1, 100);
    world.fail(host(1), 5, TIMEOUT_MS);
    expect(cuts(world)).toBe(0);
  });

  test('not where slow failures take all kinds of times: those are no timeouts', () => {
    const world = busy([host(1)]);
    load(world, 1, 120);
    for (const tookMs of [1_000, 900, 1_000, 900]) world.fail(host(1), 1, tookMs);
    expect(cuts(world)).toBe(0);
  });

  test('once for all calls that were sent before the cut', () => {
    const world = busy([host(1)]);
    load(world, 1, 200);
    world.fail(host(1), 50, TIMEOUT_MS);
    expect(cuts(world)).toBe(1);
  });
});

describe('AD-14', () => {
  /** Host 1 of two was cut just now. */
  function shedding(): AdaptiveWorld {
    const world = busy(hostsUpTo(2));
    world.picks(200);
    world.succeed(host(2), world.number(2, 'inFlight'), 900);
    world.fail(host(1), 2, TIMEOUT_MS);
    expect(cuts(world)).toBe(1);
    return world;
  }

  test('full hosts are refused after a sign of overload, and hosts without a window get one', () => {
    const world = shedding();
    expect(hasWindow(world, 2)).toBe(false);
    const picked = world.picks(200);
    expect(picked.filter(port => port === 1)).toEqual([]);
    // What it answers in half a second.
    expect(world.number(2, 'window')).toBeCloseTo(world.number(2, 'answersPerSec') / 2, 6);
    expect(picked.filter(port => port === 2)).toHaveLength(Math.ceil(world.number(2, 'window')));
    expect(picked.at(-1)).toBe(0);
  });

  test('for a minute; then nothing is refused', () => {
    for (const [afterMs, isRefused] of [
      [59_999, true],
      [60_000, false],
    ] as const) {
      const world = shedding();
      world.nowMs += afterMs;
      const picked = world.picks(200);
      expect(picked.includes(0)).toBe(isRefused);
    }
  });

  test('nothing is refused before the first sign, however much is in flight', () => {
    expect(busy(hostsUpTo(2)).picks(3_000)).not.toContain(0);
  });
});

describe('AD-15', () => {
  test('the first hosts of a module have no window, those that are added have one of 2', () => {
    const world = new AdaptiveWorld(hostsUpTo(2));
    expect([1, 2].map(port => hasWindow(world, port))).toEqual([false, false]);
    world.setHosts(hostsUpTo(3));
    expect([hasWindow(world, 1), world.number(3, 'window')]).toEqual([false, 2]);
    expect(world.picks(30).filter(port => port === 3)).toHaveLength(2);
  });

  test('the window doubles with each round of answers that come soon while it is used', () => {
    const world = new AdaptiveWorld(hostsUpTo(1));
    world.fail(host(1), 1, 100);
    world.setHosts(hostsUpTo(2));
    for (const window of [2, 4, 8, 16]) {
      expect(world.number(2, 'window')).toBe(window);
      for (let i = 0; i < window; i++) {
        load(world, 2, window);
        world.nowMs += 10;
        world.succeed(host(2), 1, 10);
      }
    }
  });

  test('answers that come late do not open it', () => {
    const world = new AdaptiveWorld(hostsUpTo(1));
    world.fail(host(1), 1, 100);
    world.setHosts(hostsUpTo(2));
    load(world, 2, 2);
    world.nowMs += 40;
    world.succeed(host(2), 2, 40);
    expect(world.number(2, 'window')).toBe(2);
  });

  test('nor do answers of a host that does not use it', () => {
    const world = new AdaptiveWorld(hostsUpTo(1));
    world.fail(host(1), 1, 100);
    world.setHosts(hostsUpTo(2));
    world.succeed(host(2), 20, 1);
    expect(world.number(2, 'window')).toBe(2);
  });
});

describe('AD-16', () => {
  /** A host that answers less than a call in half the time that callers wait. */
  function pausing(): AdaptiveWorld {
    const world = new AdaptiveWorld([host(1)]);
    world.succeed(host(1), 1, 900);
    world.pick();
    world.fail(host(1), 2, TIMEOUT_MS);
    world.pick();
    world.fail(host(1), 1, TIMEOUT_MS);
    expect(world.number(1, 'window')).toBeLessThan(1);
    return world;
  }

  test('such a host gets a call after a pause, and no second one', () => {
    const world = pausing();
    const pauseMs = TIMEOUT_MS / 2 / world.number(1, 'window');
    expect(world.picks(1)).toEqual([0]);
    world.nowMs += Math.floor(pauseMs) - 1;
    expect(world.picks(1)).toEqual([0]);
    world.nowMs += 2;
    expect(world.picks(2)).toEqual([1, 0]);
  });

  test('the next pause begins with that call, however soon it is answered', () => {
    const world = pausing();
    world.nowMs += 50_000;
    expect(world.picks(1)).toEqual([1]);
    // Too slow for the window to grow.
    world.nowMs += 999;
    world.succeed(host(1), 1, 999);
    const pauseMs = TIMEOUT_MS / 2 / world.number(1, 'window');
    expect(world.picks(1)).toEqual([0]);
    world.nowMs += Math.ceil(pauseMs) - 999;
    expect(world.picks(1)).toEqual([1]);
  });

  test('the pause ends a minute after the last sign of overload', () => {
    const world = pausing();
    world.nowMs += 59_999;
    world.pick();
    expect(world.number(1, 'window')).toBeLessThan(1);
    world.nowMs += 1;
    world.pick();
    expect(world.number(1, 'window')).toBe(2);
  });
});
