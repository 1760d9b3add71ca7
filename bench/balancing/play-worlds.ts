// pure
import { ORACLE, ROUND_ROBIN } from './algorithms.ts';
import { HABITS, type HabitName, withHabit } from './habits.ts';
import { type WorldResult, WorldTrial } from './measure/world-trial.ts';
import type { Contender } from './sim/contender.ts';
import type { WorldParameters } from './worlds/world-parameters.ts';

/**
 * Each contender in each world: one row a contender. Where callers have a habit, round robin is called by the same callers; the oracle, which
 * needs no reports, is not.
 */
export function playWorlds(
  worlds: readonly WorldParameters[],
  contenders: readonly Contender[],
  habit?: HabitName,
): WorldResult[][] {
  const called = (contender: Contender) => (habit === undefined ? contender : withHabit(HABITS[habit], contender));
  const rows = contenders.map((): WorldResult[] => []);
  for (const world of worlds) {
    const trial = new WorldTrial(world, ORACLE);
    const roundRobinCost = trial.costOf(called(ROUND_ROBIN));
    for (const [index, contender] of contenders.entries()) rows[index]?.push(trial.result(called(contender), roundRobinCost));
  }
  return rows;
}
