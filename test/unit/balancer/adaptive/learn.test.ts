import { describe, expect, test } from 'vitest';
import { host, hostsUpTo, seededRandom } from '../world.ts';
import { AdaptiveWorld } from './adaptive-world.ts';

/** That many hosts which have answered long enough after 10 ms: a call is slow from 40 ms on. */
function well(count: number, tookMs = 10): AdaptiveWorld {
  const world = new AdaptiveWorld(hostsUpTo(count));
  for (let i = 0; i < 100; i++) for (const one of hostsUpTo(count)) world.tell(one, true, tookMs);
  return world;
}

const inFlight = (world: AdaptiveWorld, port: number) => world.number(port, 'inFlight');
const expectedMs = (world: AdaptiveWorld, port: number) => world.number(port, 'expectedMs');

describe('AD-4: calls in flight', () => {
  test('begin with picks, and reports take them out by the time they were sent', () => {
    const world = well(1);
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
  ])('without a report one is given up after $givenUpMs ms where the slowest took $slowestMs', ({ slowestMs, givenUpMs }) => {
    const world = well(1);
    world.fail(host(1), 1, slowestMs);
    world.pick();
    world.nowMs += givenUpMs;
    expect(inFlight(world, 1)).toBe(1);
    world.nowMs += 1;
    expect(inFlight(world, 1)).toBe(0);
  });

  test.each([
    { what: 'slow, and the later one was quick', waitMs: 50, laterMs: 5, left: 0 },
    { what: 'not slow yet', waitMs: 30, laterMs: 5, left: 1 },
    { what: 'slow, but the later one was slow too: all wait', waitMs: 50, laterMs: 60, left: 1 },
  ])('one that a later one has overtaken is given up at once: $what: $left', ({ waitMs, laterMs, left }) => {
    const world = well(1);
    world.pick();
    world.nowMs += waitMs;
    world.pick();
    world.nowMs += laterMs;
    world.succeed(host(1), 1, laterMs);
    expect(inFlight(world, 1)).toBe(left);
  });

  /** A call was sent a second ago, and a later one has been answered: the first is given up. */
  function withOneGivenUp(): AdaptiveWorld {
    const world = well(1);
    world.pick();
    world.nowMs += 1_000;
    world.pick();
    world.nowMs += 5;
    world.succeed(host(1), 1, 5);
    return world;
  }

  test('the late report of one that was given up is not taken for another', () => {
    const world = withOneGivenUp();
    expect(world.conduct().unreported).toBe(1);
    world.pick();
    world.nowMs += 100;
    world.succeed(host(1), 1, 1_105);
    expect(inFlight(world, 1)).toBe(1);
    expect(world.conduct()).toMatchObject({ unreported: 0, unpicked: 0, late: 0 });
  });

  test('a quick one is not that of a call that was given up, unless it comes late', () => {
    const world = withOneGivenUp();
    world.nowMs += 100;
    world.succeed(host(1), 1, 5);
    expect(inFlight(world, 1)).toBe(0);
    expect(world.conduct()).toMatchObject({ unreported: 1, unpicked: 0, late: 1 });
  });

  test('a duration that was rounded up is that of a call in flight all the same', () => {
    const world = withOneGivenUp();
    world.pick();
    world.nowMs += 4.6;
    world.succeed(host(1), 1, 5);
    expect(inFlight(world, 1)).toBe(0);
    expect(world.conduct()).toMatchObject({ unreported: 1, late: 0 });
  });

  test('so a long job stands in the way of nobody: its host gets its share all the while', () => {
    const world = well(3);
    const [busy] = world.picks(1);
    let toBusy = 0;
    for (let i = 0; i < 1_000; i++) {
      const ports = world.picks(6);
      toBusy += ports.filter(port => port === busy).length;
      world.nowMs += 10;
      for (const port of ports) world.succeed(host(port), 1, 10);
    }
    expect(toBusy).toBeGreaterThanOrEqual(0.99 * 2_000);
  });
});

describe('AD-4: where picks and reports do not belong together, hosts take turns', () => {
  /** Each pick is told of so many times on average, 10 ms later; host 6 is much slower, host 5 a little. */
  function told(times: number): { world: AdaptiveWorld; calls: Map<number, number> } {
    const world = new AdaptiveWorld(hostsUpTo(6));
    const tookMs = (port: number) => ({ 5: 20, 6: 300 })[port] ?? 10;
    const calls = new Map<number, number>();
    const random = seededRandom(4);
    for (let i = 0; i < 6_000; i++) {
      const port = world.pick()?.port ?? 0;
      world.nowMs += 20;
      if (times >= 1 || random() < times) world.succeed(host(port), Math.ceil(times), tookMs(port));
      // What was learned before all this was clear is none of it.
      if (i >= 3_000) calls.set(port, (calls.get(port) ?? 0) + 1);
    }
    return { world, calls };
  }

  test.each([
    ['one in ten calls is reported', 0.1],
    ['half of the calls are', 0.5],
    ['a pick is used for twenty calls', 20],
  ])('%s', (_what, times) => {
    const { world, calls } = told(times);
    expect(world.conduct().inFlightKnown).toBe(false);
    expect(calls.has(0)).toBe(false);
    for (const port of [2, 3, 4, 5]) expect(Math.abs((calls.get(port) ?? 0) - (calls.get(1) ?? 0))).toBeLessThanOrEqual(2);
    // But for those that are more than three times slower than typical.
    expect(calls.get(6) ?? 0).toBeLessThan(0.5 * (calls.get(1) ?? 0));
  });

  test('reports come two seconds after their calls have ended', () => {
    const world = new AdaptiveWorld(hostsUpTo(6));
    const random = seededRandom(5);
    const ended: { readonly port: number; readonly atMs: number; readonly tookMs: number }[] = [];
    for (let i = 0; i < 6_000; i++) {
      world.nowMs += -5 * Math.log(1 - random());
      const tookMs = 1 + Math.floor(20 * random());
      ended.push({ port: world.pick()?.port ?? 0, atMs: world.nowMs + tookMs + 2_000, tookMs });
      while ((ended[0]?.atMs ?? Number.POSITIVE_INFINITY) <= world.nowMs) {
        const { port, tookMs: told } = ended.shift() as (typeof ended)[number];
        world.succeed(host(port), 1, told);
      }
    }
    expect(world.conduct().late).toBeGreaterThan(0);
    expect(world.conduct().inFlightKnown).toBe(false);
  });

  test('and people are told of it', () => {
    const rarely = told(0.1).world.conduct();
    expect(rarely.unreported / rarely.picks).toBeCloseTo(0.9, 1);
    const often = told(20).world.conduct();
    expect(often.unpicked / often.picks).toBeCloseTo(19, 0);
  });

  test('not where nine in ten calls are reported: calls in flight count', () => {
    const { world } = told(0.9);
    expect(world.conduct().inFlightKnown).toBe(true);
  });

  test.each([0.1, 20])(
    'only as long as that is so: after %f reports a pick, a thousand calls later they are known again',
    times => {
      const { world } = told(times);
      world.callInTurn(12_000, () => 10, 20);
      expect(world.conduct().inFlightKnown).toBe(true);
    },
  );

  test('where nobody ever tells of a success, nobody is ejected either', () => {
    const world = new AdaptiveWorld(hostsUpTo(3));
    const calls = new Map<number, number>();
    for (let i = 0; i < 300; i++) {
      const picked = world.pick() ?? host(0);
      calls.set(picked.port, (calls.get(picked.port) ?? 0) + 1);
      world.nowMs += 1_000;
      world.fail(picked, 1, 1);
    }
    expect([...calls.values()]).toEqual([100, 100, 100]);
    expect(world.transitions).toEqual([]);
    expect(world.conduct().inFlightKnown).toBe(false);
  });

  test('also not a host that fails alone, until a success of any host is told', () => {
    const world = new AdaptiveWorld(hostsUpTo(3));
    world.tell(host(1), false, 1, 10);
    expect(world.state(1)).toBe('healthy');
    world.tell(host(2), true, 10);
    world.tell(host(1), false, 1);
    expect(world.state(1)).toBe('ejected');
  });
});

describe('AD-5: durations that nobody told', () => {
  test('of a success: that of the oldest call that took at most three times what is expected', () => {
    const world = well(1);
    for (const waitMs of [200, 20, 0]) {
      world.pick();
      world.nowMs += waitMs;
    }
    // They were sent 220, 20 and 0 ms ago.
    world.succeed(host(1));
    expect(expectedMs(world, 1)).toBeCloseTo(10 + 0.1 * (20 - 10), 6);
  });

  test('of a failure: the oldest call', () => {
    const world = well(1);
    world.pick();
    world.nowMs += 4_900;
    world.pick();
    world.fail(host(1));
    world.nowMs += 200;
    // The oldest would be given up by now.
    expect(inFlight(world, 1)).toBe(1);
  });

  test('where no call is in flight it took as long as usual', () => {
    const world = well(1);
    for (let i = 0; i < 20; i++) world.succeed(host(1));
    expect(expectedMs(world, 1)).toBeCloseTo(10, 6);
  });

  test.each([
    { slowMs: 20, atLeast: 0.9, atMost: 1.1 },
    { slowMs: 200, atLeast: 0, atMost: 0.35 },
  ])('count only from three times typical on: 10 ms and $slowMs ms', ({ slowMs, atLeast, atMost }) => {
    const world = new AdaptiveWorld(hostsUpTo(4));
    const calls = new Map<number, number>();
    for (let i = 0; i < 4_000; i++) {
      const picked = world.pick() ?? host(0);
      world.nowMs += picked.port === 4 ? slowMs : 10;
      world.succeed(picked);
      if (i >= 1_000) calls.set(picked.port, (calls.get(picked.port) ?? 0) + 1);
    }
    const share = ((calls.get(4) ?? 0) * 4) / 3_000;
    expect(share).toBeGreaterThanOrEqual(atLeast);
    expect(share).toBeLessThanOrEqual(atMost);
  });
});

describe('AD-5: durations that cannot be', () => {
  /** Calls of 10 ms; this share of them is told in microseconds. */
  function microseconds(share: number): AdaptiveWorld {
    const world = new AdaptiveWorld(hostsUpTo(3));
    const random = seededRandom(5);
    for (let i = 0; i < 2_000; i++) {
      const picked = world.pick() ?? host(0);
      world.nowMs += 10;
      world.succeed(picked, 1, random() < share ? 10_000 : 10);
    }
    return world;
  }

  test.each([
    [0, false],
    [0.2, false],
    [0.8, true],
    [1, true],
  ])('where %f of them are longer than the calls were under way, none is believed: %j', (share, isImpossible) => {
    expect(microseconds(share).conduct().impossibleDurations).toBe(isImpossible);
  });

  test('then the time under way counts', () => {
    const world = microseconds(1);
    for (const port of [1, 2, 3]) expect(expectedMs(world, port)).toBeCloseTo(10, 0);
  });

  test('a duration that is a little too long is believed: callers and agent have clocks of their own', () => {
    const world = new AdaptiveWorld(hostsUpTo(3));
    world.callInTurn(2_000, () => 40, 10);
    expect(world.conduct().impossibleDurations).toBe(false);
    expect(expectedMs(world, 1)).toBeCloseTo(40, 6);
  });
});

describe('AD-5: a slow call that a later one has overtaken says nothing', () => {
  /** A call of 105 ms is overtaken by one of 5 ms, or not. */
  function overtaken(isOvertaken: boolean): AdaptiveWorld {
    const world = well(2);
    world.setHosts([host(1), host(2, { drain: true })]);
    world.pick();
    world.nowMs += 100;
    if (isOvertaken) world.pick();
    world.nowMs += 5;
    if (isOvertaken) world.succeed(host(1), 1, 5);
    world.setHosts(hostsUpTo(2));
    return world;
  }

  test.each([
    [true, 0],
    [false, 1],
  ])('of errors, where it failed: overtaken %j', (isOvertaken, evidence) => {
    const world = overtaken(isOvertaken);
    world.fail(host(1), 1, 105);
    expect(world.number(1, 'evidence') > 0).toBe(evidence > 0);
  });

  test.each([true, false])('of durations: overtaken %j', isOvertaken => {
    for (const ok of [true, false]) {
      const world = overtaken(isOvertaken);
      const before = expectedMs(world, 1);
      if (ok) world.succeed(host(1), 1, 105);
      else world.fail(host(1), 1, 105);
      expect(expectedMs(world, 1) === before).toBe(isOvertaken);
    }
  });

  test('but a fast failure is one, whatever was answered meanwhile', () => {
    const world = overtaken(true);
    world.fail(host(1), 1, 30);
    expect(world.number(1, 'evidence')).toBeGreaterThan(0);
  });
});
