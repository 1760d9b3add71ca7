import { describe, expect, test } from 'vitest';
import type { AdaptiveOptions } from '../../../agent/src/balancer/adaptive.ts';
import { AdaptiveWorld } from './adaptive-world.ts';
import { host, hostsUpTo } from './world.ts';

/** Host 1 of that many has just been ejected. */
function ejected(count: number, options: Partial<AdaptiveOptions> = {}): AdaptiveWorld {
  const world = new AdaptiveWorld(hostsUpTo(count), options);
  world.answer(hostsUpTo(count), 100);
  world.fail(host(1), 3, 1);
  expect(world.state(1)).toBe('ejected');
  return world;
}

/** Picks and answers until host 1 is probed; returns how long that took. The probe is not reported. */
function untilProbed(world: AdaptiveWorld, stepMs = 10, atMost = 100_000): number {
  const startMs = world.nowMs;
  for (let i = 0; i < atMost; i++) {
    world.nowMs += stepMs;
    const picked = world.pick();
    if (picked === undefined) continue;
    if (picked.port === 1) return world.nowMs - startMs;
    world.succeed(picked, 1, 0);
  }
  throw new Error(`no probe within ${atMost} picks`);
}

describe('AD-10', () => {
  test('probes come after pauses that double from the shortest to the longest, with a quarter of jitter', () => {
    const world = ejected(2, { backoffMinMs: 1_000, backoffMaxMs: 4_000, probeShare: 1 });
    for (const pauseMs of [1_000, 2_000, 4_000, 4_000]) {
      const waitedMs = untilProbed(world);
      expect(waitedMs).toBeGreaterThanOrEqual(0.75 * pauseMs);
      expect(waitedMs).toBeLessThanOrEqual(1.25 * pauseMs + 10);
      world.fail(host(1), 1, 1);
    }
    expect(world.takeCounts().get(1)?.probes).toBe(4);
  });

  test('a probe is a single call: the next one waits for its report, or for the longest pause', () => {
    const world = ejected(2, { probeShare: 1 });
    untilProbed(world);
    expect(untilProbed(world)).toBe(10_000);
  });

  test('each probe is told with the pause that went before', () => {
    const world = ejected(2, { probeShare: 1 });
    const waitedMs = untilProbed(world);
    const probed = world.transitions.at(-1);
    expect(probed).toMatchObject({ host: host(1), to: 'probed', cause: 'probe-due', numbers: { failuresInRow: 1 } });
    expect(probed?.numbers['ejectedForMs']).toBe(waitedMs);
  });
});

describe('AD-11', () => {
  test.each([
    { count: 5, probeShare: 0.03, picks: 5 / 0.03 },
    { count: 50, probeShare: 0.03, picks: 50 / 0.03 },
    { count: 5, probeShare: 0.5, picks: 5 / 0.5 },
  ])('a probe costs $picks picks where 1 of $count is ejected and its share is $probeShare', ({ count, probeShare, picks }) => {
    const world = ejected(count, { probeShare, backoffMinMs: 1, backoffMaxMs: 1 });
    // The first one is free.
    untilProbed(world);
    world.fail(host(1), 1, 1);
    const startMs = world.nowMs;
    for (let i = 0; i < 5; i++) {
      untilProbed(world);
      world.fail(host(1), 1, 1);
    }
    const taken = (world.nowMs - startMs) / 10;
    expect(taken / (5 * picks)).toBeCloseTo(1, 1);
  });
});

describe('AD-12', () => {
  test('one success takes the host back on probation, with three quarters of the evidence, and its errors are forgiven', () => {
    const world = ejected(3, { probeShare: 1 });
    untilProbed(world);
    world.nowMs += 5;
    world.succeed(host(1), 1, 5);
    expect(world.happenings().at(-1)).toEqual([1, 'idle', 'call-succeeded']);
    expect([world.state(1), world.number(1, 'evidence'), world.number(1, 'errorRate')]).toEqual(['probation', 5.25, 0.01]);
    expect([world.number(1, 'expectedMs'), world.number(1, 'window')]).toEqual([5, 2]);
  });

  test('the next failure ejects it again, and the pause is longer', () => {
    const world = ejected(3, { probeShare: 1 });
    untilProbed(world);
    world.succeed(host(1), 1, 0);
    world.fail(host(1), 1, 1);
    expect([world.state(1), world.number(1, 'failuresInRow')]).toEqual(['ejected', 2]);
    expect(world.number(1, 'probeInMs')).toBeGreaterThanOrEqual(1_500);
  });

  test('probation ends when the evidence is gone', () => {
    const world = ejected(3, { probeShare: 1 });
    untilProbed(world);
    world.succeed(host(1), 1, 0);
    const successes = Math.ceil(5.25 / -Math.log((1 - 0.26) / (1 - 0.01)));
    world.succeed(host(1), successes - 1, 1);
    expect(world.state(1)).toBe('probation');
    world.succeed(host(1), 1, 1);
    expect(world.state(1)).toBe('idle');
  });

  test('calls that were sent before the ejection say nothing: neither that the host is well, nor that a probe failed', () => {
    const world = ejected(3, { probeShare: 1 });
    world.nowMs += 100;
    world.succeed(host(1), 3, 101);
    expect(world.state(1)).toBe('ejected');
    untilProbed(world);
    const before = world.number(1, 'failuresInRow');
    world.fail(host(1), 3, world.nowMs);
    expect(world.number(1, 'failuresInRow')).toBe(before);
    world.fail(host(1), 1, 1);
    expect(world.number(1, 'failuresInRow')).toBe(before + 1);
  });
});
