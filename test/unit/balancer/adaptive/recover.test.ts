import { describe, expect, test } from 'vitest';
import type { AdaptiveOptions } from '../../../../agent/src/balancer/adaptive/adaptive.ts';
import { host, hostsUpTo } from '../world.ts';
import { AdaptiveWorld } from './adaptive-world.ts';

/** Host 1 of that many has just been ejected, for failures that took so long. */
function ejected(count: number, options: Partial<AdaptiveOptions> = {}, tookMs = 1): AdaptiveWorld {
  const world = new AdaptiveWorld(hostsUpTo(count), options);
  world.answer(hostsUpTo(count), 100);
  world.tell(host(1), false, tookMs, 3);
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
    world.succeed(picked, 1, 10);
  }
  throw new Error(`no probe within ${atMost} picks`);
}

describe('AD-10', () => {
  test('probes come after pauses that double from the shortest to the longest, with a quarter of jitter', () => {
    const world = ejected(2, { probeBackoffMinMs: 1_000, probeBackoffMaxMs: 4_000, probeShare: 1 });
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
    const world = ejected(count, { probeShare, probeBackoffMinMs: 1, probeBackoffMaxMs: 1 });
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
  /** Host 1 of three is on probation since just now; its probe took 5 ms. */
  function onProbation(): AdaptiveWorld {
    const world = ejected(3, { probeShare: 1 });
    untilProbed(world);
    world.nowMs += 5;
    world.succeed(host(1), 1, 5);
    expect(world.state(1)).toBe('probation');
    return world;
  }

  test('one success takes the host back on probation, nearly with the evidence that ejects, and its errors are forgiven', () => {
    const world = onProbation();
    expect(world.happenings().at(-1)).toEqual([1, 'healthy', 'call-succeeded']);
    const limit = world.number(1, 'evidenceLimit');
    expect(world.number(1, 'evidence')).toBeGreaterThanOrEqual(0.75 * limit);
    expect(world.number(1, 'evidence')).toBeLessThan(limit);
    expect(world.number(1, 'errorRate')).toBe(world.number(1, 'normalErrorRate'));
    expect(world.number(1, 'expectedMs')).toBe(5);
  });

  test('the next failure ejects it again, and the pause is longer', () => {
    const world = onProbation();
    world.fail(host(1), 1, 1);
    expect([world.state(1), world.number(1, 'failuresInRow')]).toEqual(['ejected', 2]);
    expect(world.number(1, 'probeInMs')).toBeGreaterThanOrEqual(1_500);
  });

  test('also in a busy module, where the limit is several failures high: by the next one or two', () => {
    const world = new AdaptiveWorld(hostsUpTo(3), { probeShare: 1 });
    world.answer(hostsUpTo(3), 20_000, 10, 0.2);
    world.tell(host(1), false, 1, 10);
    expect(world.state(1)).toBe('ejected');
    untilProbed(world, 0.2);
    world.succeed(host(1), 1, 10);
    expect(world.state(1)).toBe('probation');
    world.fail(host(1), 2, 1);
    expect(world.state(1)).toBe('ejected');
  });

  test('probation ends when the evidence is gone', () => {
    const world = onProbation();
    const normal = world.number(1, 'normalErrorRate');
    const successes = Math.ceil(world.number(1, 'evidence') / -Math.log((1 - normal - 0.25) / (1 - normal)));
    world.tell(host(1), true, 1, successes - 2);
    expect(world.state(1)).toBe('probation');
    world.tell(host(1), true, 1, 4);
    expect(world.state(1)).toBe('healthy');
  });

  test('calls that were sent before the ejection say nothing: neither that the host is well, nor that a probe failed', () => {
    const world = new AdaptiveWorld(hostsUpTo(3), { probeShare: 1 });
    world.answer(hostsUpTo(3), 100);
    // Two to each host.
    world.picks(6);
    world.tell(host(1), false, 1, 3);
    world.nowMs += 100;
    world.succeed(host(1), 1, 101);
    expect(world.state(1)).toBe('ejected');
    untilProbed(world);
    const before = world.number(1, 'failuresInRow');
    world.fail(host(1), 1, world.nowMs);
    expect(world.number(1, 'failuresInRow')).toBe(before);
  });

  test('a failed probe is the beginning of the next pause', () => {
    const world = ejected(3, { probeShare: 1 });
    untilProbed(world);
    const before = world.number(1, 'failuresInRow');
    world.nowMs += 5;
    world.fail(host(1), 1, 5);
    expect(world.number(1, 'failuresInRow')).toBe(before + 1);
  });
});

describe('AD-12: a host that was silent', () => {
  test.each([
    { what: 'calls that were lost', tookMs: 1_000, state: 'probation' },
    { what: 'errors', tookMs: 1, state: 'ejected' },
  ])('after an ejection for $what an answer to a call that was sent before finds it: $state', ({ tookMs, state }) => {
    const world = ejected(3, {}, tookMs);
    world.nowMs += 200;
    world.succeed(host(1), 1, 1_500);
    expect(world.state(1)).toBe(state);
  });

  test('it has its share again at once, without a probe', () => {
    const world = ejected(3, {}, 1_000);
    world.nowMs += 200;
    world.succeed(host(1), 1, 1_500);
    const picked = world.picks(30);
    expect(picked.filter(port => port === 1).length).toBeGreaterThan(0);
    expect(world.happenings().filter(([, to]) => to === 'probed')).toEqual([]);
  });

  test('a failure of a call that was sent before does not lengthen its pause', () => {
    const world = ejected(3, {}, 1_000);
    const before = world.number(1, 'failuresInRow');
    world.nowMs += 200;
    world.fail(host(1), 3, 1_500);
    expect(world.number(1, 'failuresInRow')).toBe(before);
  });
});
