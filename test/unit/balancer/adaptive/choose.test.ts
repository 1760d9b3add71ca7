import { describe, expect, test } from 'vitest';
import { host, hostsUpTo } from '../world.ts';
import { AdaptiveWorld } from './adaptive-world.ts';

/** Hosts 1, 2, ... which have answered long enough after these times, ms. */
function measured(...durationsMs: readonly number[]): AdaptiveWorld {
  const world = new AdaptiveWorld(hostsUpTo(durationsMs.length));
  for (let i = 0; i < 200; i++) for (const [index, tookMs] of durationsMs.entries()) world.tell(host(index + 1), true, tookMs);
  return world;
}

const typical = (durationsMs: readonly number[]) => durationsMs.reduce((sum, one) => sum + one, 0) / durationsMs.length;
const expectedMs = (world: AdaptiveWorld, port: number) => world.number(port, 'expectedMs');
const priceMs = (world: AdaptiveWorld, port: number) => world.number(port, 'priceMs');

describe('AD-1', () => {
  test('of up to six hosts a pick takes the cheapest', () => {
    const world = measured(10, 10, 10, 10, 10, 10);
    for (let i = 0; i < 20; i++) expect(world.picks(6).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test.each([
    [1, 10],
    [2, 10],
    [3, 0.5],
    [5, 0.5],
    [6, 10],
    [6, 0.5],
  ])('%i equally cheap hosts take turns, each waits for all others: answers take %f ms', (count, tookMs) => {
    const world = measured(...new Array<number>(count).fill(tookMs));
    const order = hostsUpTo(count).map(() => {
      const picked = world.pick() ?? host(0);
      world.succeed(picked, 1, tookMs);
      return picked.port;
    });
    expect(order.toSorted()).toEqual(hostsUpTo(count).map(({ port }) => port));
    for (let i = 0; i < 50 * count; i++) {
      const picked = world.pick() ?? host(0);
      expect(picked.port).toBe(order[i % count]);
      world.succeed(picked, 1, tookMs);
    }
  });

  test('of more, six are drawn, and turns still share evenly: nobody gets a tenth more or less than the others', () => {
    const world = measured(...new Array<number>(20).fill(10));
    const calls = world.callInTurn(10_000, () => 10);
    for (const { port } of hostsUpTo(20)) expect(Math.abs((calls.get(port) ?? 0) / 500 - 1)).toBeLessThan(0.1);
  });

  test('a new host has its turn like one that was just picked: it gets no flood', () => {
    const world = measured(10, 10, 10);
    world.setHosts(hostsUpTo(4));
    const calls = world.callInTurn(400, () => 10);
    expect(calls.get(4) ?? 0).toBeGreaterThanOrEqual(90);
    expect(calls.get(4) ?? 0).toBeLessThanOrEqual(110);
  });

  test.each([
    { durationsMs: [20, 20, 20, 10, 10, 10], cheapest: [4, 5, 6] },
    { durationsMs: [10, 20, 10, 20, 10], cheapest: [1, 3, 5] },
  ])('of hosts that take $durationsMs those get nearly all, evenly: $cheapest', ({ durationsMs, cheapest }) => {
    const world = measured(...durationsMs);
    const calls = world.callInTurn(6_000, port => durationsMs[port - 1] as number);
    const got = cheapest.map(port => calls.get(port) ?? 0);
    expect(Math.max(...got) / Math.min(...got)).toBeLessThan(1.05);
    expect(got.reduce((sum, one) => sum + one, 0) / 6_000).toBeGreaterThan(0.9);
  });

  test('of more it draws six at random: the cheapest of twelve gets every second pick', () => {
    const world = measured(10, ...new Array<number>(11).fill(100));
    const calls = world.callInTurn(4_000, port => (port === 1 ? 10 : 100), 0);
    expect((calls.get(1) ?? 0) / 4_000).toBeGreaterThan(0.46);
    expect((calls.get(1) ?? 0) / 4_000).toBeLessThan(0.54);
  });
});

describe('AD-2', () => {
  test('the price is the expected duration times the calls in flight and this one', () => {
    // The first two cost 0.7 of typical: 105, 210, 315, 420, 525; the third costs a little less than 250 and 500.
    const picked = measured(100, 100, 250).picks(10);
    expect(picked.map(port => port === 3)).toEqual([false, false, false, false, true, false, false, false, false, true]);
  });

  test('durations below a millisecond are noise: only the calls in flight count', () => {
    const world = measured(0.2, 0.9);
    for (let i = 0; i < 10; i++) expect(world.picks(2).sort()).toEqual([1, 2]);
    expect([priceMs(world, 1), priceMs(world, 2)]).toEqual([1, 1]);
  });

  test.each([
    { inFlight: 1, shares: 3, ageMs: 330 },
    { inFlight: 2, shares: 6, ageMs: 330 },
    { inFlight: 3, shares: 12, ageMs: 330 },
    { inFlight: 1, shares: 50, ageMs: 300 },
  ])(
    'a host with $inFlight in flight, the oldest for $ageMs ms, is called all the same after $shares fair shares of the picks',
    one => {
      const world = measured(10, 10, 10);
      for (const port of world.picks(3 * one.inFlight)) if (port !== 1) world.succeed(host(port), 1, 10);
      world.nowMs += one.ageMs;
      let passedOver = 0;
      while (passedOver < 150) {
        const picked = world.pick() ?? host(0);
        if (picked.port === 1) break;
        world.succeed(picked, 1, 10);
        passedOver += 1;
      }
      expect(passedOver / 3).toBeCloseTo(one.shares, -0.5);
    },
  );
});

describe('AD-3: the expected duration', () => {
  test('is a mean of about the last ten answers', () => {
    const world = measured(10);
    world.tell(host(1), true, 20, 10);
    expect(expectedMs(world, 1)).toBeCloseTo(20 - 10 * 0.9 ** 10, 6);
  });

  test('takes one answer for three times what was expected at most', () => {
    const world = measured(10);
    world.tell(host(1), true, 20_000);
    expect(expectedMs(world, 1)).toBeCloseTo(10 + 0.1 * (3 * 10 - 10), 6);
  });

  test('one answer of 20 s among many of 5 ms costs a host no share for half a minute: 15 fair shares later it is called again', () => {
    const world = measured(5, 5, 5, 5);
    world.tell(host(1), true, 20_000);
    const missed: number[] = [];
    for (let calls = 0, since = 0; calls < 400; calls++, since++) {
      if (!world.callInTurn(1, () => 5, 1).has(1)) continue;
      missed.push(since);
      since = 0;
    }
    expect(missed.length).toBeGreaterThan(10);
    expect(Math.max(...missed)).toBeLessThan(15 * 4);
  });

  test('lost calls count in full', () => {
    const world = measured(10, 10);
    world.tell(host(1), false, 1_000);
    expect(expectedMs(world, 1)).toBeCloseTo(10 + 0.1 * (1_000 - 10), 6);
  });

  test.each([0.1, 1, 39])('a failure after %f ms, which is not slow, says nothing of it', tookMs => {
    const world = measured(10, 10);
    world.tell(host(1), false, tookMs, 3);
    expect(expectedMs(world, 1)).toBeCloseTo(10, 6);
  });
});

describe('AD-3: the surcharge for errors', () => {
  test.each([
    { failures: 1, isDearer: false },
    { failures: 10, isDearer: true },
  ])('is 20 calls for an error beyond normal and 5 points: after $failures of 32 calls', ({ failures, isDearer }) => {
    const world = measured(100);
    world.tell(host(1), false, 1, failures);
    const errorRate = 1 - (1 - 1 / 32) ** failures;
    expect(world.number(1, 'errorRate')).toBeCloseTo(errorRate, 10);
    expect(priceMs(world, 1) / (100 * (1 + 20 * Math.max(0, errorRate - 0.01 - 0.05)))).toBeCloseTo(1, 0);
    expect(priceMs(world, 1) > 100).toBe(isDearer);
  });

  test('also of a host that has never answered: it is taken for a typical one', () => {
    const world = measured(100, 100);
    world.setHosts(hostsUpTo(3));
    world.tell(host(3), false, 1, 10);
    expect(priceMs(world, 3)).toBeGreaterThan(2 * 100);
  });

  test('a fast failure makes no host look fast', () => {
    const world = measured(100, 100);
    world.tell(host(1), false, 1, 3);
    for (let i = 0; i < 10; i++) expect(world.callInTurn(1, () => 100, 0)).toEqual(new Map([[2, 1]]));
  });

  test('where all err, a host that errs clearly more costs more', () => {
    const world = measured(100, 100, 100, 100);
    for (let call = 1; call <= 400; call++) {
      world.nowMs += 1_000;
      for (const { port } of hostsUpTo(4)) {
        const ok = call % (port === 4 ? 4 : 10) !== 0;
        world.tell(host(port), ok, ok ? 100 : 1);
      }
    }
    expect(world.number(4, 'normalErrorRate')).toBeGreaterThan(0.05);
    expect(priceMs(world, 4)).toBeGreaterThan(1.5 * priceMs(world, 1));
  });
});

describe('AD-3: no host is cheaper than 0.7 of typical', () => {
  test('however fast it is', () => {
    const durationsMs = [10, 100, 100];
    expect(priceMs(measured(...durationsMs), 1)).toBeCloseTo(0.7 * typical(durationsMs), -1);
    const [fastest, fast] = [1, 2].map(port => priceMs(measured(2, 6, 20, 20), port));
    expect(fastest).toBe(fast);
  });

  test('one that has not been measured costs that', () => {
    const world = measured(40, 40);
    world.setHosts(hostsUpTo(3));
    expect([expectedMs(world, 3), priceMs(world, 3)]).toEqual([0, 0.7 * 40]);
  });
});

describe('AD-3: bad news fades', () => {
  test.each([
    [0, 1],
    [15_000, 0.5],
    [30_000, 0],
    [3_600_000, 0],
  ])('by time: %i ms after the last report this share of what is above 0.7 of typical is left: %f', (afterMs, left) => {
    const world = measured(10, 10);
    world.tell(host(2), false, 1_000);
    const bad = priceMs(world, 2);
    expect(bad).toBeGreaterThan(3 * 10);
    world.nowMs += afterMs;
    expect(priceMs(world, 2)).toBeCloseTo(7 + (bad - 7) * left, 6);
  });

  test.each([
    [0, 1],
    [15, 2 / 3],
    [30, 1 / 3],
    [45, 0],
    [100, 0],
  ])('by turns, up to three times typical: after %i picks of three hosts this share is left: %f', (picks, left) => {
    const durationsMs = [10, 10, 20];
    const world = measured(...durationsMs);
    world.tell(host(1), true, undefined, picks);
    const floorMs = 0.7 * typical(durationsMs);
    expect(priceMs(world, 3)).toBeCloseTo(floorMs + (20 - floorMs) * left, 0);
  });

  test.each([
    [0, 1],
    [1_000, 899 / 900],
    [15_000, 0.75],
    [30_000, 0],
    [100_000, 0],
  ])(
    'and an answer leaves it faded: where it comes after %i ms this share of the error rate is left, but for what it replaces: %f',
    (afterMs, left) => {
      const world = measured(10, 10);
      world.tell(host(2), false, 1, 20);
      const errorRate = world.number(2, 'errorRate');
      world.nowMs += afterMs;
      world.tell(host(2), true, 10);
      expect(world.number(2, 'errorRate')).toBeCloseTo(errorRate * left * (31 / 32), 10);
    },
  );

  test('so a host that erred as its siblings did has its share again within a few minutes, not within hours', () => {
    const world = measured(10, 10);
    world.tell(host(1), true, 10, 100);
    for (let i = 0; i < 40; i++) for (const one of hostsUpTo(2)) world.tell(one, false, 1);
    world.callInTurn(20_000, () => 10);
    const calls = world.callInTurn(4_000, () => 10);
    for (const port of [1, 2]) expect(calls.get(port)).toBeGreaterThan(1_900);
  });

  test('but not by turns beyond: a host that is far worse is expensive to try', () => {
    const world = measured(10, 10, 10);
    world.tell(host(3), false, 1_000);
    const bad = priceMs(world, 3);
    world.tell(host(1), true, undefined, 100);
    expect(priceMs(world, 3)).toBe(bad);
  });

  test('nobody is forgotten for ever: a host that was dear is called again within half a minute', () => {
    const world = measured(10, 10, 10);
    world.tell(host(3), false, 1_000);
    const before = world.callInTurn(290, () => 10, 100);
    expect(before.get(3)).toBeUndefined();
    expect(world.callInTurn(20, () => 10, 100).get(3)).toBeGreaterThan(0);
  });
});
