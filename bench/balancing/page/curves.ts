// pure
/** The two curves over time. They are collected while the tournament is played, over all seeds, each around its own fault. */

import { type Curve, lineChart } from '../../plot/line-chart.ts';
import { linearScale } from '../../plot/scale.ts';
import { addFocusShare, addSuccess, Series } from '../measure/series.ts';
import type { Watch } from '../measure/tournament.ts';

const DYING = { plan: 'stop-and-return', fromMs: -5_000, toMs: 35_000, binMs: 500, faultMs: 25_000 };
const BROWN = { plan: 'brown-out', fromMs: -8_000, toMs: 52_000, binMs: 1_000, faultMs: 40_000 };

export class Curves {
  readonly #share = new Map<string, Series>();
  readonly #success = new Map<string, Series>();

  readonly watch: Watch = (plan, { scenario, truth }, algorithm, log) => {
    if (plan.name === DYING.plan) addFocusShare(seriesOf(this.#share, algorithm, DYING), scenario, truth, log);
    if (plan.name === BROWN.plan) addSuccess(seriesOf(this.#success, algorithm, BROWN), scenario, log);
  };

  /** How often a host that has stopped is still picked. */
  dyingHost(algorithms: readonly string[]): string {
    return lineChart(
      {
        title: 'A host stops, and returns',
        subtitle: 'The picks that one of 8 hosts gets, of its fair share; all seeds of stop-and-return',
      },
      timeAxis(DYING, [-5, 0, 5, 10, 15, 20, 25, 30, 35]),
      percentAxis('picks, of a fair share', 0, 1.4, [0, 0.25, 0.5, 0.75, 1, 1.25]),
      { from: 0, to: DYING.faultMs, label: 'the host refuses connections' },
      curvesOf(this.#share, algorithms),
    );
  }

  brownOut(algorithms: readonly string[]): string {
    return lineChart(
      {
        title: 'A brown-out',
        subtitle:
          'Calls that succeed, of those that began then: one of 10 hosts errs in 30 % of its calls, all seeds of brown-out',
      },
      timeAxis(BROWN, [-5, 0, 10, 20, 30, 40, 50]),
      percentAxis('calls that succeed', 0.95, 1, [0.95, 0.96, 0.97, 0.98, 0.99, 1]),
      { from: 0, to: BROWN.faultMs, label: 'the host answers 30 % with an error' },
      curvesOf(this.#success, algorithms),
    );
  }
}

interface View {
  readonly fromMs: number;
  readonly toMs: number;
  readonly binMs: number;
}

function seriesOf(all: Map<string, Series>, algorithm: string, view: View): Series {
  const known = all.get(algorithm) ?? new Series(view.fromMs, view.toMs, view.binMs);
  all.set(algorithm, known);
  return known;
}

/** The oracle, which comes first, is the dashed one. */
function curvesOf(series: ReadonlyMap<string, Series>, algorithms: readonly string[]): Curve[] {
  return algorithms.map((label, colour) => ({ label, colour, dashed: colour === 0, points: series.get(label)?.points() ?? [] }));
}

function timeAxis({ fromMs, toMs }: View, ticksSec: readonly number[]) {
  return {
    name: 'seconds since the fault',
    scale: (from: number, to: number) =>
      linearScale(
        { from: fromMs, to: toMs },
        { from, to },
        ticksSec.map(tick => tick * 1_000),
      ),
    format: (ms: number) => String(ms / 1_000),
  };
}

function percentAxis(name: string, low: number, high: number, ticks: readonly number[]) {
  return {
    name,
    scale: (from: number, to: number) => linearScale({ from: low, to: high }, { from, to }, ticks),
    format: (share: number) => `${Math.round(share * 100)} %`,
  };
}
