import { describe, expect, test } from 'vitest';
import { ROUND_ROBIN } from '../../../bench/balancing/algorithms.ts';
import { Draw } from '../../../bench/balancing/sim/draw.ts';
import { randomStream } from '../../../bench/balancing/sim/random.ts';
import { Outcome } from '../../../bench/balancing/sim/run-log.ts';
import { simulate } from '../../../bench/balancing/sim/simulation.ts';
import { buildWorld } from '../../../bench/balancing/worlds/build-world.ts';
import { describeWorld } from '../../../bench/balancing/worlds/describe-world.ts';
import { drawWorld, drawWorlds } from '../../../bench/balancing/worlds/draw-world.ts';
import { FOUND_WORLDS } from '../../../bench/balancing/worlds/found-worlds.ts';
import { mutateWorld } from '../../../bench/balancing/worlds/mutate-world.ts';
import { parseWorld } from '../../../bench/balancing/worlds/parse-world.ts';
import {
  highestLoad,
  keepSpareCapacity,
  peakLoad,
  slowestMs,
  timeoutMs,
} from '../../../bench/balancing/worlds/spare-capacity.ts';
import { KINDS, type WorldParameters } from '../../../bench/balancing/worlds/world-parameters.ts';

const WORLDS = 500;
const well = drawWorlds('well', WORLDS, 1);
const troubled = drawWorlds('troubled', WORLDS, 1);
const all = [...well, ...troubled];

/** Some that were changed ten times over. */
function mutated(world: WorldParameters): WorldParameters {
  const draw = new Draw(randomStream(world.seed, 'mutations'));
  return Array.from({ length: 10 }).reduce<WorldParameters>(one => mutateWorld(one, draw), world);
}

const changed = all.filter(world => world.seed <= 100).map(mutated);

test('worlds that a search found are as well as others', () => {
  for (const { world } of FOUND_WORLDS) {
    expect(keepSpareCapacity(world)).toStrictEqual(world);
    expect(parseWorld('x', JSON.stringify(world))).toStrictEqual(world);
    if (world.kind === 'well') expect(simulate(buildWorld(world), ROUND_ROBIN, world.seed).timeouts).toBe(0);
  }
});

test('one seed is one world, and other seeds are others', () => {
  for (const kind of KINDS) {
    expect(drawWorld(4_711, kind)).toStrictEqual(drawWorld(4_711, kind));
    expect(JSON.stringify(buildWorld(drawWorld(4_711, kind)))).toBe(JSON.stringify(buildWorld(drawWorld(4_711, kind))));
  }
  expect(new Set(all.map(world => JSON.stringify({ ...world, seed: 0 }))).size).toBe(all.length);
});

describe('worlds are wide apart', () => {
  test.each([
    { what: 'hosts', of: (world: WorldParameters) => world.hosts, least: 1, most: 60 },
    { what: 'agents', of: (world: WorldParameters) => world.agents, least: 1, most: 30 },
    { what: 'durations', of: (world: WorldParameters) => world.serviceMs, least: 0.2, most: 3_000 },
    { what: 'calls a second', of: (world: WorldParameters) => world.ratePerSec, least: 1, most: 100_000 },
  ])('$what from $least to $most', ({ of, least, most }) => {
    const values = all.map(of);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(least);
    expect(Math.min(...values)).toBeLessThanOrEqual(least * 1.1);
    expect(Math.max(...values)).toBeLessThanOrEqual(most);
    expect(Math.max(...values)).toBeGreaterThanOrEqual(most * 0.9);
  });

  test('every oddity, every shape of work and every fault is there', () => {
    expect(new Set(all.map(world => world.work.shape))).toEqual(new Set(['constant', 'lognormal', 'exponential', 'two sizes']));
    expect(new Set(troubled.map(world => world.fault?.how))).toEqual(new Set(['refuses', 'is silent', 'errs', 'is slow']));
    const oddities: readonly ((world: WorldParameters) => boolean)[] = [
      world => world.inequality > 1,
      world => world.regression > 1,
      world => world.burst > 1,
      world => world.sharedErrors > 0,
      world => world.pauses?.whose === 'one host',
      world => world.pauses?.whose === 'all hosts',
      world => world.reportLoss > 0,
      world => !world.reportsTcost,
      world => world.errorRate > 0 && world.errorWork > 1,
    ];
    for (const isOdd of oddities) expect(well.filter(isOdd).length).toBeGreaterThan(WORLDS / 50);
  });

  test('a world is small enough to be played in no time', () => {
    for (const { ratePerSec, durationMs, burst } of all) {
      expect((ratePerSec * durationMs * (1 + 0.25 * (burst - 1))) / 1_000).toBeLessThan(13_000);
      expect(durationMs).toBeLessThanOrEqual(20 * 60_000);
    }
  });
});

describe('a well world has spare capacity', () => {
  test('no host has too much to do, even in the busiest moment, drawn or changed', () => {
    for (const world of [...all, ...changed]) {
      expect(peakLoad(world)).toBeLessThanOrEqual(Math.min(0.85, highestLoad(world)));
      expect(timeoutMs(world)).toBeGreaterThanOrEqual(4 * slowestMs(world));
    }
  });

  test('making sure of it changes nothing the second time', () => {
    for (const world of [...all, ...changed]) expect(keepSpareCapacity(world)).toStrictEqual(world);
  });

  test('round robin serves all of its calls in time', () => {
    for (const world of [...well, ...changed.filter(({ kind }) => kind === 'well')].filter(({ seed }) => seed % 10 === 0)) {
      const log = simulate(buildWorld(world), ROUND_ROBIN, world.seed);
      expect(log.timeouts, `seed ${world.seed}: ${describeWorld(world)}`).toBe(0);
      expect(log.countOf(Outcome.refused)).toBe(0);
    }
  });
});

test('a fault meets some hosts and leaves more', () => {
  for (const { fault, hosts } of troubled) {
    expect(fault?.hosts).toBeGreaterThanOrEqual(1);
    expect(fault?.hosts).toBeLessThanOrEqual(hosts / 3);
  }
  expect(well.every(({ fault }) => fault === null)).toBe(true);
});

test('changes come while calls do, in order, to hosts that there are', () => {
  for (const world of all) {
    const { timeline, durationMs, hosts } = buildWorld(world);
    const moments = timeline.map(({ atMs }) => atMs);
    expect(moments).toEqual(moments.toSorted((a, b) => a - b));
    expect(moments.every(atMs => atMs > 0 && atMs < durationMs)).toBe(true);
    expect(timeline.flatMap(change => change.hosts).every(host => host < hosts.length)).toBe(true);
  }
});

test('after a fault and all pauses the hosts are as they were, or slower for good', () => {
  for (const world of all) {
    const last = new Map<number, object>();
    for (const { hosts, condition } of buildWorld(world).timeline) {
      for (const host of hosts) last.set(host, { ...last.get(host), ...condition });
    }
    for (const condition of last.values()) {
      const { regression: slowness, errorRate } = world;
      expect({ availability: 'up', slowness, errorRate, ...condition }).toEqual({ availability: 'up', slowness, errorRate });
    }
  }
});

test('a world is told in one sentence', () => {
  for (const world of all) expect(describeWorld(world)).toMatch(/^\d+ hosts? of [^\n]+\.$/);
  expect(all.map(describeWorld).join()).not.toMatch(/undefined|null|NaN|\[object/);
  expect(describeWorld(drawWorld(7, 'troubled'))).toBe(
    '25 hosts of 18 workers serve 100,000 calls a second of 10 agents (load 18 %); a call takes 0.791 ms, always; callers give up after 10 ms; 0.18 % are errors, 2 times as slow as answers; once all hosts err in a quarter of the calls; for a while 1 host refuses connections.',
  );
});

describe('parameters', () => {
  test('are read as they are printed', () => {
    for (const world of all) expect(parseWorld('x', JSON.stringify(world))).toStrictEqual(world);
  });

  test.each([
    ['{', 'x: Expected property name'],
    ['1', "x: '1' is no world"],
    ['{"hots":1}', "x: a world has no 'hots'; it has kind, seed, hosts"],
    ['{"kind":"well"}', "x: 'seed' is missing"],
    [JSON.stringify({ ...drawWorld(1, 'well'), timeoutFactor: 0.5 }), "x: 'timeoutFactor' is 0.5, but it is at least 4"],
    [JSON.stringify({ ...drawWorld(1, 'well'), kind: 'ill' }), "x: 'kind' is 'ill', but it is one of well, troubled"],
    [JSON.stringify({ ...drawWorld(1, 'well'), kind: 'troubled' }), 'x: a troubled world has a fault'],
    [JSON.stringify({ ...drawWorld(1, 'well'), hosts: 'two' }), 'x: \'hosts\' is "two", but that of another world is '],
  ])('%# is refused', (text, message) => {
    expect(() => parseWorld('x', text)).toThrow(message);
  });
});
