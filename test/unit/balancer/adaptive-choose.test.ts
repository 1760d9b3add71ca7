import { describe, expect, test } from 'vitest';
import { AdaptiveWorld } from './adaptive-world.ts';
import { host, hostsUpTo } from './world.ts';

/** Hosts 1, 2, ... which have answered long enough after these times, ms. */
function measured(...durationsMs: readonly number[]): AdaptiveWorld {
  const world = new AdaptiveWorld(hostsUpTo(durationsMs.length));
  for (let i = 0; i < 100; i++) for (const [index, tookMs] of durationsMs.entries()) world.succeed(host(index + 1), 1, tookMs);
  return world;
}

const inFlight = (world: AdaptiveWorld, port: number) => world.number(port, 'inFlight');
const expectedMs = (world: AdaptiveWorld, port: number) => world.number(port, 'expectedMs');

describe('AD-1', () => {
  test('of up to six hosts a pick takes the cheapest', () => {
    const world = new AdaptiveWorld(hostsUpTo(6));
    for (let i = 0; i < 20; i++) expect(world.picks(6).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test.each([
    [
      [10, 10, 10, 10, 10],
      [1, 2, 3, 4, 5],
    ],
    [
      [20, 20, 20, 10, 10, 10],
      [4, 5, 6],
    ],
    [
      [10, 20, 10, 20, 10],
      [1, 3, 5],
    ],
  ])('of hosts that cost %j each of the cheapest gets as many calls as the others: %j', (durationsMs, cheapest) => {
    const world = measured(...durationsMs);
    const picked = new Map<number, number>();
    for (let i = 0; i < 6_000; i++) {
      const [port] = world.picks(1) as [number];
      world.succeed(host(port), 1, durationsMs[port - 1] as number);
      picked.set(port, (picked.get(port) ?? 0) + 1);
    }
    for (const port of cheapest) expect(((picked.get(port) ?? 0) * cheapest.length) / 6_000).toBeCloseTo(1, 1);
    expect([...picked.keys()].sort()).toEqual(cheapest);
  });

  test('of more it draws six at random: the cheapest of twelve gets every second pick', () => {
    const world = measured(10, ...new Array<number>(11).fill(100));
    let cheapest = 0;
    for (let i = 0; i < 4_000; i++) {
      const port = world.pick()?.port ?? 0;
      world.succeed(host(port), 1, port === 1 ? 10 : 100);
      if (port === 1) cheapest += 1;
    }
    expect(cheapest / 4_000).toBeGreaterThan(0.46);
    expect(cheapest / 4_000).toBeLessThan(0.54);
  });
});

describe('AD-2', () => {
  test('the price is the expected duration times the calls in flight and this one', () => {
    // 10 < 25, 20 < 25, 30 > 25, 30 < 50, 40 < 50
    expect(measured(10, 25).picks(5)).toEqual([1, 1, 2, 1, 1]);
  });

  test('durations below a millisecond are noise: only the calls in flight count', () => {
    const world = measured(0.2, 0.9);
    for (let i = 0; i < 10; i++) expect(world.picks(2).sort()).toEqual([1, 2]);
  });
});

describe('AD-3', () => {
  test('the expected duration is a mean of about the last ten', () => {
    const world = measured(10);
    world.succeed(host(1), 10, 20);
    expect(expectedMs(world, 1)).toBeCloseTo(20 - 10 * 0.9 ** 10, 6);
  });

  test('slow failures count as durations', () => {
    const world = measured(10, 10);
    world.fail(host(1), 1, 1_000);
    expect(expectedMs(world, 1)).toBeGreaterThan(109);
  });

  test('a fast failure makes no host look fast: it costs as much as 20 calls, as far as it is beyond the normal rate', () => {
    const world = measured(100, 100);
    world.fail(host(1), 1, 1);
    const [errorRate, normal] = [world.number(1, 'errorRate'), world.number(1, 'normalErrorRate')];
    expect([errorRate, normal]).toEqual([1 / 32, 0.01]);
    expect(expectedMs(world, 1)).toBeCloseTo(100 * (1 + 20 * (errorRate - normal)), 6);
    expect(world.picks(1)).toEqual([2]);
  });

  test('while all fail, a host that fails more than is normal costs more', () => {
    const world = measured(100, 100, 100, 100);
    for (let i = 0; i < 200; i++) {
      for (const port of [1, 2])
        if (i % 3 === 0) world.succeed(host(port), 1, 100);
        else world.fail(host(port), 1, 1);
      for (const port of [3, 4]) world.fail(host(port), 1, 1);
    }
    expect(world.number(1, 'normalErrorRate')).toBeGreaterThan(0.5);
    expect(expectedMs(world, 3)).toBeGreaterThan(2 * expectedMs(world, 1));
  });

  test('what a host failed in while all failed is not held against it afterwards, what it fails in then is', () => {
    const world = measured(100, 100);
    for (let i = 0; i < 60; i++) for (const port of [1, 2]) world.fail(host(port), 1, 1);
    expect(world.number(1, 'normalErrorRate')).toBeGreaterThan(0.5);
    world.nowMs += 10;
    world.succeed(host(2), 100, 100);
    expect(world.number(1, 'normalErrorRate')).toBeLessThan(0.5);
    world.succeed(host(1), 1, 100);
    expect(world.number(1, 'errorRate')).toBeGreaterThan(0.8);
    expect(expectedMs(world, 1)).toBeCloseTo(100, 6);
    world.nowMs += 1;
    world.fail(host(1), 1, 1);
    expect(expectedMs(world, 1)).toBeGreaterThan(1_000);
  });

  test('the first reports of a host count more: its first failure is not diluted by calls that it never had', () => {
    const world = new AdaptiveWorld(hostsUpTo(2));
    world.fail(host(1), 1, 1);
    expect(world.number(1, 'errorRate')).toBe(1 / 5);
  });

  test.each([
    [0, 1],
    [15_000, 0.5],
    [30_000, 0],
    [3_600_000, 0],
  ])('bad news fades: %i ms after the last report, this share of what is above 0.7 of typical is left: %f', (afterMs, left) => {
    const world = measured(10, 10, 10, 10);
    world.succeed(host(1), 50, 200);
    const bad = expectedMs(world, 1);
    world.nowMs += afterMs;
    world.setHosts(hostsUpTo(5));
    const faded = expectedMs(world, 5);
    expect(expectedMs(world, 1)).toBeCloseTo(faded + (bad - faded) * left, 6);
  });

  test.each([
    [0, 1],
    [15_000, 0.5],
    [30_000, 0],
  ])('the surcharge fades too: %i ms after the last error, this part of it is left after a success: %f', (afterMs, left) => {
    const world = measured(10, 10);
    world.fail(host(1), 2, 1);
    world.nowMs += afterMs;
    world.succeed(host(1), 1, 10);
    const excess = world.number(1, 'errorRate') - world.number(1, 'normalErrorRate');
    expect(expectedMs(world, 1)).toBeCloseTo(10 * (1 + 20 * excess * left), 6);
  });

  test('a host that has not been measured is taken for somewhat better than typical', () => {
    const world = measured(40, 40);
    world.setHosts(hostsUpTo(3));
    expect(expectedMs(world, 3)).toBeCloseTo(0.7 * 40, 6);
  });
});

describe('AD-4', () => {
  test('picks put calls in flight, and reports take them out by the time they were sent', () => {
    const world = measured(10);
    for (let i = 0; i < 3; i++) {
      world.pick();
      world.nowMs += 100;
    }
    world.fail(host(1), 1, 200);
    expect(inFlight(world, 1)).toBe(2);
    // The one that was sent 200 ms ago is gone: of the others the one of 100 ms ago is closest to this.
    world.fail(host(1), 1, 190);
    world.nowMs += 4_750;
    expect(inFlight(world, 1)).toBe(0);
  });

  test.each([
    { slowestMs: 100, givenUpMs: 5_000 },
    { slowestMs: 4_000, givenUpMs: 8_000 },
  ])('a call without a report is given up after $givenUpMs ms where the slowest took $slowestMs', ({ slowestMs, givenUpMs }) => {
    const world = measured(10);
    world.fail(host(1), 1, slowestMs);
    world.pick();
    world.nowMs += givenUpMs;
    expect(inFlight(world, 1)).toBe(1);
    world.nowMs += 1;
    expect(inFlight(world, 1)).toBe(0);
  });

  test('once its host answers later calls, a call is given up after 1.2 times the slowest duration', () => {
    for (const [afterMs, left] of [
      [118, 1],
      [121, 0],
    ] as const) {
      const world = measured(100);
      world.pick();
      world.nowMs += afterMs;
      world.pick();
      world.succeed(host(1), 1, 0);
      expect(inFlight(world, 1)).toBe(left);
    }
  });
});

describe('AD-5', () => {
  test('a success whose duration nobody told is that of the oldest call that took at most three times the usual', () => {
    const world = measured(10);
    for (const waitMs of [200, 20, 0]) {
      world.pick();
      world.nowMs += waitMs;
    }
    // They were sent 220, 20 and 0 ms ago.
    world.succeed(host(1));
    expect(expectedMs(world, 1)).toBeCloseTo(10 + 0.1 * (20 - 10), 6);
  });

  test('a failure whose duration nobody told is that of the oldest call: a timeout takes long', () => {
    const world = measured(10);
    world.pick();
    world.nowMs += 1_000;
    world.pick();
    world.fail(host(1));
    expect(expectedMs(world, 1)).toBeGreaterThan(100);
    expect(inFlight(world, 1)).toBe(1);
  });

  test('where no call is in flight it took as long as usual', () => {
    const world = measured(10);
    world.succeed(host(1), 20);
    expect(expectedMs(world, 1)).toBeCloseTo(10, 6);
  });
});
