/**
 * Random worlds as a gate: fixed seeds, virtual time, so that the numbers are the same everywhere. `node bench/balancing/worlds.ts` plays more of
 * them, and any of these again: a failure names its seed. Bounds have room: they are there to find what is clearly wrong.
 */
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../../bench/balancing/algorithms.ts';
import { HABIT_NAMES } from '../../bench/balancing/habits.ts';
import { worldStandingsOf } from '../../bench/balancing/measure/world-standings.ts';
import { byExcess, type WorldResult } from '../../bench/balancing/measure/world-trial.ts';
import { playWorlds } from '../../bench/balancing/play-worlds.ts';
import type { Contender } from '../../bench/balancing/sim/contender.ts';
import { describeWorld } from '../../bench/balancing/worlds/describe-world.ts';
import { drawWorlds } from '../../bench/balancing/worlds/draw-world.ts';

const WELL_WORLDS = 120;
const TROUBLED_WORLDS = 50;
/** The cache costs two runs, so it plays fewer worlds. */
const CACHED_PART = 0.4;
const WORLDS_PER_HABIT = 5;

/** What COST may be above round robin's in well worlds, on average. */
const COST_ROOM = 0.1;
/** Luck may favour round robin by more than 0.5 in some worlds. */
const WORSE_SHARE = 0.08;
/** The part of round robin's COST that is left in troubled worlds. */
const TROUBLED_PART = 0.4;
/** Some hosts are well but unlucky. */
const STARVED_SHARE = 0.04;
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
  { name: adaptive.name, results: well },
  { name: withCache.name, results: cachedWell },
])('$name in well worlds', ({ results }) => {
  const standings = worldStandingsOf(results);

  test('refuses nobody', () => {
    expect(told(results.filter(({ refused }) => refused > 0))).toEqual([]);
  });

  test(`costs at most ${COST_ROOM} more than round robin on average`, () => {
    expect(standings.cost, worst(results)).toBeLessThanOrEqual(standings.roundRobinCost + COST_ROOM);
  });

  test(`is worse than round robin by 0.5 in at most ${100 * WORSE_SHARE} % of the worlds`, () => {
    expect(standings.worse, worst(results)).toBeLessThanOrEqual(WORSE_SHARE);
  });

  test(`starves well hosts for at most ${100 * STARVED_SHARE} % of the time`, () => {
    const hungry = results.toSorted((a, b) => b.starved - a.starved);
    expect(
      standings.starved,
      `the seeds that starve most: ${hungry.slice(0, 5).map(({ world }) => world.seed)}`,
    ).toBeLessThanOrEqual(STARVED_SHARE);
  });
});

describe.each([
  { name: adaptive.name, results: troubled },
  { name: withCache.name, results: cachedTroubled },
])('$name in troubled worlds', ({ results }) => {
  const standings = worldStandingsOf(results);

  test(`costs at most ${100 * TROUBLED_PART} % of round robin on average`, () => {
    expect(standings.cost, worst(results)).toBeLessThanOrEqual(standings.roundRobinCost * TROUBLED_PART);
  });

  test(`is worse than round robin by 0.5 in at most ${100 * WORSE_SHARE} % of the worlds`, () => {
    expect(standings.worse, worst(results)).toBeLessThanOrEqual(WORSE_SHARE);
  });

  test('refuses next to nothing: there is capacity for all calls', () => {
    expect(standings.refused, worst(results)).toBeLessThanOrEqual(0.001);
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
