import { describe, expect, test } from 'vitest';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../../agent/src/balancer/classic/classic.ts';
import { host, hostsUpTo, World } from '../world.ts';

const draining = (n: number) => host(n, { drain: true });
const worldOf = (...hosts: ReturnType<typeof host>[]) => new World(classicBalancer(CLASSIC_DEFAULTS), hosts);

describe('LB-11: a host that drains is in neither list', () => {
  test('LB-11: it gets no new calls, from the start or from the moment it is marked', () => {
    const world = worldOf(host(1), draining(2), host(3));
    expect(world.picks(4)).toEqual([1, 3, 1, 3]);
    world.setHosts([draining(1), host(2), host(3)]);
    expect(world.picks(4)).toEqual([3, 2, 3, 2]);
  });

  test('LB-11: it gets no probe when it was overloaded', () => {
    const world = worldOf(...hostsUpTo(3));
    world.failuresUntilOverloaded(host(2));
    world.setHosts([host(1), draining(2), host(3)]);
    expect(world.balancer.ejectedCount).toBe(0);
    expect(world.picks(30)).not.toContain(2);
  });

  test('LB-11: its last calls are counted, and judge nobody', () => {
    const world = worldOf(host(1), draining(2));
    world.fail(host(2), 100);
    world.succeed(host(2), 3);
    expect(world.transitions).toEqual([]);
    expect(world.takeCounts().get(2)).toMatchObject({ succ: 3, err: 100 });
  });

  test('LB-11: back in the route it joins the tail of the list it belongs to', () => {
    const world = worldOf(draining(1), host(2), host(3));
    world.setHosts(hostsUpTo(3));
    expect(world.picks(3)).toEqual([2, 3, 1]);
  });

  test('LB-11: a module whose hosts all drain answers OVERLOAD', () => {
    expect(worldOf(draining(1), draining(2)).picks(12)).toEqual(Array(12).fill(0));
  });

  test('LB-11: it may leave the route while it drains', () => {
    const world = worldOf(host(1), draining(2));
    world.setHosts([host(1)]);
    expect(world.balancer.hostCount).toBe(1);
    expect(world.picks(2)).toEqual([1, 1]);
  });
});
