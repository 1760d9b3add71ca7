// pure
/** The numbers at the end, for people and as JSON, and what they mean. */
import type { ShareNumbers } from './measure.ts';
import { type Rules, ruleLines } from './rules.ts';
import type { Totals } from './scoreboard.ts';
import { percent } from './table.ts';

export interface DemoResult {
  readonly seed: number;
  readonly hosts: number;
  readonly ratePerSecond: number;
  readonly phaseSeconds: readonly number[];
  /** A share covers so much time. */
  readonly windowMs: number;
  readonly totals: Totals;
  readonly outage: OutageResult;
  /** What the agent reported to the reporter and the reporter stored, when both had stopped in order. */
  readonly stored: StoredCalls;
}

export interface StoredCalls {
  readonly succ: number;
  readonly err: number;
}

/** How the stopped host fared. */
export interface OutageResult extends ShareNumbers {
  readonly host: string;
  readonly fairShare: number;
  /** Calls to hosts that began while it was down, ... */
  readonly callsWhileDown: number;
  /** ... and how many of them were sent to it. */
  readonly callsToDeadHost: number;
}

/** One JSON document. Times in ms, shares 0..1; null: it did not come to that. */
export function resultAsJson(result: object): string {
  return JSON.stringify(result, (_key, value: unknown) => (value === undefined ? null : rounded(value)), 2);
}

export function resultAsText(result: DemoResult, rules: Rules): string {
  return `${[...totalsLines(result), '', ...outageLines(result), '', ...meaningLines(result, rules)].join('\n')}\n`;
}

function totalsLines({ totals, stored }: DemoResult): string[] {
  const { calls, failed, withoutHost } = totals;
  const unnamed = withoutHost === 0 ? '' : `, ${withoutHost} of them because LARS named no host`;
  return [
    `${calls} calls, ${failed} failed (${percent(calls === 0 ? 0 : failed / calls)})${unnamed}.`,
    `The reporter's database holds ${stored.succ} successes and ${stored.err} failures.`,
  ];
}

function outageLines({ outage, phaseSeconds }: DemoResult): string[] {
  const { host, fairShare, belowHalfMs, belowQuarterMs, lowestShare, backMs, callsWhileDown, callsToDeadHost } = outage;
  const [, downSeconds, againSeconds] = phaseSeconds;
  const lowest = `not within ${downSeconds} s; the lowest was ${percent(lowestShare)}`;
  const back = belowHalfMs === undefined ? 'it was not below' : (after(backMs, 'the restart') ?? `not within ${againSeconds} s`);
  return [
    `Host ${host} was down for ${downSeconds} s. Its fair share is ${percent(fairShare)} of the calls.`,
    `  Its share fell below half of that:      ${after(belowHalfMs, 'the stop') ?? lowest}`,
    `  Its share fell below a quarter of that: ${after(belowQuarterMs, 'the stop') ?? lowest}`,
    `  Its share was above half of that again: ${back}`,
    `  Calls sent to it while it was down:     ${callsToDeadHost} of ${callsWhileDown}; its fair share is ${Math.round(callsWhileDown * fairShare)}`,
  ];
}

function meaningLines({ windowMs }: DemoResult, rules: Rules): string[] {
  const window = windowMs / 1_000;
  return [
    `What the numbers mean. A share is counted over the last ${window} s, so a change is seen up to ${window} s after the agent made it.`,
    'The agent ran with the defaults that it is shipped with. It knows only what the callers report.',
    ...ruleLines(rules),
  ];
}

function after(ms: number | undefined, event: string): string | undefined {
  return ms === undefined ? undefined : `${(ms / 1_000).toFixed(2)} s after ${event}`;
}

function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toFixed(4)) : value;
}
