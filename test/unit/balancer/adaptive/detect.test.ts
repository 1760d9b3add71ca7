import { describe, expect, test } from 'vitest';
import { host, hostsUpTo, seededRandom } from '../world.ts';
import { AdaptiveWorld } from './adaptive-world.ts';

/** That many hosts which have been well for a while, at a call a second each. */
function well(count: number, tookMs = 10): AdaptiveWorld {
  const world = new AdaptiveWorld(hostsUpTo(count));
  world.answer(hostsUpTo(count), 100, tookMs);
  return world;
}

/** The limit that the page states, for a normal rate of 2 % at most. */
const limitAt = (answersPerSec: number) => 7 + 1.2 * Math.log(1 + answersPerSec);

describe('AD-6', () => {
  test('what three of four hosts suffer is not normal while the fourth does not', () => {
    const world = well(4);
    const random = seededRandom(2);
    for (let i = 0; i < 400; i++) {
      world.nowMs += 1_000;
      world.tell(host(1), true, 10);
      for (const port of [2, 3, 4]) {
        if (world.state(port) === 'ejected') continue;
        const ok = random() >= 0.6;
        world.tell(host(port), ok, ok ? 10 : 1);
      }
    }
    expect(world.ejections().sort()).toEqual([2, 3, 4]);
    expect(world.number(1, 'normalErrorRate')).toBeLessThan(0.03);
  });

  test('what all suffer is normal, and ejects nobody', () => {
    const world = well(4);
    // It comes slowly, so that nobody is ahead of the others.
    for (const every of [40, 20, 10, 5, 3]) {
      for (let call = 0; call < 200; call++) {
        world.nowMs += 1_000;
        for (const one of hostsUpTo(4)) world.tell(one, call % every !== 0, call % every === 0 ? 1 : 10);
      }
    }
    expect(world.ejections()).toEqual([]);
    expect(world.number(1, 'normalErrorRate')).toBeGreaterThan(0.15);
  });

  test('is 1 % at least: after any number of successes one failure ejects nobody', () => {
    const world = well(3);
    world.tell(host(1), false, 1);
    expect([world.number(1, 'normalErrorRate'), world.state(1)]).toEqual([0.01, 'healthy']);
  });
});

describe('AD-6, AD-7: false alarms', () => {
  test.each([
    { errs: 0.02, perSec: 1, forSec: 900 },
    { errs: 0.02, perSec: 100, forSec: 60 },
    { errs: 0.02, perSec: 10_000, forSec: 0.6 },
    { errs: 0.05, perSec: 1, forSec: 900 },
    { errs: 0.05, perSec: 100, forSec: 60 },
    { errs: 0.05, perSec: 10_000, forSec: 0.6 },
  ])(
    'ten hosts that all err in $errs of the calls, $perSec a second each, eject nobody in $forSec s',
    ({ errs, perSec, forSec }) => {
      const hosts = hostsUpTo(10);
      const world = new AdaptiveWorld(hosts);
      const random = seededRandom(3);
      for (let i = 0; i < perSec * forSec; i++) {
        world.nowMs += 1_000 / perSec;
        for (const one of hosts) {
          const ok = random() >= errs;
          world.tell(one, ok, ok ? 10 : 1);
        }
      }
      expect(world.ejections()).toEqual([]);
      expect(Math.abs(world.number(1, 'normalErrorRate') - errs)).toBeLessThan(0.02);
    },
  );
});

describe('AD-7', () => {
  test.each([100, 10_000])('the third failure in a row ejects a host that is seldom called, after %i successes', successes => {
    const world = well(3);
    world.answer([host(1)], successes);
    world.tell(host(1), false, 1, 2);
    expect(world.state(1)).toBe('healthy');
    world.tell(host(1), false, 1);
    expect(world.state(1)).toBe('ejected');
    const [ejection] = world.transitions;
    expect(ejection).toMatchObject({ host: host(1), to: 'ejected', cause: 'error-evidence' });
    const { evidence = 0, evidenceLimit = 0, answersPerSec = 0 } = ejection?.numbers ?? {};
    expect(evidenceLimit).toBeCloseTo(limitAt(answersPerSec), 6);
    expect(evidence).toBeGreaterThanOrEqual(evidenceLimit);
  });

  test.each([1, 10, 100, 1_000])('the limit grows with the logarithm of %i answers a second', perSec => {
    const world = new AdaptiveWorld(hostsUpTo(2));
    world.answer(hostsUpTo(2), 6 * perSec, 10, 1_000 / perSec);
    expect(world.number(1, 'answersPerSec') / perSec).toBeCloseTo(1, 0);
    expect(world.number(1, 'evidenceLimit')).toBeCloseTo(limitAt(world.number(1, 'answersPerSec')), 6);
  });

  test('and where more than 2 % of errors are normal', () => {
    const world = well(2);
    const before = world.number(1, 'evidenceLimit');
    for (let call = 0; call < 1_000; call++) {
      world.nowMs += 1_000;
      for (const one of hostsUpTo(2)) world.tell(one, call % 10 !== 0, 10);
    }
    expect(world.number(1, 'normalErrorRate')).toBeGreaterThan(0.05);
    expect(world.number(1, 'evidenceLimit')).toBeGreaterThan(1.2 * before);
  });

  test.each([
    { perSec: 1, atMost: 3 },
    { perSec: 10, atMost: 3 },
    { perSec: 1_000, atMost: 5 },
    { perSec: 15_000, atMost: 10 },
  ])('a host that dies costs at most $atMost calls where the module gets $perSec a second', ({ perSec, atMost }) => {
    const world = new AdaptiveWorld(hostsUpTo(5));
    world.callInTurn(Math.max(300, 5 * perSec), () => 1, 1_000 / perSec);
    let lost = 0;
    for (let calls = 0; world.state(1) !== 'ejected'; calls++) {
      if (calls > 100_000) throw new Error('the dead host is not ejected');
      const picked = world.pick() ?? host(0);
      world.nowMs += 1_000 / perSec;
      if (picked.port === 1) {
        world.fail(picked, 1, 0.1);
        lost += 1;
      } else world.succeed(picked, 1, 1);
    }
    expect(lost).toBeLessThanOrEqual(atMost);
    expect(world.ejections()).toEqual([1]);
  });

  test('a brown-out of 40 % ejects within a few dozen calls', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = well(5);
      const random = seededRandom(seed);
      let calls = 0;
      for (; world.state(1) !== 'ejected' && calls < 1_000; calls++) {
        world.nowMs += 1_000;
        const ok = random() >= 0.4;
        world.tell(host(1), ok, ok ? 10 : 1);
      }
      expect(calls).toBeLessThan(60);
    }
  });

  test('one failure in thirteen calls never ejects', () => {
    const world = well(5);
    for (let i = 0; i < 1_000; i++) {
      world.tell(host(1), false, 1);
      world.answer([host(1)], 12);
    }
    expect(world.ejections()).toEqual([]);
  });
});

describe('AD-8', () => {
  const TIMEOUT_MS = 1_000;

  /** Three hosts whose answers took 10 ms; the last ones of host 1, in the last second, took this long, newest last. */
  function lately(...answersMs: readonly number[]): AdaptiveWorld {
    const world = well(3);
    world.nowMs += TIMEOUT_MS;
    for (const tookMs of answersMs) world.tell(host(1), true, tookMs);
    return world;
  }

  test.each([
    { what: 'three slow answers', answersMs: [900, 900, 900], isEvidence: false },
    { what: 'only two', answersMs: [900, 900], isEvidence: true },
    { what: 'a quick one since', answersMs: [900, 900, 900, 10], isEvidence: true },
    { what: 'a quick one between, less than a timeout ago', answersMs: [900, 10, 900, 900, 900], isEvidence: true },
    { what: 'answers that are not slow, below four times normal', answersMs: [30, 30, 30], isEvidence: true },
  ])('$what: a timeout is evidence against the host: $isEvidence', ({ answersMs, isEvidence }) => {
    const world = lately(...answersMs);
    world.tell(host(1), false, TIMEOUT_MS);
    expect(world.number(1, 'evidence') > 0).toBe(isEvidence);
  });

  test('a host with a standing queue is not ejected, however much it loses', () => {
    const world = lately(900, 900, 900);
    world.tell(host(1), false, TIMEOUT_MS, 50);
    expect([world.number(1, 'evidence'), world.state(1)]).toEqual([0, 'healthy']);
  });

  test('one that swallows calls and answers none is', () => {
    const world = lately();
    world.tell(host(1), false, TIMEOUT_MS, 3);
    expect(world.state(1)).toBe('ejected');
  });

  test('fast failures are evidence, whatever waits there', () => {
    const world = lately(900, 900, 900);
    world.tell(host(1), false, 30, 3);
    expect(world.state(1)).toBe('ejected');
  });

  test('a host without any answer for three times as long is not slow, but silent', () => {
    const world = lately(900, 900, 900);
    world.nowMs += 3 * TIMEOUT_MS - 1;
    world.tell(host(1), false, TIMEOUT_MS, 5);
    expect(world.state(1)).toBe('healthy');
    world.nowMs += 1;
    world.tell(host(1), false, TIMEOUT_MS, 3);
    expect(world.state(1)).toBe('ejected');
  });
});

describe('AD-9', () => {
  test('the last host is not ejected where the others drain', () => {
    const world = well(3);
    world.setHosts([host(1), host(2, { drain: true }), host(3, { drain: true })]);
    world.tell(host(1), false, 1, 100);
    expect(world.state(1)).toBe('healthy');
    expect(world.picks(3)).toEqual([1, 1, 1]);
  });

  test('an ejected one is taken back when the others drain', () => {
    const world = well(2);
    world.tell(host(1), false, 1, 3);
    world.setHosts([host(1), host(2, { drain: true })]);
    expect(world.happenings().at(-1)).toEqual([1, 'healthy', 'none-left']);
    expect(world.picks(1)).toEqual([1]);
  });

  test('where all come to fail, those that were ejected first are taken back, and nobody is ejected for long', () => {
    const world = well(4);
    world.tell(host(1), false, 1, 3);
    expect(world.state(1)).toBe('ejected');
    for (let i = 0; i < 60; i++) for (const one of hostsUpTo(4)) world.tell(one, false, 1);
    expect(world.happenings()).toContainEqual([1, 'healthy', 'all-err']);
    expect(world.balancer.ejectedCount).toBe(0);
  });

  test('hosts that fail together, as when a database behind them is gone, serve what can be served', () => {
    const world = well(5);
    const random = seededRandom(1);
    for (let calls = 0; calls < 2_000; calls++) {
      world.nowMs += 100;
      const picked = world.pick();
      if (picked === undefined) throw new Error('refused');
      if (random() < 0.7) world.fail(picked, 1, 5);
      else world.succeed(picked, 1, 10);
    }
    expect(world.balancer.ejectedCount).toBeLessThanOrEqual(1);
  });

  test.each([
    { count: 4, failing: 3, out: 3 },
    { count: 8, failing: 6, out: 6 },
    { count: 8, failing: 7, out: 0 },
    { count: 8, failing: 8, out: 0 },
  ])('of $count hosts $failing fail: the quartile of the others decides, $out are out', ({ count, failing, out }) => {
    const world = well(count);
    for (let i = 0; i < 60; i++) for (const one of hostsUpTo(count)) world.tell(one, one.port > failing, 1);
    expect(world.balancer.ejectedCount).toBe(out);
  });

  test('a host must be worse than the others by the whole limit: what they have is counted for it', () => {
    const world = well(2);
    // One failure each: less than half of the limit, and more than what the second and third exceed the limit by.
    world.tell(host(2), false, 1);
    world.tell(host(1), false, 1, 3);
    expect(world.state(1)).toBe('healthy');
    world.tell(host(1), false, 1);
    expect(world.state(1)).toBe('ejected');
  });
});
