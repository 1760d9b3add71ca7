// pure
/** All that the page says of random worlds. */
import { ALGORITHMS } from './algorithms.ts';
import { HABIT_NAMES, type HabitName } from './habits.ts';
import { type WorldStandings, worldStandingsOf } from './measure/world-standings.ts';
import type { WorldResult } from './measure/world-trial.ts';
import { playWorlds } from './play-worlds.ts';
import { drawWorlds } from './worlds/draw-world.ts';
import { KINDS, type Kind } from './worlds/world-parameters.ts';

export interface WorldReport {
  /** Of each kind; those with the seeds from 1 on. */
  readonly worlds: number;
  /** Well ones, for each habit. */
  readonly worldsPerHabit: number;
  readonly standings: readonly AlgorithmStandings[];
  /** The first algorithm's, in all worlds of both kinds. */
  readonly results: readonly WorldResult[];
  /** The first algorithm's. */
  readonly habits: readonly HabitStandings[];
}

export interface AlgorithmStandings extends WorldStandings {
  readonly kind: Kind;
  readonly algorithm: string;
}

export interface HabitStandings extends WorldStandings {
  readonly habit: HabitName;
}

/** Habits are played in fewer worlds: there are a dozen of them. */
const WORLDS_PER_HABIT = 0.3;

export function playWorldReport(worlds: number): WorldReport {
  const worldsPerHabit = Math.ceil(worlds * WORLDS_PER_HABIT);
  const rows = KINDS.map(kind => playWorlds(drawWorlds(kind, worlds, 1), ALGORITHMS));
  return {
    worlds,
    worldsPerHabit,
    standings: KINDS.flatMap((kind, row) =>
      ALGORITHMS.map(({ name }, index) => ({ kind, algorithm: name, ...worldStandingsOf(rows[row]?.[index] ?? []) })),
    ),
    results: rows.flatMap(row => row[0] ?? []),
    habits: HABIT_NAMES.map(habit => {
      const [results = []] = playWorlds(drawWorlds('well', worldsPerHabit, 1), ALGORITHMS.slice(0, 1), habit);
      return { habit, ...worldStandingsOf(results) };
    }),
  };
}
