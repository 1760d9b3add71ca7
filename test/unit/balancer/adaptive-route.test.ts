import { describe, expect, test } from 'vitest';
import type { AdaptiveOptions } from '../../../agent/src/balancer/adaptive.ts';
import { AdaptiveWorld } from './adaptive-world.ts';
import { host, hostsUpTo } from './world.ts';

/** Three hosts which died one after the other, so that all are ejected. */
function allEjected(options: Partial<AdaptiveOptions>): AdaptiveWorld {
  const world = new AdaptiveWorld(hostsUpTo(3), options);
  world.answer(hostsUpTo(3), 100);
  for (const one of hostsUpTo(3)) {
    for (let failures = 0; world.state(one.port) !== 'ejected'; failures++) {
      if (failures === 100) throw new Error(`100 failures did not eject host ${one.port}`);
      world.fail(one, 1, 1);
    }
  }
  expect(world.balancer.overloadedCount).toBe(3);
  return world;
}

describe('AD-17: where no host may be called', () => {
  test('probe sends one call at a time to each ejected host, and refuses the others', () => {
    const world = allEjected({ onAllOverloaded: 'probe' });
    expect(world.picks(3).sort()).toEqual([1, 2, 3]);
    expect(world.picks(5)).toEqual([0, 0, 0, 0, 0]);
    expect(
      world
        .happenings()
        .slice(-3)
        .map(([, to, cause]) => [to, cause]),
    ).toEqual(Array(3).fill(['probed', 'none-left']));
    world.nowMs += 10;
    world.fail(host(2), 1, 10);
    expect(world.picks(2)).toEqual([2, 0]);
    world.nowMs += 10;
    world.succeed(host(2), 1, 10);
    expect(world.state(2)).toBe('probation');
    expect(world.takeCounts().get(2)?.probes).toBe(2);
  });

  test('all uses the hosts as though they were well', () => {
    const world = allEjected({ onAllOverloaded: 'all' });
    const picked = world.picks(300);
    for (const port of [1, 2, 3]) expect(picked.filter(one => one === port).length).toBeGreaterThan(20);
    expect(picked).not.toContain(0);
  });

  test('all makes no probes of its calls: their failures do not lengthen the pauses', () => {
    const world = allEjected({ onAllOverloaded: 'all' });
    const before = world.number(1, 'failuresInRow');
    world.nowMs += 100;
    for (const port of world.picks(30)) world.fail(host(port), 1, 1);
    expect(world.number(1, 'failuresInRow')).toBe(before);
  });

  test('refuse answers OVERLOAD until a regular probe succeeds', () => {
    const world = allEjected({ onAllOverloaded: 'refuse' });
    expect(world.picks(50)).toEqual(Array(50).fill(0));
    world.nowMs += 1_250;
    const [probed] = world.picks(1);
    expect(probed).not.toBe(0);
    world.succeed(host(probed ?? 0), 1, 0);
    expect(world.picks(2)).toContain(probed);
  });
});

describe('AD-18: a host that drains', () => {
  test('gets no probe, is in no state but draining, and is ejected still when it comes back', () => {
    const world = new AdaptiveWorld(hostsUpTo(3), { probeShare: 1 });
    world.answer(hostsUpTo(3), 100);
    world.fail(host(1), 3, 1);
    world.setHosts([host(1, { drain: true }), host(2), host(3)]);
    expect([world.state(1), world.balancer.overloadedCount]).toEqual(['draining', 0]);
    world.nowMs += 60_000;
    expect(world.picks(300)).not.toContain(1);
    world.setHosts(hostsUpTo(3));
    expect([world.state(1), world.balancer.overloadedCount]).toEqual(['ejected', 1]);
    expect(world.picks(300)).toContain(1);
  });

  test('has its last reports counted, and is not judged by them', () => {
    const world = new AdaptiveWorld([host(1, { drain: true }), host(2), host(3)]);
    world.fail(host(1), 50, 1);
    world.succeed(host(1), 2, 1);
    expect(world.takeCounts().get(1)).toMatchObject({ err: 50, succ: 2 });
    world.setHosts(hostsUpTo(3));
    expect([world.state(1), world.number(1, 'evidence')]).toEqual(['idle', 0]);
  });
});

describe('AD-19: zones', () => {
  const near = host(1, { zone: 'a' });
  const far = [host(2, { zone: 'b' }), host(3)];

  test('hosts elsewhere are called when those of the own zone are full', () => {
    const world = new AdaptiveWorld([near, ...far], { zone: 'a' });
    // A window of 2 each, as for every new host.
    expect(world.picks(2)).toEqual([1, 1]);
    expect(world.picks(4).sort()).toEqual([2, 2, 3, 3]);
    world.succeed(near, 1, 0);
    expect(world.picks(1)).toEqual([1]);
  });

  test('an ejected host elsewhere is not called, and one that comes back is called elsewhere again', () => {
    const world = new AdaptiveWorld([near, ...far], { zone: 'a' });
    for (let i = 0; i < 20; i++) for (const one of [near, ...far]) world.succeed(one, 1, 10);
    world.fail(host(3), 3, 1);
    expect(world.state(3)).toBe('ejected');
    // Nobody reports: the near one fills up.
    expect(new Set(world.picks(200))).toEqual(new Set([1, 2]));
    world.nowMs += 60_000;
    world.succeed(host(3), 1, 5);
    expect(world.picks(2)).toEqual([1, 1]);
    expect(world.picks(20)).toContain(3);
  });

  test('a host that moves into the zone is preferred from then on', () => {
    const world = new AdaptiveWorld([near, ...far], { zone: 'b' });
    expect(world.picks(1)).toEqual([2]);
    world.setHosts([near, host(2, { zone: 'c' }), host(3, { zone: 'b' })]);
    expect(world.picks(1)).toEqual([3]);
  });

  test('mean nothing to an agent that names none', () => {
    const world = new AdaptiveWorld([near, ...far]);
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
    let toSecond = 0;
    for (let i = 0; i < 8_000; i++) {
      const [port] = world.picks(1);
      world.nowMs += 5;
      world.succeed(host(port ?? 0), 1, 5);
      if (port === 2) toSecond += 1;
    }
    expect(toSecond / 8_000).toBeGreaterThan(share - 0.05);
    expect(toSecond / 8_000).toBeLessThan(share + 0.05);
  });
});
