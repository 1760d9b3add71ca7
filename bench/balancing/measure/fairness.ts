// pure
import type { RunLog } from '../sim/run-log.ts';
import { capacityPerSec, type Scenario } from '../sim/scenario.ts';
import { Standing, type Truth } from '../sim/truth.ts';

/**
 * Jain's index of the hosts that were well all the time: 1 where each has picks in proportion to its capacity, 1/n where one of n has all.
 * NaN where no such host was picked.
 */
export function jainIndexOf(scenario: Scenario, truth: Truth, log: RunLog): number {
  const picks = new Array<number>(scenario.hosts.length).fill(0);
  for (const host of log.pickHost) picks[host] = (picks[host] as number) + 1;
  const loads = scenario.hosts.flatMap((spec, host) => {
    const isWell = truth.spells(host, Standing.broken).length === 0 && truth.everInRoute(host);
    return isWell ? [(picks[host] as number) / capacityPerSec(spec)] : [];
  });
  return jainIndex(loads);
}

/** (sum of x)² / (n · sum of x²), Jain, Chiu and Hawe 1984. */
export function jainIndex(loads: readonly number[]): number {
  const sum = loads.reduce((total, load) => total + load, 0);
  const squares = loads.reduce((total, load) => total + load ** 2, 0);
  return sum ** 2 / (loads.length * squares);
}
