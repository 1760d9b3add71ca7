// pure

import type { Standings } from '../measure/standings.ts';
import type { Entry } from '../measure/tournament.ts';
import { GROUPS } from '../scenarios/plan.ts';
import { fixed, markdownTable, percent, seconds } from './table.ts';

/** One row an algorithm. */
export function standingsTable(standings: readonly Standings[]): string {
  return markdownTable(
    [
      'algorithm',
      'COST',
      'without overload',
      'worst scenario, points lost',
      'points lost',
      'p99 ratio',
      'detect s',
      'recover s',
      'bad picks',
      'probes/s',
      'false ejections',
    ],
    standings.map(row => [
      row.algorithm,
      fixed(row.cost, 2),
      fixed(row.costWithoutOverload, 2),
      fixed(row.worstLostPoints, 1),
      fixed(row.lostPoints, 2),
      fixed(row.p99Ratio, 2),
      seconds(row.detectMs),
      seconds(row.recoverMs),
      percent(row.badPicks, 2),
      fixed(row.probesPerSec, 1),
      fixed(row.falseEjections, 1),
    ]),
  );
}

export function groupTable(standings: readonly Standings[]): string {
  const groups = GROUPS.filter(group => standings.some(row => !Number.isNaN(row.groupCost.get(group) ?? Number.NaN)));
  return markdownTable(
    ['algorithm', ...groups],
    standings.map(row => [row.algorithm, ...groups.map(group => fixed(row.groupCost.get(group) ?? Number.NaN, 2))]),
  );
}

/** One row a scenario: what the oracle reached, and what each algorithm cost against it. */
export function scenarioTable(entries: readonly Entry[], algorithms: readonly string[]): string {
  const [oracle = '', ...others] = algorithms;
  const rows = entries.filter(entry => entry.algorithm === oracle);
  return markdownTable(
    ['scenario', `${oracle}: success, p99`, ...others.map(name => `${name}: COST (points lost, p99 ratio)`)],
    rows.map(best => [
      best.plan.name,
      `${percent(best.success, 1)}, ${fixed(best.p99Ms, 0)} ms`,
      ...others.map(name => costCell(entries.find(entry => entry.plan === best.plan && entry.algorithm === name))),
    ]),
  );
}

/** For those who work on an algorithm: all that was measured of one scenario. */
export function detailTable(entries: readonly Entry[]): string {
  return markdownTable(
    [
      'algorithm',
      'COST',
      'success',
      'refused',
      'needlessly',
      'p99 ms',
      'bad picks',
      'detect s',
      'missed',
      'recover s',
      'probes/s',
      'false ejections',
    ],
    entries.map(entry => [
      entry.algorithm,
      fixed(entry.cost, 2),
      percent(entry.success, 2),
      percent(entry.refused, 2),
      percent(entry.needlessRefusals, 2),
      fixed(entry.p99Ms, 0),
      percent(entry.badPicks, 2),
      seconds(entry.detectMs),
      percent(entry.missed, 0),
      seconds(entry.recoverMs),
      fixed(entry.probesPerSec, 2),
      fixed(entry.falseEjections, 1),
    ]),
  );
}

function costCell(entry: Entry | undefined): string {
  if (entry === undefined) return '–';
  return `${fixed(entry.cost, 2)} (${fixed(entry.lostPoints, 2)}, ${fixed(entry.p99Ratio, 2)})`;
}
