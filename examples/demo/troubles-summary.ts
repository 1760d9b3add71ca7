// pure
/** What the troubles did, side by side: one row for each trouble and algorithm. */
import { type Rules, ruleLines } from './rules.ts';
import type { Totals } from './scoreboard.ts';
import type { StoredCalls } from './summary.ts';
import { percent } from './table.ts';
import type { TroubleNumbers } from './trouble-record.ts';

export interface TroublesResult {
  readonly seed: number;
  readonly hosts: number;
  /** With each algorithm. */
  readonly ratePerSecond: number;
  readonly troubleSeconds: number;
  readonly quietSeconds: number;
  /** Below half and back are told of shares over so much time. */
  readonly windowMs: number;
  readonly algorithms: readonly AlgorithmResult[];
  readonly troubles: readonly TroubleRow[];
}

/** All of a run, the quiet times too. */
export interface AlgorithmResult {
  readonly algorithm: string;
  readonly totals: Totals;
  /** What the agent reported to the reporter and the reporter stored, when both had stopped in order. */
  readonly stored: StoredCalls;
}

export interface TroubleRow extends TroubleNumbers {
  /** Its name. */
  readonly trouble: string;
  readonly algorithm: string;
  /** What the troubled host got of the calls while the trouble lasted, 0..1; undefined when LARS named no host at all. */
  readonly share: number | undefined;
  /** The part of the fleet's capacity that it has, 0..1: what it would get if it were only smaller, and did not fail. */
  readonly fairShare: number;
}

const HEADINGS = ['trouble', 'algorithm', 'calls', 'failed', '', 'share', 'fair', 'p50', 'p99', 'below half', 'back'];
/** The columns from this one on hold numbers and stand at the right. */
const FIRST_NUMBER = 2;

/** @param rules of the algorithms, in the order of `result.algorithms` */
export function troublesAsText(result: TroublesResult, rules: readonly Rules[]): string {
  return `${[...tableOf(result), '', ...totalsLines(result), '', ...meaningLines(result), ...rules.flatMap((rule, index) => ['', ...rulesOfOne(result, index, rule)])].join('\n')}\n`;
}

function rulesOfOne({ algorithms }: TroublesResult, index: number, rules: Rules): string[] {
  return [`The rules of '${algorithms[index]?.algorithm}':`, ...ruleLines(rules)];
}

function tableOf({ troubles }: TroublesResult): string[] {
  const rows = troubles.map((row, index) => cellsOf(row, troubles[index - 1]?.trouble !== row.trouble));
  const all = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) => Math.max(...all.map(cells => cells[column]?.length ?? 0)));
  return all.map(cells =>
    cells
      .map((cell, column) => aligned(cell, column, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function aligned(cell: string, column: number, width: number): string {
  return column < FIRST_NUMBER ? cell.padEnd(width) : cell.padStart(width);
}

function cellsOf(row: TroubleRow, isFirstOfTrouble: boolean): string[] {
  const { trouble, algorithm, calls, failed, share, fairShare, p50Ms, p99Ms, belowHalfMs, backMs } = row;
  return [
    isFirstOfTrouble ? trouble : '',
    algorithm,
    `${calls}`,
    `${failed}`,
    percent(calls === 0 ? undefined : failed / calls),
    percent(share),
    percent(fairShare),
    milliseconds(p50Ms),
    milliseconds(p99Ms),
    secondsOr('never', belowHalfMs),
    secondsOr(belowHalfMs === undefined ? '-' : 'never', backMs),
  ];
}

function totalsLines({ algorithms }: TroublesResult): string[] {
  return algorithms.map(({ algorithm, totals, stored }) => {
    const { calls, failed, withoutHost } = totals;
    const counts = `${calls} calls, ${failed} failed, LARS named no host for ${withoutHost} of these`;
    return `${algorithm}, in all: ${counts}; the reporter's database holds ${stored.succ} successes and ${stored.err} failures.`;
  });
}

function meaningLines({ hosts, windowMs, troubleSeconds }: TroublesResult): string[] {
  const usual = percent(1 / hosts);
  return [
    `What the numbers mean. Calls, failed, share, p50 and p99 are of the calls that began in the ${troubleSeconds} s of the trouble; p50 and p99`,
    'are how long those took that succeeded, the question to LARS included. Share: which part of the calls the troubled server got;',
    "fair: which part of the fleet's capacity it has. Below half: from the trouble's begin until its share was below half of the",
    `usual ${usual}; back: from the trouble's end until it was above that again; never: not until the demo's end. For these two a`,
    `share is counted over the last ${windowMs / 1_000} s, so a change is seen up to so much later.`,
    "'classic' is the conf that agents are shipped with, 'older conf' that of the generation before. An agent knows only what the",
    'callers report.',
  ];
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${ms.toFixed(1)} ms`;
}

function secondsOr(instead: string, ms: number | undefined): string {
  return ms === undefined ? instead : `${(ms / 1_000).toFixed(2)} s`;
}
