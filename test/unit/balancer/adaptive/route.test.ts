import { describe, expect, test } from 'vitest';
import type { AdaptiveOptions } from '../../../../agent/src/balancer/adaptive/adaptive.ts';
import { host, hostsUpTo } from '../world.ts';
import { AdaptiveWorld } from './adaptive-world.ts';

const named = [11, 12, 13, 14].map(n => host(n, { ip: 0, addr: `db${n}.example` }));

/** Of the hosts that have an IPv4 address, which the callers of these tests ask for, all are ejected; others are well. */
function allEjected(options: Partial<AdaptiveOptions>): AdaptiveWorld {
  const hosts = [...hostsUpTo(3), ...named];
  const world = new AdaptiveWorld(hosts, options);
  world.answer(hosts, 100);
  for (const one of hostsUpTo(3)) world.tell(one, false, 1, 4);
  expect(world.balancer.ejectedCount).toBe(3);
  return world;
}

function picks(world: AdaptiveWorld, count: number): number[] {
  return Array.from({ length: count }, () => world.balancer.pick(world.nowMs, true)?.port ?? 0);
}

describe('AD-17: where no host may be called', () => {
  test('probe sends one call at a time to each ejected host, and refuses the others', () => {
    const world = allEjected({ onAllOverloaded: 'probe' });
    expect(picks(world, 3).sort()).toEqual([1, 2, 3]);
    expect(picks(world, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(world.balancer.refusalCause).toBe('no-host');
    const probes = world.happenings().slice(-3);
    expect(probes.map(([, to, cause]) => [to, cause])).toEqual(Array(3).fill(['probed', 'none-left']));
    world.nowMs += 10;
    world.fail(host(2), 1, 10);
    expect(picks(world, 2)).toEqual([2, 0]);
    world.nowMs += 10;
    world.succeed(host(2), 1, 10);
    expect(world.state(2)).toBe('probation');
    expect(world.takeCounts().get(2)?.probes).toBe(2);
  });

  test('all uses the hosts as though they were well', () => {
    const world = allEjected({ onAllOverloaded: 'all' });
    const picked = picks(world, 300);
    for (const port of [1, 2, 3]) expect(picked.filter(one => one === port).length).toBeGreaterThan(20);
    expect(picked).not.toContain(0);
  });

  test('all makes no probes of its calls: their failures do not lengthen the pauses', () => {
    const world = allEjected({ onAllOverloaded: 'all' });
    const before = world.number(1, 'failuresInRow');
    world.nowMs += 100;
    for (const port of picks(world, 30)) world.fail(host(port), 1, 1);
    expect(world.number(1, 'failuresInRow')).toBe(before);
  });

  test('refuse answers OVERLOAD until a regular probe succeeds', () => {
    const world = allEjected({ onAllOverloaded: 'refuse' });
    expect(picks(world, 50)).toEqual(Array(50).fill(0));
    world.nowMs += 1_250;
    const [probed] = picks(world, 1);
    expect(probed).not.toBe(0);
    world.succeed(host(probed ?? 0), 1, 0);
    expect(picks(world, 2)).toContain(probed);
  });
});

describe('AD-18: a host that drains', () => {
  test('gets no probe, is in no state but draining, and is ejected still when it comes back', () => {
    const world = new AdaptiveWorld(hostsUpTo(3), { probeShare: 1 });
    world.answer(hostsUpTo(3), 100);
    world.tell(host(1), false, 1, 3);
    world.setHosts([host(1, { drain: true }), host(2), host(3)]);
    expect([world.state(1), world.balancer.ejectedCount]).toEqual(['draining', 0]);
    world.nowMs += 60_000;
    expect(world.picks(300)).not.toContain(1);
    world.setHosts(hostsUpTo(3));
    expect([world.state(1), world.balancer.ejectedCount]).toEqual(['ejected', 1]);
    expect(world.picks(300)).toContain(1);
  });

  test.each([true, false])('has its last reports counted, and is not judged by them: picked here %j', isPicked => {
    const world = new AdaptiveWorld([host(1, { drain: true }), host(2), host(3)]);
    world.answer([host(2), host(3)], 50);
    if (isPicked) {
      world.fail(host(1), 50, 1);
      world.succeed(host(1), 2, 1);
    } else {
      world.tell(host(1), false, 1, 50);
      world.tell(host(1), true, 1, 2);
    }
    expect(world.takeCounts().get(1)).toMatchObject({ err: 50, succ: 2 });
    world.setHosts(hostsUpTo(3));
    expect([world.state(1), world.number(1, 'evidence')]).toEqual(['healthy', 0]);
  });
});

describe('AD-19: zones', () => {
  const near = host(1, { zone: 'a' });
  const far = [host(2, { zone: 'b' }), host(3)];
  const all = [near, ...far];

  /** All have answered for a while, one call a second each. */
  function zoned(zone: string): AdaptiveWorld {
    const world = new AdaptiveWorld(all, { zone });
    world.answer(all, 100);
    return world;
  }

  test('hosts elsewhere are not called while one of the own zone may be, however much it has to do', () => {
    expect(new Set(zoned('a').picks(500))).toEqual(new Set([1]));
  });

  test('while the module sheds, those of the own zone are called until they are full, then the others', () => {
    const world = zoned('a');
    world.nowMs += 2_000;
    world.tell(near, true, 900, 3);
    world.fail(near, 2, 1_000);
    expect(world.conduct().shedding).toBeDefined();
    const picked = world.picks(20);
    const toNear = picked.filter(port => port === 1).length;
    expect(toNear).toBeGreaterThan(0);
    expect(picked.slice(0, toNear)).toEqual(Array(toNear).fill(1));
    expect(picked[toNear]).toBeGreaterThan(1);
  });

  test('an ejected host elsewhere is not called, and one that comes back is called elsewhere again', () => {
    const world = zoned('a');
    for (const one of [near, host(3)]) world.tell(one, false, 1, 3);
    expect([world.state(1), world.state(3)]).toEqual(['ejected', 'ejected']);
    expect(new Set(world.picks(20))).toEqual(new Set([2]));
    world.nowMs += 5_001;
    const [probed] = world.picks(1);
    expect([1, 3]).toContain(probed);
    world.succeed(host(3), 1, 5);
    expect(world.state(3)).toBe('probation');
    expect(new Set(world.picks(20))).toEqual(new Set([2, 3]));
  });

  test('a host that moves into the zone is preferred from then on', () => {
    const world = zoned('b');
    expect(world.picks(1)).toEqual([2]);
    world.setHosts([near, host(2, { zone: 'c' }), host(3, { zone: 'b' })]);
    expect(world.picks(1)).toEqual([3]);
  });

  test('mean nothing to an agent that names none', () => {
    const world = zoned('');
    for (let i = 0; i < 5; i++) expect(world.picks(3).sort()).toEqual([1, 2, 3]);
  });
});

describe('AD-20: weights', () => {
  test.each([
    [0, 0, 0.5],
    [0, 100, 0.5],
    [100, 400, 0.8],
    [100, 900, 0.9],
  ])('calls follow weights of %i and %i: the second host gets this share: %f', (first, second, share) => {
    const world = new AdaptiveWorld([host(1, { weight: first }), host(2, { weight: second })]);
    const calls = world.callInTurn(8_000, () => 5);
    expect((calls.get(2) ?? 0) / 8_000).toBeGreaterThan(share - 0.05);
    expect((calls.get(2) ?? 0) / 8_000).toBeLessThan(share + 0.05);
  });
});
