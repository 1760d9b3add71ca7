// pure
import { frame, HEAD_HEIGHT, type Heading, type LegendItem, MARGIN } from './frame.ts';
import type { Axis } from './line-chart.ts';
import type { Scale } from './scale.ts';
import { element, line, text } from './svg.ts';

/** One row: a value for each dot, and one for the tick that they are compared with. NaN draws nothing. */
export interface DotRow {
  readonly label: string;
  readonly group: string;
  readonly tick: number;
  readonly dots: readonly number[];
}

export interface DotKey {
  readonly label: string;
  readonly colour: number;
}

const WIDTH = 860;
const ROW_HEIGHT = 25;
const GROUP_GAP = 12;
const LEFT = MARGIN + 210;
const RIGHT = WIDTH - MARGIN - 12;
const TOP = HEAD_HEIGHT + 30;
/** Dots of a row stand a little above each other, so that equal values hide nobody. */
const SPREAD = 6;

export function dotChart(heading: Heading, axis: Axis, tick: DotKey, keys: readonly DotKey[], rows: readonly DotRow[]): string {
  const places = placesOf(rows);
  const bottom = (places.at(-1) ?? TOP) + ROW_HEIGHT / 2 + 6;
  const scale = axis.scale(LEFT, RIGHT);
  const legend: LegendItem[] = [{ ...tick, mark: 'tick' }, ...keys.map((key): LegendItem => ({ ...key, mark: 'dot' }))];
  return frame(WIDTH, bottom + MARGIN + 22, heading, legend, [
    ...axisMarks(scale, axis, bottom),
    ...rows.flatMap((row, index) => rowMarks(row, rows[index - 1], places[index] as number, scale, tick, keys)),
  ]);
}

/** The height at which each row stands; a new group begins with a gap. */
function placesOf(rows: readonly DotRow[]): number[] {
  let y = TOP;
  return rows.map((row, index) => {
    const before = rows[index - 1];
    if (before !== undefined) y += ROW_HEIGHT + (before.group === row.group ? 0 : GROUP_GAP);
    return y;
  });
}

function axisMarks(scale: Scale, { name, format }: Axis, bottom: number): string[] {
  const numbers = { class: 'faint number', 'text-anchor': 'middle' };
  return [
    ...scale.ticks.flatMap(tick => [
      line(scale.place(tick), TOP - 16, scale.place(tick), bottom, { class: 'grid' }),
      text(scale.place(tick), TOP - 21, format(tick), numbers),
      text(scale.place(tick), bottom + 17, format(tick), numbers),
    ]),
    text((LEFT + RIGHT) / 2, bottom + 36, name, { class: 'faint', 'text-anchor': 'middle' }),
  ];
}

function rowMarks(
  row: DotRow,
  before: DotRow | undefined,
  y: number,
  scale: Scale,
  tick: DotKey,
  keys: readonly DotKey[],
): string[] {
  const values = row.dots.filter(value => !Number.isNaN(value));
  const reach = [row.tick, ...values].map(scale.place);
  const heights = keys.map((_, index) => y + (index - (keys.length - 1) / 2) * SPREAD);
  const tickX = scale.place(row.tick);
  return [
    ...(before?.group === row.group ? [] : [text(MARGIN, y + 4, row.group, { class: 'faint' })]),
    text(LEFT - 16, y + 4, row.label, { 'text-anchor': 'end' }),
    line(Math.min(...reach), y, Math.max(...reach), y, { class: 'grid', 'stroke-width': 4, 'stroke-linecap': 'round' }),
    line(tickX, y - 10, tickX, y + 10, { class: `curve stroke-${tick.colour}` }),
    ...row.dots.flatMap((value, index) => {
      if (Number.isNaN(value)) return [];
      const colour = keys[index]?.colour ?? 0;
      return [element('circle', { cx: scale.place(value), cy: heights[index] as number, r: 5, class: `fill-${colour}` })];
    }),
  ];
}
