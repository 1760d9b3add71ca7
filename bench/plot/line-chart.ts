// pure
import { frame, HEAD_HEIGHT, type Heading, type LegendItem, MARGIN } from './frame.ts';
import type { Scale } from './scale.ts';
import { element, line, polyline, text } from './svg.ts';

export interface Curve {
  readonly label: string;
  readonly colour: number;
  readonly dashed: boolean;
  readonly points: readonly (readonly [number, number])[];
}

export interface Axis {
  readonly name: string;
  readonly scale: (from: number, to: number) => Scale;
  readonly format: (value: number) => string;
}

/** A stretch of the x axis that is marked, and why. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

const WIDTH = 860;
const HEIGHT = 420;
const LEFT = MARGIN + 66;
const RIGHT = WIDTH - MARGIN;
const TOP = HEAD_HEIGHT + 26;
const BOTTOM = HEIGHT - 52;

export function lineChart(heading: Heading, x: Axis, y: Axis, band: Band | undefined, curves: readonly Curve[]): string {
  const across = x.scale(LEFT, RIGHT);
  const up = y.scale(BOTTOM, TOP);
  const legend = curves.map(({ label, colour, dashed }): LegendItem => ({ label, colour, mark: dashed ? 'dashed' : 'curve' }));
  return frame(WIDTH, HEIGHT, heading, legend, [
    ...(band === undefined ? [] : bandMark(band, across)),
    ...verticalAxis(up, y),
    ...horizontalAxis(across, x),
    ...curves.map(curve => curveLine(curve, across, up)),
  ]);
}

function bandMark(band: Band, across: Scale): string[] {
  const from = across.place(band.from);
  const to = across.place(band.to);
  return [
    element('rect', { class: 'band', x: from, y: TOP - 20, width: to - from, height: BOTTOM - TOP + 20 }),
    text((from + to) / 2, TOP - 6, band.label, { class: 'faint', 'text-anchor': 'middle' }),
  ];
}

function verticalAxis(scale: Scale, { name, format }: Axis): string[] {
  const middle = (TOP + BOTTOM) / 2;
  const marks = scale.ticks.flatMap(tick => [
    line(LEFT, scale.place(tick), RIGHT, scale.place(tick), { class: 'grid' }),
    text(LEFT - 10, scale.place(tick) + 4, format(tick), { class: 'faint number', 'text-anchor': 'end' }),
  ]);
  const turned = { class: 'faint', 'text-anchor': 'middle', transform: `rotate(-90 ${MARGIN + 8} ${middle})` };
  return [...marks, text(MARGIN + 8, middle, name, turned)];
}

function horizontalAxis(scale: Scale, { name, format }: Axis): string[] {
  const marks = scale.ticks.flatMap(tick => [
    line(scale.place(tick), BOTTOM, scale.place(tick), BOTTOM + 5, { class: 'axis' }),
    text(scale.place(tick), BOTTOM + 20, format(tick), { class: 'faint number', 'text-anchor': 'middle' }),
  ]);
  return [
    line(LEFT, BOTTOM, RIGHT, BOTTOM, { class: 'axis' }),
    ...marks,
    text((LEFT + RIGHT) / 2, BOTTOM + 40, name, { class: 'faint', 'text-anchor': 'middle' }),
  ];
}

function curveLine(curve: Curve, across: Scale, up: Scale): string {
  const points = curve.points.map(([x, y]): [number, number] => [across.place(x), up.place(y)]);
  return polyline(points, { class: `curve stroke-${curve.colour}${curve.dashed ? ' dashed' : ''}` });
}
