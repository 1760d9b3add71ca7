/**
 * Random worlds as a gate: fixed seeds, virtual time, so that the numbers are the same everywhere. `node bench/balancing/worlds.ts` plays more of
 * them, and any of these again: a failure names its seed. Bounds have room: they are there to find what is clearly wrong.
 */
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../../bench/balancing/algorithms.ts';
import { HABIT_NAMES } from '../../bench/balancing/habits.ts';
import { worldStandingsOf } from '../../bench/balancing/measure/world-standings.ts';
import { byExcess, excessOf, type WorldResult } from '../../bench/balancing/measure/world-trial.ts';
import { playWorlds } from '../../bench/balancing/play-worlds.ts';
import type { Contender } from '../../bench/balancing/sim/contender.ts';
import { describeWorld } from '../../bench/balancing/worlds/describe-world.ts';
import { drawWorlds } from '../../bench/balancing/worlds/draw-world.ts';
import { FOUND_WORLDS } from '../../bench/balancing/worlds/found-worlds.ts';

const WELL_WORLDS = 100;
const TROUBLED_WORLDS = 40;
/** The cache costs two runs, so it plays fewer worlds. */
const CACHED_PART = 0.4;
const WORLDS_PER_HABIT = 5;

interface Limits {
  /** What COST may be above round robin's in well worlds, on average. */
  readonly costRoom: number;
  /** The part of round robin's COST that may be left in troubled worlds, on average. */
  readonly troubledPart: number;
  /** The share of the worlds in which luck may favour round robin by 0.5. A copy of the route knows less of the line before each host. */
  readonly worse: number;
  /** The share of the time in which hosts may be well but have been unlucky. */
  readonly starved: number;
}

const LIMITS: readonly [Limits, Limits] = [
  { costRoom: 0.1, troubledPart: 0.3, worse: 0.05, starved: 0.04 },
  { costRoom: 0.15, troubledPart: 0.4, worse: 0.15, starved: 0.04 },
];

/** Callers who tell little or nonsense may cost something more, but no algorithm may believe them so much that it loses calls. */
const HABIT_ROOM = 0.2;
const SINGLE_HABIT_ROOM = 1;

const [adaptive, withCache] = ALGORITHMS as readonly [Contender, Contender];

function playBoth(kind: 'well' | 'troubled', count: number): [WorldResult[], WorldResult[]] {
  const worlds = drawWorlds(kind, count, 1);
  const cached = Math.round(count * CACHED_PART);
  const [both = [], withCacheToo = []] = playWorlds(worlds.slice(0, cached), [adaptive, withCache]);
  const [rest = []] = playWorlds(worlds.slice(cached), [adaptive]);
  return [[...both, ...rest], withCacheToo];
}

/** One line a world, worst first, so that a failing test says what to play again. */
function told(results: readonly WorldResult[]): string[] {
  return results.toSorted(byExcess).map(result => {
    const numbers = `COST ${result.cost.toFixed(2)}, round robin ${result.roundRobinCost.toFixed(2)}`;
    const refused = `${(100 * result.refused).toFixed(1)} % refused`;
    return `${result.world.kind} seed ${result.world.seed}: ${numbers}, ${refused}: ${describeWorld(result.world)}`;
  });
}

function worst(results: readonly WorldResult[]): string {
  return `the worst worlds:\n${told(results).slice(0, 5).join('\n')}`;
}

const [well, cachedWell] = playBoth('well', WELL_WORLDS);
const [troubled, cachedTroubled] = playBoth('troubled', TROUBLED_WORLDS);

describe.each([
  { name: adaptive.name, results: well, limits: LIMITS[0] },
  { name: withCache.name, results: cachedWell, limits: LIMITS[1] },
])('$name in well worlds', ({ results, limits }) => {
  const standings = worldStandingsOf(results);

  test('refuses nobody', () => {
    expect(told(results.filter(({ refused }) => refused > 0))).toEqual([]);
  });

  test(`costs at most ${limits.costRoom} more than round robin on average`, () => {
    expect(standings.cost, worst(results)).toBeLessThanOrEqual(standings.roundRobinCost + limits.costRoom);
  });

  test(`is worse than round robin by 0.5 in at most ${100 * limits.worse} % of the worlds`, () => {
    expect(standings.worse, worst(results)).toBeLessThanOrEqual(limits.worse);
  });

  test(`starves well hosts for at most ${100 * limits.starved} % of the time`, () => {
    const hungry = results.toSorted((a, b) => b.starved - a.starved);
    expect(
      standings.starved,
      `the seeds that starve most: ${hungry.slice(0, 5).map(({ world }) => world.seed)}`,
    ).toBeLessThanOrEqual(limits.starved);
  });
});

describe.each([
  { name: adaptive.name, results: troubled, limits: LIMITS[0] },
  { name: withCache.name, results: cachedTroubled, limits: LIMITS[1] },
])('$name in troubled worlds', ({ results, limits }) => {
  const standings = worldStandingsOf(results);

  test(`costs at most ${100 * limits.troubledPart} % of round robin on average`, () => {
    expect(standings.cost, worst(results)).toBeLessThanOrEqual(standings.roundRobinCost * limits.troubledPart);
  });

  test(`is worse than round robin by 0.5 in at most ${100 * limits.worse} % of the worlds`, () => {
    expect(standings.worse, worst(results)).toBeLessThanOrEqual(limits.worse);
  });

  test('refuses next to nothing: there is capacity for all calls', () => {
    expect(standings.refused, worst(results)).toBeLessThanOrEqual(0.001);
  });
});

describe.each(FOUND_WORLDS)('adaptive in a world that a search found: $about', ({ world }) => {
  const [results = []] = playWorlds([world], [adaptive]);

  test(world.kind === 'well' ? 'refuses nobody' : 'refuses next to nothing', () => {
    const few = world.kind === 'well' ? 0 : 0.001;
    expect(told(results.filter(({ refused }) => refused > few))).toEqual([]);
  });

  test('costs hardly more than round robin', () => {
    for (const result of results) expect(excessOf(result), worst(results)).toBeLessThanOrEqual(0.5);
  });
});

describe('adaptive, with callers of all habits, in well worlds', () => {
  // Each habit has worlds of its own.
  const habits = HABIT_NAMES.map((habit, index) => {
    const [results = []] = playWorlds(drawWorlds('well', WORLDS_PER_HABIT, 1_001 + index * WORLDS_PER_HABIT), [adaptive], habit);
    return { habit, results };
  });

  test.each(habits)('$habit: refuses nobody', ({ results }) => {
    expect(told(results.filter(({ refused }) => refused > 0))).toEqual([]);
  });

  test.each(habits)(`$habit: costs at most ${SINGLE_HABIT_ROOM} more than round robin on average`, ({ results }) => {
    const { cost, roundRobinCost } = worldStandingsOf(results);
    expect(cost, worst(results)).toBeLessThanOrEqual(roundRobinCost + SINGLE_HABIT_ROOM);
  });

  test(`costs at most ${HABIT_ROOM} more than round robin over all habits`, () => {
    const all = habits.flatMap(({ results }) => results);
    const { cost, roundRobinCost } = worldStandingsOf(all);
    expect(cost, worst(all)).toBeLessThanOrEqual(roundRobinCost + HABIT_ROOM);
  });
});

test('round robin, which they are measured against, loses hardly anything in well worlds', () => {
  const lossy = well.filter(({ roundRobinCost }) => roundRobinCost > 5);
  expect(told(lossy)).toEqual([]);
});
