/** AD-21: callers that pick from a copy of the route, and when they must ask for every host instead. */
import { type HostInfo, hostKey } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { ADAPTIVE_DEFAULTS, type AdaptiveOptions, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import type { ModuleBalancer } from '../../../agent/src/balancer/balancer.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { host, hostsUpTo, seededRandom, World } from './world.ts';

type Explaining = World<ModuleBalancer>;

const worldOf = (hosts: readonly HostInfo[], options: Partial<AdaptiveOptions> = {}): Explaining =>
  new World(adaptiveBalancer({ ...ADAPTIVE_DEFAULTS, ...options }), hosts);
const wants = (world: Explaining) => world.balancer.requiresAgentPick(world.nowMs);
const numbersOf = (world: Explaining, port: number) =>
  world.balancer.explain(world.nowMs).find(one => one.host.port === port)?.numbers ?? {};

/** Calls of callers with a copy of the route, one after the other. */
function tell(world: Explaining, one: HostInfo, ok: boolean, tcostMs: number | undefined, times = 1): void {
  for (let i = 0; i < times; i++) world.balancer.report(hostKey(one), ok, tcostMs, world.nowMs, false);
}

/** Five hosts that have been well for a while, at a call a second each, unless one comes more often. */
function calmWorld(everyMs = 200): Explaining {
  const world = worldOf(hostsUpTo(5));
  for (let i = 0; i < 200; i++) {
    world.nowMs += everyMs;
    tell(world, host(1 + (i % 5)), true, 10);
  }
  return world;
}

/** The balancer must want every call now, and still at the end of that time, but not afterwards. */
function expectWanted(world: Explaining, durationMs: number): void {
  expect(wants(world)).toBe(true);
  world.nowMs += durationMs - 1;
  expect(wants(world)).toBe(true);
  world.nowMs += 1;
  expect(wants(world)).toBe(false);
}

describe('AD-21: a report about a call that was picked from a copy', () => {
  test('is counted, and takes no call out of flight', () => {
    const world = calmWorld();
    world.takeCounts();
    const picked = world.pick() as HostInfo;
    tell(world, picked, true, 10, 3);
    tell(world, picked, false, undefined);
    expect(world.takeCounts().get(picked.port)).toEqual({ succ: 3, err: 1, tcostMs: 30, probes: 0 });
    expect(numbersOf(world, picked.port)['inFlight']).toBe(1);
    world.succeed(picked, 1, 0);
    expect(numbersOf(world, picked.port)['inFlight']).toBe(0);
  });

  test('teaches the duration that it tells, and none that it does not', () => {
    const world = calmWorld();
    const before = numbersOf(world, 1)['expectedMs'] as number;
    tell(world, host(1), true, undefined, 50);
    expect(numbersOf(world, 1)['expectedMs']).toBeCloseTo(before, 1);
    tell(world, host(1), true, 20, 50);
    expect(numbersOf(world, 1)['expectedMs']).toBeGreaterThan(1.5 * before);
  });

  test('without a duration, on a host that nobody has timed, leaves it unmeasured', () => {
    const world = worldOf(hostsUpTo(2));
    world.nowMs += 60_000;
    tell(world, host(1), true, undefined, 20);
    expect(numbersOf(world, 1)['expectedMs']).toBe(0);
  });

  test('is evidence: the third failure in a row ejects', () => {
    const world = calmWorld();
    tell(world, host(2), false, 1, 2);
    expect(world.isOverloaded(host(2))).toBe(false);
    tell(world, host(2), false, 1);
    expect(world.isOverloaded(host(2))).toBe(true);
  });

  test('does not judge an ejected host, however well it goes', () => {
    const world = calmWorld();
    tell(world, host(2), false, 1, 3);
    world.nowMs += 20_000;
    const before = numbersOf(world, 2);
    tell(world, host(2), true, 1, 50);
    tell(world, host(2), false, 1, 50);
    expect(world.isOverloaded(host(2))).toBe(true);
    expect(numbersOf(world, 2)).toMatchObject({ failuresInRow: before['failuresInRow'], probeInMs: before['probeInMs'] });
  });

  test('begins no shedding, but makes the balancer want to see the next calls', () => {
    const world = calmWorld();
    world.nowMs += 1_000;
    tell(world, host(1), true, 30, 3);
    expect(wants(world)).toBe(false);
    world.nowMs += 100;
    tell(world, host(1), true, 45, 3);
    // Not because of its price, nor of evidence: because it was lost to a standing queue.
    tell(world, host(1), false, 50);
    expect(numbersOf(world, 1)['evidence']).toBe(0);
    expect(wants(world)).toBe(true);
    tell(world, host(1), false, 50, 30);
    expect(world.transitions).toEqual([]);
    expect(world.balancer.explainModule(world.nowMs)?.shedding).toBeUndefined();
    expectWanted(world, 5_000);
  });

  test('of a host that drains is counted and judges nobody', () => {
    const world = calmWorld();
    world.setHosts([host(1, { drain: true }), ...hostsUpTo(5).slice(1)]);
    tell(world, host(1), false, 5_000, 20);
    expect(world.isOverloaded(host(1))).toBe(false);
    expect(wants(world)).toBe(false);
  });
});

describe('AD-21: adaptive wants every call', () => {
  test('not while all is well: not of the first hosts, nor after single failures, nor where all hosts fail alike', () => {
    expect(wants(worldOf(hostsUpTo(3)))).toBe(false);
    const world = calmWorld(20);
    for (const one of hostsUpTo(5)) {
      tell(world, one, false, 1);
      tell(world, one, true, 10, 12);
    }
    expect(wants(world)).toBe(false);
  });

  test('while a host is ejected, however long', () => {
    const world = calmWorld();
    tell(world, host(2), false, 1, 3);
    world.nowMs += 3_600_000;
    expect(wants(world)).toBe(true);
    world.setHosts([host(1), host(3)]);
    expect(wants(world)).toBe(false);
  });

  test('for 5 s after a failure that brought two fifths of the evidence', () => {
    const world = calmWorld(20);
    tell(world, host(2), false, 1);
    expect(wants(world)).toBe(false);
    tell(world, host(2), false, 1);
    expectWanted(world, 5_000);
  });

  test('for 5 s after a host was added', () => {
    const world = calmWorld();
    world.setHosts(hostsUpTo(6));
    expectWanted(world, 5_000);
  });

  test('not for a list that only changes weights or loses hosts', () => {
    const world = calmWorld();
    world.setHosts([host(1, { weight: 9 }), host(2)]);
    expect(wants(world)).toBe(false);
  });

  test('for 5 s after a host was taken back, or longer where its failures went before', () => {
    const world = worldOf(hostsUpTo(2));
    tell(world, host(1), true, 10, 50);
    tell(world, host(2), false, 1, 3);
    world.nowMs += 120_000;
    world.setHosts([host(2)]);
    expect(world.transitions.at(-1)).toMatchObject({ to: 'healthy', cause: 'none-left' });
    expectWanted(world, 5_000);
  });

  test('while a host costs more than four times what the cheap ones do, and 5 ms, also where it is one of two', () => {
    for (const others of [[1], [1, 2, 3, 4]]) {
      const world = worldOf([...others.map(port => host(port)), host(5)]);
      const turns = (count: number, tookMs: number) => {
        for (let i = 0; i < count; i++) {
          for (const port of others) tell(world, host(port), true, 10);
          tell(world, host(5), true, tookMs);
          world.nowMs += 10;
        }
      };
      turns(200, 10);
      turns(200, 40);
      expect(wants(world)).toBe(false);
      turns(200, 100);
      expectWanted(world, 4_990);
    }
  });

  test('for 5 s only, where all hosts become slow alike', () => {
    const world = calmWorld();
    for (let i = 0; i < 1_000; i++) {
      tell(world, host(1 + (i % 5)), true, 100);
      world.nowMs += 10;
    }
    expect(wants(world)).toBe(false);
  });

  test('not because durations vary: half a minute of exponential durations on ten hosts', () => {
    const world = worldOf(hostsUpTo(10));
    const random = seededRandom(3);
    for (let i = 0; i < 3_000; i++) {
      tell(world, host(1 + (i % 10)), true, 2 + -50 * Math.log(1 - random()));
      world.nowMs += 10;
      // The first few durations of a host say little of it.
      if (i > 300) expect(wants(world)).toBe(false);
    }
  });

  test('while the module sheds, and for a minute after', () => {
    const world = calmWorld();
    world.nowMs += 1_000;
    tell(world, host(1), true, 900, 3);
    for (let i = 0; i < 2; i++) world.fail(host(1), 1, 1_000);
    expect(world.transitions.map(({ to }) => to)).toEqual(['shedding']);
    // Slow answers prolong it.
    for (let i = 0; i < 20; i++) {
      world.nowMs += 500;
      expect(wants(world)).toBe(true);
      tell(world, host(1), true, 60);
    }
    world.nowMs += 59_999;
    expect(wants(world)).toBe(true);
    world.nowMs += 1;
    expect(wants(world)).toBe(false);
  });

  test('for 30 s after a lost call that made a host dear and suspected: other copies do not know of it', () => {
    const world = calmWorld();
    tell(world, host(2), false, 1_000);
    expectWanted(world, 30_000);
  });
});

test('AD-21: classic wants every call while a host is overloaded: its picks between two probes are counted here alone', () => {
  const world = new World(classicBalancer(CLASSIC_DEFAULTS), hostsUpTo(2));
  expect(wants(world)).toBe(false);
  tell(world, host(1), false, 5_000);
  expect(wants(world)).toBe(true);
  tell(world, host(1), true, 5, 20);
  expect(wants(world)).toBe(false);
});

describe('AD-21, AD-19: where zones matter, only the agent knows which hosts are near', () => {
  test.each([
    ['a', ['a', 'a'], false],
    ['a', ['b', 'b'], false],
    ['a', ['a', 'b'], true],
    ['', ['a', 'b'], false],
  ])('an agent in zone %j, hosts in %j: every call is wanted %j', (zone, zones, wanted) => {
    const hosts = zones.map((its, i) => host(i + 1, { zone: its }));
    const world = worldOf(hosts, { zone });
    world.nowMs += 10 * 60_000;
    expect(wants(world)).toBe(wanted);
  });
});

test.each([adaptiveBalancer(ADAPTIVE_DEFAULTS), classicBalancer(CLASSIC_DEFAULTS)])(
  'calls that were picked from a copy count in the shares that people see',
  factory => {
    const world: Explaining = new World(factory, hostsUpTo(2));
    tell(world, host(1), true, 10, 30);
    tell(world, host(2), true, 10, 10);
    expect(world.balancer.explain(world.nowMs).map(({ share }) => share)).toEqual([0.75, 0.25]);
  },
);
