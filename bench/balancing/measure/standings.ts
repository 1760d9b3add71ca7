// pure
import { GROUPS, type Group } from '../scenarios/plan.ts';
import { geometricMean, mean, median } from './statistics.ts';
import type { Entry } from './tournament.ts';

/** An algorithm over all scenarios. */
export interface Standings {
  readonly algorithm: string;
  /** Mean of the scenarios' costs. */
  readonly cost: number;
  readonly costWithoutOverload: number;
  /** The most points that it lost in a scenario. */
  readonly worstLostPoints: number;
  readonly lostPoints: number;
  readonly p99Ratio: number;
  /** Medians of the scenarios in which there was something to detect, ms. */
  readonly detectMs: number;
  readonly recoverMs: number;
  readonly badPicks: number;
  readonly probesPerSec: number;
  /** Per scenario, on average. */
  readonly falseEjections: number;
  /** NaN for a group of which no scenario was played. */
  readonly groupCost: ReadonlyMap<Group, number>;
}

/** @param entries those of one algorithm */
export function standingsOf(algorithm: string, entries: readonly Entry[]): Standings {
  const meanOf = (of: (entry: Entry) => number, some = entries) => mean(some.map(of));
  const medianOf = (of: (entry: Entry) => number) => median(entries.map(of).filter(value => !Number.isNaN(value)));
  const inGroup = (group: Group) => entries.filter(entry => entry.plan.group === group);
  const cost = (entry: Entry) => entry.cost;
  return {
    algorithm,
    cost: meanOf(cost),
    costWithoutOverload: meanOf(
      cost,
      entries.filter(entry => entry.plan.group !== 'overload'),
    ),
    worstLostPoints: Math.max(...entries.map(entry => entry.lostPoints)),
    lostPoints: meanOf(entry => Math.max(0, entry.lostPoints)),
    p99Ratio: geometricMean(entries.map(entry => entry.p99Ratio)),
    detectMs: medianOf(entry => entry.detectMs),
    recoverMs: medianOf(entry => entry.recoverMs),
    badPicks: meanOf(entry => entry.badPicks),
    probesPerSec: meanOf(entry => entry.probesPerSec),
    falseEjections: meanOf(entry => entry.falseEjections),
    groupCost: new Map(GROUPS.map(group => [group, meanOf(cost, inGroup(group))])),
  };
}
