// pure
/** Curves over time around a scenario's focus, for the plots. */
import { Outcome, type RunLog } from '../sim/run-log.ts';
import type { Scenario } from '../sim/scenario.ts';
import type { Truth } from '../sim/truth.ts';
import { fairSharesOf } from './reaction.ts';

/** Sums per bin of time, of several runs: a part and the whole that it is divided by. Bin 0 begins at `fromMs`. */
export class Series {
  readonly fromMs: number;
  readonly binMs: number;
  readonly #part: number[];
  readonly #whole: number[];

  constructor(fromMs: number, toMs: number, binMs: number) {
    const bins = Math.ceil((toMs - fromMs) / binMs);
    this.fromMs = fromMs;
    this.binMs = binMs;
    this.#part = new Array<number>(bins).fill(0);
    this.#whole = new Array<number>(bins).fill(0);
  }

  /** What lies outside is left out. */
  add(atMs: number, part: number, whole: number): void {
    const bin = Math.floor((atMs - this.fromMs) / this.binMs);
    if (bin < 0 || bin >= this.#part.length) return;
    this.#part[bin] = (this.#part[bin] as number) + part;
    this.#whole[bin] = (this.#whole[bin] as number) + whole;
  }

  /** [middle of the bin in ms, part / whole]; bins without anything are left out. */
  points(): [number, number][] {
    return this.#part.flatMap((part, bin) => {
      const whole = this.#whole[bin] as number;
      return whole === 0 ? [] : [[this.fromMs + (bin + 0.5) * this.binMs, part / whole] as [number, number]];
    });
  }
}

/** The focused hosts' picks over their fair share; times count from the beginning of the focus. */
export function addFocusShare(series: Series, scenario: Scenario, truth: Truth, log: RunLog): void {
  const { focus } = scenario;
  if (focus === undefined) return;
  const shares = fairSharesOf(scenario, truth);
  const fairShare = focus.hosts.reduce((sum, host) => sum + (shares[host] ?? 0), 0);
  for (const [pick, atMs] of log.pickMs.entries()) {
    const inFocus = focus.hosts.includes(log.pickHost[pick] as number);
    series.add(atMs - focus.fromMs, inFocus ? 1 : 0, fairShare);
  }
}

/** The share of the calls that began then and came to a good end; times count from the beginning of the focus. */
export function addSuccess(series: Series, scenario: Scenario, log: RunLog): void {
  const { focus } = scenario;
  if (focus === undefined) return;
  for (const [call, atMs] of log.callMs.entries()) {
    series.add(atMs - focus.fromMs, log.outcome[call] === Outcome.ok ? 1 : 0, 1);
  }
}
