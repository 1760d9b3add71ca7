// pure
/** The picture with a point for each random world: an algorithm's COST against round robin's. */
import { frame, HEAD_HEIGHT, type LegendItem, MARGIN } from '../../plot/frame.ts';
import { linearScale, type Scale } from '../../plot/scale.ts';
import { element, line, text } from '../../plot/svg.ts';
import type { WorldResult } from '../measure/world-trial.ts';
import type { Kind } from '../worlds/world-parameters.ts';

const WIDTH = 860;
const HEIGHT = 760;
const LEFT = MARGIN + 66;
const RIGHT = WIDTH - MARGIN - 8;
const TOP = HEAD_HEIGHT + 12;
const BOTTOM = HEIGHT - 56;

const HIGHEST_COST = 100;
const TICKS = [0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
/** Below this COST distances are about equal, above it ratios are. */
const LINEAR_UP_TO = 0.1;
/** Blue is the colour of the algorithm in all pictures; the last one belongs to none. */
const COLOURS: Readonly<Record<Kind, number>> = { well: 1, troubled: 5 };

export function worldCloud(algorithm: string, results: readonly WorldResult[]): string {
  const across = costScale(LEFT, RIGHT);
  const up = costScale(BOTTOM, TOP);
  const legend = Object.entries(COLOURS).map(([kind, colour]): LegendItem => ({ label: `a ${kind} world`, colour, mark: 'dot' }));
  const heading = {
    title: `${algorithm} against round robin, in random worlds`,
    subtitle: 'COST of each world: below the line the algorithm is better than plain round robin, above it is worse',
  };
  return frame(WIDTH, HEIGHT, heading, legend, [
    ...axes(across, up, algorithm),
    line(LEFT, BOTTOM, RIGHT, TOP, { class: 'axis', 'stroke-width': 1.2, 'stroke-dasharray': '6 5' }),
    text(LEFT + 14, TOP + 22, 'worse than round robin', { class: 'faint' }),
    text(RIGHT - 14, BOTTOM - 14, 'better than round robin', { class: 'faint', 'text-anchor': 'end' }),
    ...results.map(({ world, cost, roundRobinCost }) =>
      element('circle', {
        cx: across.place(bend(roundRobinCost)),
        cy: up.place(bend(cost)),
        r: 3.5,
        class: `fill-${COLOURS[world.kind]}`,
        'fill-opacity': 0.6,
      }),
    ),
  ]);
}

/** Places and ticks are those of bent values. */
function costScale(from: number, to: number): Scale {
  return linearScale({ from: 0, to: bend(HIGHEST_COST) }, { from, to }, TICKS.map(bend));
}

function bend(cost: number): number {
  return Math.asinh(cost / LINEAR_UP_TO);
}

function axes(across: Scale, up: Scale, algorithm: string): string[] {
  const middle = (TOP + BOTTOM) / 2;
  const turned = { class: 'faint', 'text-anchor': 'middle', transform: `rotate(-90 ${MARGIN + 8} ${middle})` };
  const marks = TICKS.flatMap(tick => {
    const x = across.place(bend(tick));
    const y = up.place(bend(tick));
    return [
      line(x, TOP, x, BOTTOM, { class: 'grid' }),
      line(LEFT, y, RIGHT, y, { class: 'grid' }),
      text(x, BOTTOM + 20, String(tick), { class: 'faint number', 'text-anchor': 'middle' }),
      text(LEFT - 10, y + 4, String(tick), { class: 'faint number', 'text-anchor': 'end' }),
    ];
  });
  return [
    ...marks,
    text((LEFT + RIGHT) / 2, BOTTOM + 42, 'COST of round robin', { class: 'faint', 'text-anchor': 'middle' }),
    text(MARGIN + 8, middle, `COST of ${algorithm}`, turned),
  ];
}
