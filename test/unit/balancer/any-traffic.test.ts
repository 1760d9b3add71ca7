/** What holds in the worst of worlds, and that nothing of it lasts. */
import { type HostInfo, hostKey } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { ADAPTIVE_DEFAULTS, type AdaptiveOptions, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import type { BalancerFactory, HostExplanation, ModuleBalancer } from '../../../agent/src/balancer/balancer.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { anyTraffic, Callers, type Event, meantTraffic } from './any-traffic.ts';
import { host, hostsUpTo, seededRandom, World } from './world.ts';

// They only compute, some of them for seconds.
vi.setConfig({ testTimeout: 120_000 });

type Explaining = World<ModuleBalancer>;

const anOption: fc.Arbitrary<Partial<AdaptiveOptions>> = fc.record({
  onAllOverloaded: fc.constantFrom('probe', 'all', 'refuse'),
  zone: fc.constantFrom('', 'a'),
  probeShare: fc.constantFrom(0.03, 1),
});

const adaptive = (options: Partial<AdaptiveOptions>) => adaptiveBalancer({ ...ADAPTIVE_DEFAULTS, ...options });

const contenders: Readonly<Record<string, fc.Arbitrary<BalancerFactory<ModuleBalancer>>>> = {
  adaptive: anOption.map(adaptive),
  classic: fc.constant(classicBalancer(CLASSIC_DEFAULTS)),
};

/** Plays all events; returns the world and the hosts that may be called at the end. */
function played(factory: BalancerFactory<ModuleBalancer>, events: readonly Event[]) {
  const world: Explaining = new World(factory);
  const callers = new Callers(world);
  for (const event of events) callers.play(event);
  const hosts = [...world.balancer.hosts()].map(view => view.host);
  return { world, serving: hosts.filter(one => !one.drain) };
}

/** Calls one after the other that all go well, each in 10 ms; returns how many each host got, 0 stands for OVERLOAD. */
function allGoesWell(world: Explaining, calls: number): Map<number, number> {
  const got = new Map<number, number>();
  for (let i = 0; i < calls; i++) {
    const picked = world.pick();
    world.nowMs += 10;
    got.set(picked?.port ?? 0, (got.get(picked?.port ?? 0) ?? 0) + 1);
    if (picked !== undefined) world.succeed(picked, 1, 10);
  }
  return got;
}

describe.each(Object.entries(contenders))('%s', (name, aFactory) => {
  test('property: no host that was removed or drains is picked, and each is in one state', () => {
    fc.assert(
      fc.property(aFactory, anyTraffic, (factory, events) => {
        const world: Explaining = new World(factory);
        const callers = new Callers(world);
        let listed = new Map<number, HostInfo>();
        for (const event of events) {
          const picked = callers.play(event);
          if (event.kind === 'setHosts') listed = new Map(event.hosts.toReversed().map(one => [one.port, one]));
          if (picked !== undefined) expect(listed.get(picked.port)?.drain).toBe(false);
          const explained = world.balancer.explain(world.nowMs);
          expect(explained.map(one => one.host.port).sort()).toEqual([...listed.keys()].sort());
          for (const one of explained) expect(one.state === 'draining').toBe(one.host.drain);
          const out = explained.filter(({ state }) => state === 'ejected' || state === 'ejected');
          expect(world.balancer.ejectedCount).toBe(out.length);
          if (out.length > 0) expect(world.balancer.requiresAgentPick(world.nowMs)).toBe(true);
        }
      }),
    );
  });

  test('property: whatever is known is a number, none is below 0, and shares add up', () => {
    fc.assert(
      fc.property(aFactory, anyTraffic, (factory, events) => {
        const world: Explaining = new World(factory);
        const callers = new Callers(world);
        for (const event of events) {
          const before = world.nowMs;
          callers.play(event);
          const explained = world.balancer.explain(world.nowMs);
          expect(explained.flatMap(impossible)).toEqual([]);
          if (before > world.nowMs) continue;
          expect(explained.reduce((sum, { share }) => sum + share, 0)).toBeLessThanOrEqual(1 + 1e-9);
        }
      }),
    );
  });

  test('property: nothing lasts: when all goes well again, every host is, nothing is refused, and each gets calls', () => {
    fc.assert(
      fc.property(aFactory, meantTraffic, (factory, events) => {
        const { world, serving } = played(factory, events);
        if (serving.length === 0) return;
        // Calls that were told to take a minute are given up after two.
        allGoesWell(world, 20_000);
        const got = allGoesWell(world, 4_000);
        expect(got.get(0)).toBeUndefined();
        expect(world.balancer.ejectedCount).toBe(0);
        const near = serving.filter(one => one.zone === 'a');
        const isZoned = name === 'adaptive' && serving.some(one => !got.has(one.port));
        for (const one of isZoned ? near : serving) expect(got.get(one.port) ?? 0, `host ${one.port}`).toBeGreaterThan(20);
        if (!hasZones(serving)) expect(world.balancer.requiresAgentPick(world.nowMs)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test.each([1, 2, 7, 50, 500, 5_000])('of %i hosts none waits for its first call for ever', count => {
    for (const seed of [1, 2]) {
      const random = seededRandom(seed);
      const balancer = factoryOf(name)({ random, onTransition() {} });
      balancer.setHosts(hostsUpTo(count), 0);
      const left = new Set(hostsUpTo(count).map(one => one.port));
      // As one who collects coupons, with good luck to spare.
      const most = count * (Math.log(count) + 12);
      for (let calls = 0; left.size > 0; calls++) {
        expect(calls, `seed ${seed}: ${left.size} hosts left`).toBeLessThan(most);
        const picked = balancer.pick(calls) as HostInfo;
        balancer.report(hostKey(picked), true, 1 + Math.floor(random() * 20), calls);
        left.delete(picked.port);
      }
    }
  });

  test.each([2, 7, 50, 500])('of %i hosts those that were dead for a while get their share again', count => {
    const world: Explaining = new World(factoryOf(name), hostsUpTo(count));
    const isDead = (port: number) => port % 2 === 0;
    for (let calls = 0; calls < 60 * count + 2_000; calls++) {
      const picked = world.pick();
      world.nowMs += 10;
      if (picked === undefined) continue;
      if (isDead(picked.port)) world.fail(picked, 1, 1);
      else world.succeed(picked, 1, 10);
    }
    expect(world.transitions.some(({ to }) => to === 'ejected')).toBe(true);
    allGoesWell(world, 300 * count + 10_000);
    expect(world.balancer.ejectedCount).toBe(0);
    const got = allGoesWell(world, 100 * count);
    for (const one of hostsUpTo(count)) expect(got.get(one.port) ?? 0, `host ${one.port}`).toBeGreaterThan(25);
  });
});

/** The age of a state is below 0 only where the clock was set back. */
function impossible({ numbers, share }: HostExplanation): [string, number][] {
  const told = Object.entries({ ...numbers, share });
  return told.filter(([name, number]) => !Number.isFinite(number) || (number < 0 && name !== 'stateMs'));
}

function factoryOf(name: string): BalancerFactory<ModuleBalancer> {
  return name === 'adaptive' ? adaptive({}) : classicBalancer(CLASSIC_DEFAULTS);
}

describe('adaptive', () => {
  test('property: AD-9: a module has a host that may be called, unless all have failed', () => {
    fc.assert(
      fc.property(anOption.map(adaptive), anyTraffic, (factory, events) => {
        const world: Explaining = new World(factory);
        const callers = new Callers(world);
        for (const event of events) {
          callers.play(event);
          const explained = world.balancer.explain(world.nowMs).filter(({ state }) => state !== 'draining');
          if (explained.length === 1) expect(explained[0]?.state).not.toBe('ejected');
        }
      }),
    );
  });

  test('property: AD-4: calls in flight are those that nobody has told of, at most, and none is after two minutes', () => {
    fc.assert(
      fc.property(anOption.map(adaptive), meantTraffic, (factory, events) => {
        const world: Explaining = new World(factory);
        const callers = new Callers(world);
        const inFlight = () =>
          world.balancer.explain(world.nowMs).reduce((sum, { numbers }) => sum + (numbers['inFlight'] ?? 0), 0);
        let picks = 0;
        for (const event of events) {
          if (callers.play(event) !== undefined) picks += 1;
          expect(inFlight()).toBeLessThanOrEqual(picks);
        }
        world.nowMs += 2 * 60_000 + 1;
        expect(inFlight()).toBe(0);
      }),
    );
  });

  test('property: AD-21: reports of calls from a copy leave the calls in flight as they are', () => {
    fc.assert(
      fc.property(anOption.map(adaptive), meantTraffic, fc.nat(8), fc.boolean(), (factory, events, port, ok) => {
        const { world } = played(factory, events);
        // What is due to be given up is given up now, so that nothing else changes the count.
        const inFlight = () => world.balancer.explain(world.nowMs).map(({ numbers }) => numbers['inFlight']);
        const before = inFlight();
        for (const tcostMs of [undefined, 0, 10]) {
          world.balancer.report(hostKey(host(port)), ok, tcostMs, world.nowMs, false);
          expect(inFlight()).toEqual(before);
        }
      }),
    );
  });

  test('property: wanting every call ends with time alone, but for ejected hosts', () => {
    fc.assert(
      fc.property(anOption.map(adaptive), meantTraffic, (factory, events) => {
        const { world, serving } = played(factory, events);
        world.nowMs += 60_000;
        if (hasZones(serving)) return;
        expect(world.balancer.requiresAgentPick(world.nowMs)).toBe(world.balancer.ejectedCount > 0);
      }),
    );
  });
});

/** Where zones differ, an agent that has one wants every call all the time. */
function hasZones(hosts: readonly HostInfo[]): boolean {
  return new Set(hosts.map(({ zone }) => zone)).size > 1;
}
