// pure
import { byExcess, type WorldResult } from '../measure/world-trial.ts';
import type { AlgorithmStandings, HabitStandings } from '../world-report.ts';
import { describeWorld } from '../worlds/describe-world.ts';
import { fixed, markdownTable, percent } from './table.ts';

/** One row an algorithm and kind. */
export function worldStandingsTable(standings: readonly AlgorithmStandings[]): string {
  return markdownTable(
    [
      'worlds',
      'algorithm',
      'COST',
      'round robin',
      'at worst more',
      'worse than round robin',
      'worlds with refusals',
      'calls refused',
      'starved',
      'Jain',
    ],
    standings.map(row => [
      row.kind,
      row.algorithm,
      fixed(row.cost, 2),
      fixed(row.roundRobinCost, 2),
      fixed(row.worstExcess, 2),
      percent(row.worse, 1),
      percent(row.refusing, 1),
      percent(row.refused, 2),
      percent(row.starved, 1),
      fixed(row.fairness, 3),
    ]),
    2,
  );
}

/** The worst worlds, against round robin. */
export function worstWorldsTable(results: readonly WorldResult[], shown: number): string {
  return markdownTable(
    ['worlds', 'the world', 'seed', 'COST', 'round robin'],
    results
      .toSorted(byExcess)
      .slice(0, shown)
      .map(({ world, cost, roundRobinCost }) => [
        world.kind,
        describeWorld(world),
        String(world.seed),
        fixed(cost, 2),
        fixed(roundRobinCost, 2),
      ]),
    2,
  );
}

export function habitTable(habits: readonly HabitStandings[]): string {
  return markdownTable(
    ['callers', 'COST', 'round robin', 'worlds with refusals', 'worse than round robin'],
    habits.map(row => [
      row.habit,
      fixed(row.cost, 2),
      fixed(row.roundRobinCost, 2),
      percent(row.refusing, 1),
      percent(row.worse, 1),
    ]),
  );
}
