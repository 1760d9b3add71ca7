// pure
import { mean } from './statistics.ts';
import { excessOf, type WorldResult } from './world-trial.ts';

/** A COST that is so much higher than round robin's is more than luck. */
const CLEARLY_WORSE = 0.5;

/** One algorithm, over many worlds. */
export interface WorldStandings {
  readonly worlds: number;
  /** Means over the worlds. */
  readonly cost: number;
  readonly roundRobinCost: number;
  readonly refused: number;
  readonly starved: number;
  readonly fairness: number;
  /** Shares of the worlds: in which anybody was refused; which cost clearly more than with round robin. */
  readonly refusing: number;
  readonly worse: number;
  readonly worstExcess: number;
}

export function worldStandingsOf(results: readonly WorldResult[]): WorldStandings {
  const meanOf = (of: (result: WorldResult) => number) => mean(results.map(of).filter(value => !Number.isNaN(value)));
  return {
    worlds: results.length,
    cost: meanOf(result => result.cost),
    roundRobinCost: meanOf(result => result.roundRobinCost),
    refused: meanOf(result => result.refused),
    starved: meanOf(result => result.starved),
    fairness: meanOf(result => result.fairness),
    refusing: meanOf(result => (result.refused > 0 ? 1 : 0)),
    worse: meanOf(result => (excessOf(result) > CLEARLY_WORSE ? 1 : 0)),
    worstExcess: Math.max(...results.map(excessOf)),
  };
}
