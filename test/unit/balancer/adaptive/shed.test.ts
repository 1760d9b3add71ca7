import { describe, expect, test } from 'vitest';
import type { AdaptiveOptions } from '../../../../agent/src/balancer/adaptive/adaptive.ts';
import { host, hostsUpTo, seededRandom } from '../world.ts';
import { AdaptiveWorld } from './adaptive-world.ts';
import { Queues } from './queues.ts';

const TIMEOUT_MS = 1_000;
/** Longer than any sign of a trouble counts, where callers wait this long. */
const HOLD_MS = 1_000;

/** Hosts that answered in 10 ms until a second ago; since then host 1 has answered slowly. */
function queued(count: number, options: Partial<AdaptiveOptions> = {}): AdaptiveWorld {
  const world = new AdaptiveWorld(hostsUpTo(count), options);
  world.answer(hostsUpTo(count), 200, 10, 10);
  world.nowMs += TIMEOUT_MS;
  world.tell(host(1), true, 900, 3);
  return world;
}

/** The same, and two calls to host 1 were lost: one alone might be chance. */
function shedding(count: number, options: Partial<AdaptiveOptions> = {}, timeoutMs = TIMEOUT_MS): AdaptiveWorld {
  const world = queued(count, options);
  world.nowMs += timeoutMs - TIMEOUT_MS;
  world.tell(host(1), true, 900);
  world.fail(host(1), 2, timeoutMs);
  return world;
}

const isShedding = (world: AdaptiveWorld) => world.conduct().shedding !== undefined;
const episodes = (world: AdaptiveWorld) => world.happenings().filter(([, to]) => to === 'shedding' || to === 'shedding-over');

describe('AD-13: shedding begins', () => {
  test('with two timeouts at a standing queue that are many times what is normal, and is told once, with its numbers', () => {
    const world = shedding(2);
    expect(episodes(world)).toEqual([[1, 'shedding', 'standing-queue']]);
    const { inFlight, limit = 0, answersPerSec = 0, normalMs = 0, timeoutMs } = world.transitions[0]?.numbers ?? {};
    expect([inFlight, timeoutMs]).toEqual([0, TIMEOUT_MS]);
    expect(limit).toBeCloseTo((answersPerSec * TIMEOUT_MS) / 2 / 1_000, 6);
    expect(answersPerSec).toBeGreaterThan(20);
    expect(normalMs).toBeCloseTo(10, 0);
    world.fail(host(1), 30, TIMEOUT_MS);
    expect(episodes(world)).toHaveLength(1);
  });

  test.each([
    { what: 'the others answer quickly', isCommon: false },
    { what: 'the others have queues too', isCommon: true },
  ])('with a single one only where other hosts are slow as well: $what', ({ isCommon }) => {
    const world = queued(3);
    if (isCommon) for (const port of [2, 3]) world.tell(host(port), true, 900, 3);
    world.fail(host(1), 1, TIMEOUT_MS);
    expect(isShedding(world)).toBe(isCommon);
  });

  test('not where the host answers quickly, nor with fast failures', () => {
    for (const [answerMs, failedMs] of [
      [10, TIMEOUT_MS],
      [900, 30],
    ] as const) {
      const world = queued(3);
      world.tell(host(1), true, answerMs);
      world.fail(host(1), 2, failedMs);
      expect(isShedding(world)).toBe(false);
    }
  });

  test('with an error that is as slow as answers only after others: it may be an error', () => {
    const world = new AdaptiveWorld(hostsUpTo(2));
    world.answer(hostsUpTo(2), 100);
    world.nowMs += TIMEOUT_MS;
    world.tell(host(1), true, 60, 3);
    world.fail(host(1), 1, 60);
    expect(isShedding(world)).toBe(false);
    world.fail(host(1), 9, 60);
    expect(isShedding(world)).toBe(true);
  });

  test('and answers of the module are evidence against it', () => {
    const world = new AdaptiveWorld(hostsUpTo(2));
    world.answer(hostsUpTo(2), 100);
    world.nowMs += TIMEOUT_MS;
    world.tell(host(1), true, 60, 3);
    for (let i = 0; i < 20; i++) {
      world.fail(host(1), 1, 60);
      world.tell(host(2), true, 10, 20);
    }
    expect(isShedding(world)).toBe(false);
  });

  test('never with a report of a call that was picked from a copy', () => {
    const world = queued(2);
    world.tell(host(1), false, TIMEOUT_MS, 50);
    expect(isShedding(world)).toBe(false);
  });

  test.each([
    { what: 'three in ten', errs: 0.3 },
    { what: 'one in twenty', errs: 0.05 },
  ])('never where durations are constant and $what fail, as slowly as the others answer', ({ errs }) => {
    const world = new AdaptiveWorld(hostsUpTo(4));
    const random = seededRandom(2);
    for (let i = 0; i < 5_000; i++) {
      const picked = world.picks(4);
      expect(picked).not.toContain(0);
      world.nowMs += 50;
      for (const port of picked) {
        if (random() < errs) world.fail(host(port), 1, 50);
        else world.succeed(host(port), 1, 50);
      }
    }
    expect(episodes(world)).toEqual([]);
  });

  test('never with shed = off', () => {
    const world = shedding(2, { shed: false });
    world.fail(host(1), 50, TIMEOUT_MS);
    expect(isShedding(world)).toBe(false);
    expect(world.picks(1_000)).not.toContain(0);
  });

  test('not before the first forty answers say what is normal', () => {
    const world = new AdaptiveWorld(hostsUpTo(1));
    world.answer(hostsUpTo(1), 20);
    world.nowMs += TIMEOUT_MS;
    world.tell(host(1), true, 900, 3);
    world.fail(host(1), 5, TIMEOUT_MS);
    expect(isShedding(world)).toBe(false);
  });
});

describe('AD-13: shedding ends', () => {
  test.each([
    { timeoutMs: 500, afterMs: HOLD_MS },
    { timeoutMs: 3_000, afterMs: 3_000 },
  ])('$afterMs ms after the last slow answer, where callers wait $timeoutMs ms', ({ timeoutMs, afterMs }) => {
    const world = shedding(2, {}, timeoutMs);
    world.nowMs += 200;
    world.succeed(host(1), 1, 900);
    world.nowMs += afterMs - 1;
    expect(isShedding(world)).toBe(true);
    world.nowMs += 1;
    world.pick();
    expect(isShedding(world)).toBe(false);
    expect(episodes(world).at(-1)).toEqual([1, 'shedding-over', 'quick-again']);
    expect(world.transitions.at(-1)?.numbers).toMatchObject({ forMs: 200 + afterMs, refused: 0, timeoutMs });
  });

  test('quick answers do not prolong it', () => {
    const world = shedding(2);
    for (let i = 0; i < 9; i++) {
      world.nowMs += 100;
      world.succeed(host(1), 1, 10);
    }
    expect(isShedding(world)).toBe(true);
    world.nowMs += 100;
    expect(isShedding(world)).toBe(false);
  });

  test('nor does a slow answer here and there', () => {
    const world = shedding(2);
    world.nowMs += 500;
    for (let i = 0; i < 10; i++) {
      world.tell(host(1), true, 10);
      world.tell(host(1), true, 900, 2);
    }
    world.nowMs += 500;
    expect(isShedding(world)).toBe(false);
  });

  test('each episode is told once where it begins and once where it ends', () => {
    const world = shedding(2);
    world.nowMs += 5_000;
    world.picks(3);
    world.tell(host(1), true, 900, 3);
    world.fail(host(1), 4, TIMEOUT_MS);
    expect(episodes(world).map(([, to]) => to)).toEqual(['shedding', 'shedding-over', 'shedding']);
  });
});

describe('AD-13: for a minute after an episode', () => {
  test.each([
    { afterMs: 30_000, tookMs: TIMEOUT_MS / 2, begins: true },
    { afterMs: 30_000, tookMs: TIMEOUT_MS / 2 - 1, begins: false },
    { afterMs: 61_000, tookMs: TIMEOUT_MS / 2, begins: false },
  ])('$afterMs ms later, answers of a standing queue in $tookMs ms begin the next: $begins', ({ afterMs, tookMs, begins }) => {
    const world = shedding(2);
    world.nowMs += afterMs;
    world.picks(20);
    world.nowMs += tookMs;
    world.succeed(host(1), 4, tookMs);
    expect(isShedding(world)).toBe(begins);
  });

  test('quick answers begin none', () => {
    const world = shedding(2);
    world.nowMs += 30_000;
    world.picks(20);
    world.nowMs += 10;
    world.succeed(host(1), 9, 10);
    expect(isShedding(world)).toBe(false);
  });
});

describe('AD-14: while the module sheds', () => {
  test('a host may have in flight what it answered lately in half the time that callers wait; then calls are refused', () => {
    const world = shedding(2);
    const limits = [1, 2].map(port => (world.number(port, 'answersPerSec') * TIMEOUT_MS) / 2 / 1_000);
    const picked = world.picks(200);
    for (const port of [1, 2]) expect(picked.filter(one => one === port)).toHaveLength(Math.ceil(limits[port - 1] as number));
    expect([picked.at(-1), world.balancer.refusalCause]).toEqual([0, 'queue']);
    expect(world.conduct().shedding?.refused).toBe(picked.filter(port => port === 0).length);
  });

  test('but no fewer than it served while it answered quickly', () => {
    const world = new AdaptiveWorld([host(1)]);
    world.answer([host(1)], 50);
    // Forty at a time, once in a while: the last of them is answered as quickly as the others.
    for (let round = 0; round < 3; round++) {
      world.picks(40);
      world.nowMs += 10;
      world.succeed(host(1), 40, 10);
      world.nowMs += 60_000;
    }
    world.picks(40);
    world.nowMs += 10;
    world.succeed(host(1), 1, 10);
    world.nowMs += TIMEOUT_MS;
    world.succeed(host(1), 3, 900);
    world.fail(host(1), 30, TIMEOUT_MS);
    expect(isShedding(world)).toBe(true);
    const before = world.number(1, 'inFlight');
    const more = world.picks(100).filter(port => port === 1).length;
    expect(before + more).toBeGreaterThanOrEqual(38);
    expect(before + more).toBeLessThanOrEqual(40);
  });

  test('and one, however little it answers', () => {
    const world = new AdaptiveWorld([host(1)]);
    world.answer([host(1)], 50, 10, 30_000);
    world.nowMs += TIMEOUT_MS;
    world.tell(host(1), true, 900, 3);
    world.nowMs += 3_000;
    world.tell(host(1), true, 900);
    world.fail(host(1), 3, TIMEOUT_MS);
    expect(isShedding(world)).toBe(true);
    world.nowMs += 100;
    expect(world.picks(3)[0]).toBe(1);
  });

  test('and it is no longer than that: outside of an episode nothing is refused, however much is in flight', () => {
    expect(queued(2).picks(3_000)).not.toContain(0);
    const world = shedding(2);
    world.nowMs += HOLD_MS;
    expect(world.picks(3_000)).not.toContain(0);
  });
});

describe('AD-13, AD-14: hosts that serve a hundred calls a second each, one after the other', () => {
  /** Calm, then twice as many calls as they can serve, then calm. */
  function rush(options: Partial<AdaptiveOptions> = {}): { world: AdaptiveWorld; queues: Queues; refusedInCalm: number } {
    const world = new AdaptiveWorld(hostsUpTo(3), options);
    const queues = new Queues(world, 10, TIMEOUT_MS, seededRandom(8));
    queues.run(10_000, 100);
    expect(queues.refused).toBe(0);
    queues.run(20_000, 600);
    queues.run(3_000, 60);
    const before = queues.refused;
    queues.run(10_000, 100);
    return { world, queues, refusedInCalm: queues.refused - before };
  }

  test('what is too much is refused, most of what they can serve is served in time, and it is over soon', () => {
    const { world, queues, refusedInCalm } = rush();
    expect(queues.refused).toBeGreaterThan(3_000);
    // They could serve 6,000 in the rush.
    expect(queues.served).toBeGreaterThan(5_000);
    expect(refusedInCalm).toBe(0);
    expect(isShedding(world)).toBe(false);
    const told = episodes(world).map(([, to]) => to);
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told).toEqual(told.map((_, at) => (at % 2 === 0 ? 'shedding' : 'shedding-over')));
    expect(world.ejections()).toEqual([]);
  });

  test('with shed = off nothing is refused, and fewer are served', () => {
    const { queues } = rush({ shed: false });
    expect(queues.refused).toBe(0);
    expect(queues.served).toBeLessThan(rush().queues.served);
  });
});
