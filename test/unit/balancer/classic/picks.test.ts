import { getHeapStatistics } from 'node:v8';
import { type HostKey, hostKey } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLASSIC_DEFAULTS, type ClassicOptions, classicBalancer } from '../../../../agent/src/balancer/classic/classic.ts';
import { play, trace } from '../trace.ts';
import { host, hostsUpTo, World } from '../world.ts';

const OVERLOAD = 0;

function worldOf(hostCount: number, options: Partial<ClassicOptions> = {}): World {
  return new World(classicBalancer({ ...CLASSIC_DEFAULTS, ...options }), hostsUpTo(hostCount));
}

function overload(world: World, ...hosts: number[]): void {
  for (const n of hosts) world.failuresUntilOverloaded(host(n));
}

describe('LB-1: hosts stand in an idle list or an overloaded list', () => {
  test('LB-1: new hosts are idle, in the order of the list', () => {
    const world = worldOf(4);
    expect(world.balancer.ejectedCount).toBe(0);
    expect(world.picks(4)).toEqual([1, 2, 3, 4]);
  });

  test('LB-1: a later new host stands at the tail; hosts that stay keep their order, however the new list is sorted', () => {
    const world = worldOf(3);
    world.picks(1);
    world.setHosts([host(9), host(3), host(1), host(2)]);
    expect(world.picks(5)).toEqual([2, 3, 1, 9, 2]);
  });

  test.each([
    { removed: 1, rest: [2, 3, 4, 2] },
    { removed: 3, rest: [1, 2, 4, 1] },
    { removed: 4, rest: [1, 2, 3, 1] },
  ])('LB-1: without host $removed the others keep their order', ({ removed, rest }) => {
    const world = worldOf(4);
    world.setHosts(hostsUpTo(4).filter(one => one.port !== removed));
    expect(world.picks(4)).toEqual(rest);
  });

  test('LB-1: a host that was removed and comes back stands at the tail', () => {
    const world = worldOf(3);
    world.setHosts([host(2), host(3)]);
    world.setHosts(hostsUpTo(3));
    expect(world.picks(3)).toEqual([2, 3, 1]);
  });

  test('LB-1: a host stays overloaded while the list changes around it', () => {
    const world = worldOf(3);
    overload(world, 2);
    world.setHosts([host(2, { weight: 7 }), host(4)]);
    expect(world.isOverloaded(host(2))).toBe(true);
    expect(world.picks(11).at(-1)).toBe(2);
  });

  test('LB-1: an overloaded host can be removed, as only one and as one of several', () => {
    const world = worldOf(4);
    overload(world, 1, 2, 3);
    world.setHosts([host(1), host(3), host(4)]);
    expect(world.picks(22).filter(port => port !== 4)).toEqual([1, 3]);
    world.setHosts([host(4)]);
    expect(world.picks(22)).toEqual(Array(22).fill(4));
  });
});

describe('LB-2: a pick takes the head and moves it to the tail', () => {
  test('LB-2: idle hosts take turns, whatever their weight and zone', () => {
    const world = new World(classicBalancer(CLASSIC_DEFAULTS), [host(1, { weight: 900 }), host(2, { zone: 'x' }), host(3)]);
    expect(world.picks(7)).toEqual([1, 2, 3, 1, 2, 3, 1]);
  });

  test('LB-2: overloaded hosts take turns too', () => {
    const world = worldOf(4, { probeNum: 1 });
    overload(world, 3, 1);
    expect(world.picks(8)).toEqual([2, 3, 4, 1, 2, 3, 4, 1]);
  });
});

describe('LB-3: no host overloaded', () => {
  test('LB-3: there are no probes', () => {
    const world = worldOf(3);
    expect(world.picks(60)).toEqual(Array.from({ length: 60 }, (_, i) => (i % 3) + 1));
    for (const n of [1, 2, 3]) world.succeed(host(n));
    for (const counts of world.takeCounts().values()) expect(counts.probes).toBe(0);
  });

  test('LB-3: the probe counter is 0, so that a later overload begins with all its picks before the probe', () => {
    const world = worldOf(2);
    overload(world, 1);
    world.picks(7);
    world.successesUntilIdle(host(1));
    world.picks(1);
    overload(world, 1);
    expect(world.picks(11)).toEqual([...Array(10).fill(2), 1]);
  });
});

describe('LB-4: some hosts overloaded', () => {
  test.each([1, 2, 10, 37])('LB-4: after %i idle picks comes one probe', probeNum => {
    const world = worldOf(2, { probeNum });
    overload(world, 2);
    const round = [...Array(probeNum).fill(1), 2];
    expect(world.picks(3 * round.length)).toEqual([...round, ...round, ...round]);
  });

  test('LB-4: the picks between probes go round the idle hosts without a gap', () => {
    const world = worldOf(4, { probeNum: 4 });
    overload(world, 4);
    expect(world.picks(10)).toEqual([1, 2, 3, 1, 4, 2, 3, 1, 2, 4]);
  });

  test('LB-4: probes are counted when picked, with or without a report', () => {
    const world = worldOf(2, { probeNum: 1 });
    overload(world, 1);
    world.takeCounts();
    world.picks(6);
    expect(world.takeCounts()).toEqual(new Map([[1, { succ: 0, err: 0, tcostMs: 0, probes: 3 }]]));
  });
});

describe('LB-5: all hosts overloaded', () => {
  test.each([1, 3, 10])('LB-5: %i picks answer OVERLOAD, the next one is a probe', probeNum => {
    const world = worldOf(2, { probeNum });
    overload(world, 1, 2);
    const refused = Array(probeNum).fill(OVERLOAD);
    expect(world.picks(3 * (probeNum + 1))).toEqual([...refused, 1, ...refused, 2, ...refused, 1]);
  });

  test('LB-5: the only host of a module goes overloaded too, and its probe is counted', () => {
    const world = worldOf(1);
    overload(world, 1);
    expect(world.picks(11)).toEqual([...Array(10).fill(OVERLOAD), 1]);
    expect(world.takeCounts().get(1)?.probes).toBe(1);
  });

  test('LB-5: a host that is added then is idle and gets the picks', () => {
    const world = worldOf(1);
    overload(world, 1);
    world.setHosts([host(1), host(2)]);
    expect(world.picks(11)).toEqual([...Array(10).fill(2), 1]);
  });
});

describe('fairness', () => {
  test('LB-2, LB-4: whatever happened before, each idle host gets one of the next idle picks, each overloaded one of the next probes', () => {
    fc.assert(
      fc.property(trace, fc.integer({ min: 1, max: 4 }), (steps, probeNum) => {
        const world = worldOf(0, { probeNum, initSuccCnt: 4, continErrLimit: 3, overloadTimeoutMs: 2_000 });
        for (const step of steps) play(world, step);
        const sides = [...world.balancer.hosts()].map(view => ({ port: view.host.port, overloaded: view.isEjected }));
        const idle = sides.filter(side => !side.overloaded).map(side => side.port);
        const overloaded = sides.filter(side => side.overloaded).map(side => side.port);
        const picks = world.picks(overloaded.length === 0 ? idle.length : (probeNum + 1) * (idle.length + overloaded.length));
        const idlePicks = picks.filter(port => idle.includes(port));
        const probes = picks.filter(port => overloaded.includes(port));
        expect(idlePicks.slice(0, idle.length).sort()).toEqual(idle.sort());
        expect(probes.slice(0, overloaded.length).sort()).toEqual(overloaded.sort());
      }),
    );
  });
});

describe('the hot path', () => {
  test('5,000 hosts: each is picked once a round, before and after half of them were overloaded', () => {
    const hosts = hostsUpTo(5_000);
    const world = new World(classicBalancer(CLASSIC_DEFAULTS), hosts);
    expect(world.picks(5_000)).toEqual(hosts.map(one => one.port));
    for (const one of hosts) if (one.port % 2 === 0) world.fail(one, CLASSIC_DEFAULTS.continErrLimit);
    expect(world.balancer.ejectedCount).toBe(2_500);
    const picks = world.picks(11 * 2_500);
    expect(new Set(picks).size).toBe(5_000);
    expect(picks.filter(port => port % 2 === 0)).toHaveLength(2_500);
  });

  test('a pick answers the very HostInfo that was listed', () => {
    const listed = host(1);
    const world = new World(classicBalancer(CLASSIC_DEFAULTS), [listed]);
    expect(world.pick()).toBe(listed);
    expect(world.pick()).toBe(listed);
  });

  test('picks and reports allocate nothing while no host changes sides', () => {
    const world = worldOf(20);
    overload(world, 4, 5);
    // A Map, because an array of numbers beyond 2^31 would make a new number object of each that is read.
    const keys = new Map(hostsUpTo(20).map(one => [one.port, hostKey(one)]));
    const calls = 300_000;
    const run = () => {
      for (let i = 0; i < calls; i++) {
        const port = world.balancer.pick(world.nowMs)?.port ?? 0;
        const ok = port !== 4 && port !== 5 && i % 97 !== 0;
        world.balancer.report(keys.get(port) as HostKey, ok, ok ? undefined : 250, world.nowMs);
      }
    };
    run();
    const bytesPerCall = Array.from({ length: 3 }, () => {
      const before = getHeapStatistics().total_allocated_bytes;
      run();
      return (getHeapStatistics().total_allocated_bytes - before) / calls;
    });
    expect(world.transitions).toHaveLength(2);
    // The smallest object has 12 bytes, every time; what there is instead comes from the compiler at work.
    expect(Math.min(...bytesPerCall)).toBeLessThan(4);
  });
});
