// pure
/** The two pictures with a row for each scenario. */

import { type DotRow, dotChart } from '../../plot/dot-chart.ts';
import { logScale, squareRootScale } from '../../plot/scale.ts';
import type { Entry } from '../measure/tournament.ts';

export function p99Dots(entries: readonly Entry[], algorithms: readonly string[]): string {
  const ticks = [100, 150, 200, 300, 400, 600, 800, 1_200];
  return dots(
    {
      title: 'p99 of successful calls',
      subtitle: 'Where a dot stands on the green line, the algorithm is as fast as the oracle; geometric mean of all seeds',
    },
    {
      name: 'milliseconds, logarithmic',
      scale: (from, to) => logScale({ from: 95, to: 1_400 }, { from, to }, ticks),
      format: value => value.toLocaleString('en'),
    },
    entries,
    algorithms,
    entry => entry.p99Ms,
  );
}

export function lostCallDots(entries: readonly Entry[], algorithms: readonly string[]): string {
  const ticks = [0, 0.5, 2, 5, 10, 20, 40, 60, 80];
  return dots(
    { title: 'Lost calls', subtitle: 'Calls that the oracle would have saved, in points of all calls; mean of all seeds' },
    {
      name: 'percentage points, on a square-root scale',
      scale: (from, to) => squareRootScale({ from: 0, to: 80 }, { from, to }, ticks),
      format: value => String(value),
    },
    entries,
    algorithms,
    entry => Math.max(0, entry.lostPoints),
  );
}

function dots(
  heading: Parameters<typeof dotChart>[0],
  axis: Parameters<typeof dotChart>[1],
  entries: readonly Entry[],
  algorithms: readonly string[],
  of: (entry: Entry) => number,
): string {
  const [oracle = '', ...others] = algorithms;
  const rows = entries
    .filter(entry => entry.algorithm === oracle)
    .map((best): DotRow => {
      const dotOf = (name: string) => {
        const entry = entries.find(one => one.plan === best.plan && one.algorithm === name);
        return entry === undefined ? Number.NaN : of(entry);
      };
      return { label: best.plan.name, group: best.plan.group, tick: of(best), dots: others.map(dotOf) };
    });
  const keys = others.map((label, index) => ({ label, colour: index + 1 }));
  return dotChart(heading, axis, { label: oracle, colour: 0 }, keys, rows);
}
