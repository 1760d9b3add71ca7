import { describe, expect, test } from 'vitest';
import { AdaptiveWorld } from './adaptive-world.ts';
import { host, hostsUpTo, seededRandom } from './world.ts';

/** That many hosts which have been well for a while. */
function well(count: number, tookMs = 10): AdaptiveWorld {
  const world = new AdaptiveWorld(hostsUpTo(count));
  world.answer(hostsUpTo(count), 100, tookMs);
  return world;
}

const ejections = (world: AdaptiveWorld) => world.transitions.filter(({ to }) => to === 'overloaded').map(one => one.host.port);

describe('AD-6', () => {
  test('what three of four hosts suffer is not normal while the fourth does not', () => {
    const world = well(4);
    const random = seededRandom(2);
    for (let i = 0; i < 400; i++) {
      world.succeed(host(1), 1, 10);
      for (const port of [2, 3, 4]) {
        if (world.state(port) === 'ejected') continue;
        if (random() < 0.6) world.fail(host(port), 1, 1);
        else world.succeed(host(port), 1, 10);
      }
    }
    expect(ejections(world).sort()).toEqual([2, 3, 4]);
    expect(world.number(1, 'normalErrorRate')).toBe(0.01);
  });

  test('what all suffer is normal, and ejects nobody', () => {
    const world = well(4);
    // It comes slowly, so that nobody is ahead of the others.
    for (const every of [40, 20, 10, 5, 3]) {
      for (let call = 0; call < 200; call++) {
        for (const one of hostsUpTo(4)) {
          if (call % every === 0) world.fail(one, 1, 1);
          else world.succeed(one, 1, 10);
        }
      }
    }
    expect(ejections(world)).toEqual([]);
    expect(world.number(1, 'normalErrorRate')).toBeGreaterThan(0.2);
  });
});

test('AD-6: what all suffer from their first call on is normal', () => {
  const world = new AdaptiveWorld(hostsUpTo(2));
  for (let i = 0; i < 3; i++) for (const one of hostsUpTo(2)) world.fail(one, 1, 1);
  expect(world.number(1, 'normalErrorRate')).toBeGreaterThan(0.2);
});

describe('AD-7', () => {
  test.each([100, 10_000])('the third failure in a row ejects, after %i successes as after any number', successes => {
    const world = well(3);
    world.succeed(host(1), successes, 10);
    world.fail(host(1), 2, 1);
    expect(world.state(1)).toBe('idle');
    world.fail(host(1), 1, 1);
    expect(world.state(1)).toBe('ejected');
    expect(world.transitions).toMatchObject([
      {
        host: host(1),
        to: 'overloaded',
        cause: 'error-evidence',
        numbers: { evidence: 7, evidenceLimit: 7, normalErrorRate: 0.01 },
      },
    ]);
  });

  test('a brown-out of 40 % ejects within a few dozen calls', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = well(5);
      const random = seededRandom(seed);
      let calls = 0;
      for (; world.state(1) !== 'ejected' && calls < 1_000; calls++) {
        if (random() < 0.4) world.fail(host(1), 1, 1);
        else world.succeed(host(1), 1, 10);
      }
      expect(calls).toBeLessThan(60);
    }
  });

  test('one failure in thirteen calls never ejects', () => {
    const world = well(5);
    for (let i = 0; i < 1_000; i++) {
      world.fail(host(1), 1, 1);
      world.succeed(host(1), 12, 10);
    }
    expect(ejections(world)).toEqual([]);
  });
});

describe('AD-8', () => {
  test('slow failures of a host whose answers come slowly too are no evidence', () => {
    const world = well(3, 900);
    world.fail(host(1), 50, 1_000);
    expect(world.number(1, 'evidence')).toBe(0);
    expect(ejections(world)).toEqual([]);
  });

  test('those of a host whose answers came fast are: it swallows calls', () => {
    const world = well(3, 10);
    world.fail(host(1), 3, 1_000);
    expect(world.state(1)).toBe('ejected');
  });

  test('fast failures of a host whose answers come slowly are', () => {
    const world = well(3, 900);
    world.fail(host(1), 3, 600);
    expect(world.state(1)).toBe('ejected');
  });

  test('a host without any answer for three times as long is not just slow', () => {
    const world = well(3, 900);
    world.nowMs += 2_999;
    world.fail(host(1), 5, 1_000);
    expect(world.state(1)).toBe('idle');
    world.nowMs += 1;
    world.fail(host(1), 3, 1_000);
    expect(world.state(1)).toBe('ejected');
  });

  test('answers count as slow from two fifths of the time that the failure took', () => {
    for (const [answerMs, state] of [
      [405, 'idle'],
      [395, 'ejected'],
    ] as const) {
      const world = well(3, answerMs);
      world.fail(host(1), 3, 1_000);
      expect(world.state(1)).toBe(state);
    }
  });
});

describe('AD-9', () => {
  test('the last host is not ejected where the others drain', () => {
    const world = well(3);
    world.setHosts([host(1), host(2, { drain: true }), host(3, { drain: true })]);
    world.fail(host(1), 100, 1);
    expect(world.state(1)).toBe('idle');
    expect(world.picks(3)).toEqual([1, 1, 1]);
  });

  test('an ejected one is taken back when the others drain', () => {
    const world = well(2);
    world.fail(host(1), 3, 1);
    world.setHosts([host(1), host(2, { drain: true })]);
    expect(world.happenings().at(-1)).toEqual([1, 'idle', 'only-host']);
    expect(world.picks(1)).toEqual([1]);
  });

  test('where all come to fail, those that were ejected first are taken back, and stay', () => {
    const world = well(4);
    world.fail(host(1), 3, 1);
    expect(world.state(1)).toBe('ejected');
    for (let i = 0; i < 60; i++) for (const one of hostsUpTo(4)) world.fail(one, 1, 1);
    expect(world.number(2, 'normalErrorRate')).toBeGreaterThan(0.5);
    expect(world.happenings()).toContainEqual([1, 'idle', 'all-err']);
    expect(world.balancer.overloadedCount).toBe(0);
  });

  test('where three of four fail, none is taken back', () => {
    const world = well(4);
    for (let i = 0; i < 60; i++) {
      for (const port of [1, 2, 3]) world.fail(host(port), 1, 1);
      world.succeed(host(4), 1, 10);
    }
    expect(ejections(world)).toEqual([1, 2, 3]);
    expect(world.balancer.overloadedCount).toBe(3);
  });
});
