import { type HostInfo, hostKey } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BalancerFactory } from '../../../agent/src/balancer/balancer.ts';
import { play, trace } from './trace.ts';
import { host, hostsUpTo, World } from './world.ts';

/** What every Balancer promises, whatever its algorithm. */
export function describeBalancer(name: string, factory: BalancerFactory): void {
  describe(`${name} as a Balancer`, () => {
    test('a module without hosts answers nothing and counts nothing', () => {
      const world = new World(factory);
      expect(world.picks(30)).toEqual(Array(30).fill(0));
      expect(world.balancer.hostCount).toBe(0);
      expect(world.balancer.ejectedCount).toBe(0);
      expect([...world.balancer.hosts()]).toEqual([]);
      expect(world.takeCounts()).toEqual(new Map());
    });

    test('the only host is picked', () => {
      const world = new World(factory, [host(1)]);
      expect(world.picks(1)).toEqual([1]);
    });

    test('a host that is listed twice counts once, as it is named first', () => {
      const world = new World(factory, [host(1, { weight: 5 }), host(2), host(1, { weight: 9 })]);
      expect(world.balancer.hostCount).toBe(2);
      expect(viewsOf(world).map(view => view.host)).toEqual([host(1, { weight: 5 }), host(2)]);
    });

    test('hosts are told apart by ip, port and addr', () => {
      const alike = [host(1), host(1, { ip: 0x0a00_0002 }), host(1, { ip: 0, addr: 'db.example' }), host(2)];
      const world = new World(factory, alike);
      expect(world.balancer.hostCount).toBe(alike.length);
      for (const one of alike) expect(world.balancer.report(hostKey(one), true, 1, world.nowMs)).toBe(true);
    });

    test('weight and zone of a staying host are taken over, and its counts stay', () => {
      const world = new World(factory, [host(1)]);
      world.succeed(host(1), 3);
      const moved = host(1, { weight: 50, zone: 'b' });
      world.setHosts([moved]);
      expect(world.pick()).toEqual(moved);
      expect(world.takeCounts().get(1)?.succ).toBe(3);
    });

    test('a report about an unknown or removed host is refused and not counted', () => {
      const world = new World(factory, [host(1), host(2)]);
      world.setHosts([host(1)]);
      for (const n of [2, 3]) expect(world.balancer.report(hostKey(host(n)), false, 5, world.nowMs)).toBe(false);
      expect(world.takeCounts()).toEqual(new Map());
      expect(world.transitions).toEqual([]);
    });

    test('a host that was removed and comes back is a new host', () => {
      const world = new World(factory, [host(1), host(2)]);
      world.succeed(host(2), 1, 10);
      world.fail(host(1), 100, 5_000);
      expect(world.isOverloaded(host(1))).toBe(true);
      world.setHosts([host(2)]);
      expect(world.balancer.ejectedCount).toBe(0);
      world.setHosts([host(1), host(2)]);
      expect(world.isOverloaded(host(1))).toBe(false);
      expect(world.takeCounts().has(1)).toBe(false);
    });

    test('counts are taken once, and what was taken does not change afterwards', () => {
      const world = new World(factory, hostsUpTo(3));
      world.succeed(host(1), 2, 30);
      world.succeed(host(1));
      world.fail(host(2), 1, 250);
      const taken = world.takeCounts();
      const expected = new Map([
        [1, { succ: 3, err: 0, tcostMs: 60, probes: 0 }],
        [2, { succ: 0, err: 1, tcostMs: 250, probes: 0 }],
      ]);
      expect(taken).toEqual(expected);
      world.succeed(host(1), 5);
      expect(taken).toEqual(expected);
      world.takeCounts();
      expect(world.takeCounts()).toEqual(new Map());
    });

    describe('for a caller who understands IPv4 alone', () => {
      const named = (n: number) => host(n, { ip: 0, addr: `db${n}.example` });
      const MIXED = [named(1), named(2), host(3), named(4), host(5), named(6), named(7), named(8)];
      const narrowPicks = (world: World, count: number) =>
        Array.from({ length: count }, () => world.balancer.pick(world.nowMs, true)?.port ?? 0);

      test('the hosts with an IPv4 address share the calls, also where nobody reports', () => {
        const picks = narrowPicks(new World(factory, MIXED), 100);
        expect(new Set(picks)).toEqual(new Set([3, 5]));
        expect(picks.filter(port => port === 3)).toHaveLength(50);
      });

      test('a host that it cannot be sent to is not probed; the probe waits for who can', () => {
        const world = new World(factory, MIXED);
        for (const one of MIXED) world.succeed(one, 20, 10);
        world.nowMs += 10_000;
        world.fail(named(2), 100, 5_000);
        expect(world.isOverloaded(named(2))).toBe(true);
        world.takeCounts();
        for (let i = 0; i < 100; i++) {
          world.nowMs += 1_000;
          const [port] = narrowPicks(world, 1);
          expect([3, 5]).toContain(port);
          world.succeed(host(port as number), 1, 10);
        }
        expect([...world.takeCounts().values()].map(({ probes }) => probes)).toEqual([0, 0]);
        expect(world.picks(20)).toContain(2);
      });

      test('and an overloaded one of its own is probed for it', () => {
        const world = new World(factory, MIXED);
        for (const one of MIXED) world.succeed(one, 20, 10);
        world.nowMs += 10_000;
        world.fail(host(3), 100, 5_000);
        world.nowMs += 60_000;
        expect(new Set(narrowPicks(world, 200))).toEqual(new Set([3, 5]));
        expect(world.takeCounts().get(3)?.probes).toBeGreaterThan(0);
      });

      test('the list is the newest', () => {
        const world = new World(factory, MIXED);
        expect(narrowPicks(world, 10)).not.toContain(1);
        world.setHosts([host(1), named(3)]);
        expect(new Set(narrowPicks(world, 10))).toEqual(new Set([1]));
        world.setHosts([named(1), host(3)]);
        expect(new Set(narrowPicks(world, 10))).toEqual(new Set([3]));
        world.setHosts([named(3)]);
        expect(narrowPicks(world, 1)).toEqual([0]);
        expect(world.picks(1)).toEqual([3]);
      });
    });

    test('5,000 hosts can be listed, fail, be replaced and be forgotten', () => {
      const hosts = Array.from({ length: 5_000 }, (_, i) => host(1, { ip: 0x0a00_0000 + i }));
      const world = new World(factory, hosts);
      world.succeed(hosts.at(-1) as HostInfo, 1, 10);
      for (const one of hosts.slice(0, 1_000)) world.fail(one, 20, 5_000);
      expect(world.balancer.ejectedCount).toBeGreaterThan(0);
      const listed = new Set(hosts);
      for (let i = 0; i < 20_000; i++) expect(listed.has(world.pick() as HostInfo)).toBe(true);
      world.setHosts(hosts.slice(500));
      expect(world.balancer.hostCount).toBe(4_500);
      expect(world.balancer.ejectedCount).toBe(viewsOf(world).filter(view => view.isEjected).length);
      world.setHosts([]);
      expect([world.balancer.hostCount, world.balancer.ejectedCount]).toEqual([0, 0]);
    });

    test('property: the hosts are those of the last list, each on one side, and no other is ever picked', () => {
      fc.assert(
        fc.property(trace, steps => {
          const world = new World(factory);
          let listed = new Set<number>();
          for (const step of steps) {
            const seen = play(world, step);
            if (step.kind === 'setHosts') listed = new Set(step.hosts);
            if (step.kind === 'report') expect(seen).toBe(listed.has(step.host));
            if (step.kind === 'pick' && seen !== undefined) expect(listed).toContain((seen as HostInfo).port);
            const views = viewsOf(world);
            expect(views.map(view => view.host.port)).toEqual([...listed].sort((a, b) => a - b));
            expect(world.balancer.hostCount).toBe(listed.size);
            expect(world.balancer.ejectedCount).toBe(views.filter(view => view.isEjected).length);
          }
        }),
      );
    });

    test('property: the side of a host is what its last transition said; it never moves to where it stands', () => {
      fc.assert(
        fc.property(trace, steps => {
          const world = new World(factory);
          const sides = new Map<number, 'healthy' | 'ejected'>();
          for (const step of steps) {
            play(world, step);
            if (step.kind === 'setHosts') {
              for (const port of sides.keys()) if (!step.hosts.includes(port)) sides.delete(port);
            }
            for (const { host, to, numbers } of world.transitions.splice(0)) {
              // A probe, or an episode of shedding, happens to a host on its side.
              if (to !== 'healthy' && to !== 'ejected') continue;
              expect(sides.get(host.port) ?? 'healthy').not.toBe(to);
              expect(Object.values(numbers).every(Number.isFinite)).toBe(true);
              sides.set(host.port, to);
            }
            for (const view of viewsOf(world)) {
              expect(view.isEjected).toBe(sides.get(view.host.port) === 'ejected');
            }
          }
        }),
      );
    });

    test('property: taken counts add up to the accepted reports, host by host', () => {
      fc.assert(
        fc.property(trace, steps => {
          const world = new World(factory);
          const told = new Map<number, { succ: number; err: number; tcostMs: number }>();
          let picks = 0;
          for (const step of steps) {
            // What is not taken before a new list may be lost with its host, as promised; so the test takes it.
            if (step.kind === 'setHosts') picks = expectCounts(world, told, picks);
            const seen = play(world, step.kind === 'takeCounts' ? { kind: 'pick' } : step);
            if (step.kind === 'pick' || step.kind === 'takeCounts') picks += 1;
            if (step.kind === 'report' && seen === true) {
              const sum = told.get(step.host) ?? { succ: 0, err: 0, tcostMs: 0 };
              sum[step.ok ? 'succ' : 'err'] += 1;
              sum.tcostMs += step.tcostMs ?? 0;
              told.set(step.host, sum);
            }
          }
          expectCounts(world, told, picks);
        }),
      );
    });

    test('property: same inputs, same answers', () => {
      fc.assert(
        fc.property(trace, steps => {
          const [one, other] = [new World(factory), new World(factory)];
          for (const step of steps) expect(play(one, step)).toEqual(play(other, step));
          expect(one.transitions).toEqual(other.transitions);
        }),
      );
    });
  });
}

function viewsOf(world: World) {
  return [...world.balancer.hosts()]
    .map(({ host, isEjected }) => ({ host, isEjected }))
    .sort((a, b) => a.host.port - b.host.port);
}

/** Takes the counts and holds them against what was told since; both begin again then. */
function expectCounts(world: World, told: Map<number, { succ: number; err: number; tcostMs: number }>, picks: number): 0 {
  const taken = world.takeCounts();
  let probes = 0;
  for (const [port, counts] of taken) {
    const sum = told.get(port) ?? { succ: 0, err: 0, tcostMs: 0 };
    expect(counts).toEqual({ ...sum, probes: counts.probes });
    expect(counts.probes).toBeGreaterThanOrEqual(0);
    expect(counts.succ + counts.err + counts.probes).toBeGreaterThan(0);
    probes += counts.probes;
    told.delete(port);
  }
  expect(told.size).toBe(0);
  expect(probes).toBeLessThanOrEqual(picks);
  return 0;
}
