// pure
import { type DotKey, type DotRow, dotChart } from '../plot/dot-chart.ts';
import type { Heading } from '../plot/frame.ts';
import { linearScale, logScale } from '../plot/scale.ts';
import type { ComparedWork } from './measure.ts';

const RATIOS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20];

/** Each work a row, each contender a dot: what it does per CPU second against the yardstick, which is the tick. */
export function ratioChart(heading: Heading, yardstick: string, works: readonly ComparedWork[]): string {
  const names = [
    ...new Set(works.flatMap(({ summaries }) => summaries.filter(({ ratio }) => ratio !== undefined).map(({ name }) => name))),
  ];
  const rows = works.map(({ name, summaries }): DotRow => {
    const ratioOf = (contender: string) => summaries.find(one => one.name === contender)?.ratio ?? Number.NaN;
    return { label: name, group: '', tick: 1, dots: names.map(ratioOf) };
  });
  const all = [1, ...rows.flatMap(({ dots }) => dots).filter(ratio => ratio > 0)];
  const extent = {
    from: Math.max(...RATIOS.filter(tick => tick <= Math.min(...all)), RATIOS[0] as number),
    to: Math.min(...RATIOS.filter(tick => tick >= Math.max(...all)), RATIOS.at(-1) as number),
  };
  const axis = {
    name: 'times as much per CPU second',
    scale: (left: number, right: number) => logScale(extent, { from: left, to: right }, RATIOS),
    format: String,
  };
  return dotChart(heading, axis, { label: yardstick, colour: 0 }, keysOf(names), rows);
}

/** Each row one value, and the best of them as the tick. */
export function valueChart(
  heading: Heading,
  unit: string,
  values: readonly { readonly label: string; readonly value: number }[],
): string {
  const best = Math.min(...values.map(({ value }) => value));
  const to = niceAbove(Math.max(...values.map(({ value }) => value)));
  const ticks = [0, 1, 2, 3, 4].map(part => (part * to) / 4);
  const axis = {
    name: unit,
    scale: (left: number, right: number) => linearScale({ from: 0, to }, { from: left, to: right }, ticks),
    format: (value: number) => String(Number(value.toPrecision(3))),
  };
  const rows = values.map(({ label, value }): DotRow => ({ label, group: '', tick: best, dots: [value] }));
  return dotChart(heading, axis, { label: 'the best', colour: 0 }, [{ label: unit, colour: 1 }], rows);
}

function keysOf(names: readonly string[]): readonly DotKey[] {
  return names.map((label, at) => ({ label, colour: 1 + (at % 5) }));
}

/** 1, 2 or 4 times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-6)));
  return [1, 2, 4, 10].map(factor => factor * power).find(nice => nice >= value) ?? value;
}
