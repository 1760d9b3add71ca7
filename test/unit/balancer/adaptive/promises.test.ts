import type { HostInfo } from '@lars/proto';
import { beforeEach, describe, expect, test } from 'vitest';
import { ADAPTIVE_DEFAULTS, type AdaptiveOptions, adaptiveBalancer } from '../../../../agent/src/balancer/adaptive/adaptive.ts';
import type { ModuleBalancer } from '../../../../agent/src/balancer/balancer.ts';
import { host, hostsUpTo, seededRandom, World } from '../world.ts';

type Adaptive = World<ModuleBalancer>;

let luck = seededRandom(7);
beforeEach(() => {
  luck = seededRandom(7);
});

const worldOf = (hosts: readonly HostInfo[], options: Partial<AdaptiveOptions> = {}): Adaptive =>
  new World(adaptiveBalancer({ ...ADAPTIVE_DEFAULTS, ...options }), hosts);

/** Calls one after the other. A success takes 5 to 30 ms, a failure comes at once. Returns how many calls each port got. */
function call(world: Adaptive, count: number, fails: (port: number) => boolean = () => false): Map<number, number> {
  const calls = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const picked = world.pick();
    const port = picked?.port ?? 0;
    const failed = fails(port);
    const tookMs = failed ? 1 : 5 + 25 * luck();
    world.nowMs += tookMs;
    calls.set(port, (calls.get(port) ?? 0) + 1);
    if (picked === undefined) continue;
    if (failed) world.fail(picked, 1, tookMs);
    else world.succeed(picked, 1, tookMs);
  }
  return calls;
}

const stateOf = (world: Adaptive, port: number) => world.balancer.explain(world.nowMs).find(one => one.host.port === port)?.state;

describe('detection', () => {
  test('AD-7: a dead host among good ones is ejected by its third failure in a row', () => {
    const world = worldOf(hostsUpTo(5));
    call(world, 200);
    const dead = (port: number) => port === 3;
    // Its price keeps callers away after the first failures; it is tried again when they have faded.
    const calls = call(world, 8_000, dead);
    expect(stateOf(world, 3)).toBe('ejected');
    expect(world.transitions.filter(({ to }) => to === 'ejected').map(({ host, cause }) => [host.port, cause])).toEqual([
      [3, 'error-evidence'],
    ]);
    const probes = world.transitions.filter(({ to }) => to === 'probed').length;
    expect(calls.get(3)).toBe(3 + probes);
  });

  test('AD-6: an error rate that all hosts share ejects nobody but by rare chance, and not for long', () => {
    const world = worldOf(hostsUpTo(5));
    call(world, 4_000, () => luck() < 0.2);
    expect(world.transitions.filter(({ to }) => to === 'ejected').length).toBeLessThanOrEqual(2);
    expect(world.balancer.ejectedCount).toBeLessThanOrEqual(1);
  });

  test('AD-9: the last host is never ejected, and one that is left alone is taken back', () => {
    const alone = worldOf([host(1)]);
    expect(call(alone, 100, () => true)).toEqual(new Map([[1, 100]]));
    expect(alone.balancer.ejectedCount).toBe(0);

    const world = worldOf(hostsUpTo(2));
    call(world, 100, port => port === 2);
    expect(stateOf(world, 2)).toBe('ejected');
    world.setHosts([host(2)]);
    expect(world.picks(3)).toEqual([2, 2, 2]);
    expect(world.transitions.at(-1)).toMatchObject({ to: 'healthy', cause: 'none-left' });
  });
});

describe('recovery', () => {
  test('AD-10 to AD-12: probed after a pause, back with its first success, out again with the next failure', () => {
    const world = worldOf(hostsUpTo(4));
    let isDead = true;
    call(world, 200);
    call(world, 8_000, port => port === 2 && isDead);
    expect(stateOf(world, 2)).toBe('ejected');
    isDead = false;
    call(world, 2_000, port => port === 2 && isDead);
    expect(world.transitions.find(({ to }) => to === 'healthy')).toMatchObject({ host: host(2), cause: 'call-succeeded' });
    expect(['probation', 'healthy']).toContain(stateOf(world, 2));
  });

  test('AD-11: a host that stays dead gets few of the picks, however long it lasts', () => {
    const world = worldOf(hostsUpTo(10));
    call(world, 500);
    const calls = call(world, 20_000, port => port === 7);
    expect(calls.get(7) ?? 0).toBeLessThan(0.005 * 20_000);
    expect(calls.get(7) ?? 0).toBeGreaterThan(3);
  });
});

describe('the rules of the route', () => {
  test.each([
    ['probe', true],
    ['all', true],
    ['refuse', false],
  ] as const)('AD-17: with all hosts ejected, %s picks a host: %s', (onAllOverloaded, picks) => {
    const world = worldOf(hostsUpTo(3), { onAllOverloaded });
    call(world, 300);
    // One after the other: a trouble that all share ejects nobody, hosts that die in turn are ejected.
    for (const dead of [1, 2, 3]) for (let i = 0; i < 40 && stateOf(world, dead) !== 'ejected'; i++) world.fail(host(dead), 1, 1);
    const left = world.balancer.hostCount - world.balancer.ejectedCount;
    if (left > 0) return expect(world.pick()).toBeDefined();
    return expect(world.pick() !== undefined).toBe(picks);
  });

  test('AD-18: a host that drains gets no calls and no probes', () => {
    const world = worldOf([host(1), host(2, { drain: true }), host(3)]);
    expect(call(world, 300).get(2)).toBeUndefined();
    world.setHosts([host(1, { drain: true }), host(2), host(3)]);
    expect(call(world, 300).get(1)).toBeUndefined();
    expect(stateOf(world, 1)).toBe('draining');
    world.setHosts([host(1, { drain: true })]);
    expect(world.pick()).toBeUndefined();
  });

  test('AD-19: hosts of the own zone are preferred, and others serve when there is none', () => {
    const near = [host(1, { zone: 'a' }), host(2, { zone: 'a' })];
    const far = [host(3, { zone: 'b' }), host(4)];
    const world = worldOf([...near, ...far], { zone: 'a' });
    const calls = call(world, 1_000);
    expect((calls.get(1) ?? 0) + (calls.get(2) ?? 0)).toBeGreaterThan(950);
    world.setHosts(far);
    expect([...call(world, 100).keys()].sort()).toEqual([3, 4]);
  });

  test('AD-20: calls follow the weights', () => {
    const world = worldOf([host(1, { weight: 100 }), host(2, { weight: 300 })]);
    call(world, 2_000);
    const calls = call(world, 8_000);
    expect((calls.get(2) ?? 0) / 8_000).toBeGreaterThan(0.65);
    expect((calls.get(2) ?? 0) / 8_000).toBeLessThan(0.85);
  });
});

describe('what callers do not say', () => {
  test('AD-4: lost reports do not leak: a host whose reports are lost is picked on for ever', () => {
    const world = worldOf(hostsUpTo(3));
    const picked = new Map<number, number>();
    for (let i = 0; i < 30_000; i++) {
      const one = world.pick();
      world.nowMs += 10;
      if (one === undefined) throw new Error(`refused at pick ${i}`);
      picked.set(one.port, (picked.get(one.port) ?? 0) + 1);
      if (one.port !== 2) world.succeed(one, 1, 10);
    }
    for (const port of [1, 2, 3]) expect(picked.get(port) ?? 0).toBeGreaterThan(30);
    expect(world.balancer.explain(world.nowMs).find(one => one.host.port === 2)?.numbers['inFlight']).toBeLessThan(2_000);
  });

  test('AD-5: without told durations a slow host still gets fewer calls', () => {
    const world = worldOf(hostsUpTo(2));
    const pending: { port: HostInfo; doneMs: number }[] = [];
    const picked = new Map<number, number>();
    for (let i = 0; i < 5_000; i++) {
      const one = world.pick();
      if (one === undefined) throw new Error('refused');
      picked.set(one.port, (picked.get(one.port) ?? 0) + 1);
      pending.push({ port: one, doneMs: world.nowMs + (one.port === 1 ? 20 : 200) });
      world.nowMs += 5;
      for (const call of pending.filter(({ doneMs }) => doneMs <= world.nowMs)) {
        world.succeed(call.port);
        pending.splice(pending.indexOf(call), 1);
      }
    }
    expect(picked.get(2) ?? 0).toBeLessThan(0.35 * (picked.get(1) ?? 0));
  });

  test('a clock that stands still for hours, as of a machine that was suspended, ejects nobody', () => {
    const world = worldOf(hostsUpTo(4));
    call(world, 500);
    world.nowMs += 10 * 3_600_000;
    call(world, 500);
    expect(world.balancer.ejectedCount).toBe(0);
    expect(world.transitions).toEqual([]);
  });
});
