// pure
/** The numbers at the end, for people and as JSON, and what they mean. */
import { decisionText } from './decision-words.ts';
import type { PastDecision } from './decisions.ts';
import { type HostLook, isOut } from './host-look.ts';
import type { ShareNumbers } from './measure.ts';
import { paragraph } from './paragraph.ts';
import { type Rules, rulesText } from './rules.ts';
import type { Totals } from './scoreboard.ts';
import { percent } from './table.ts';

export interface DemoResult {
  readonly algorithm: string;
  readonly seed: number;
  readonly hosts: number;
  readonly ratePerSecond: number;
  readonly phaseSeconds: readonly number[];
  /** The time that a share covers. */
  readonly windowMs: number;
  readonly totals: Totals;
  readonly outage: OutageResult;
  readonly agent: AgentResult;
  /** What the agent reported to the reporter and the reporter stored, when both had stopped cleanly. */
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
  /** How long it was down. */
  readonly downMs: number;
  /** Calls to hosts that began while it was down, ... */
  readonly callsWhileDown: number;
  /** ... and how many of them were sent to it. */
  readonly callsToDeadHost: number;
}

/** The agent's decisions, as its log and its page say. */
export interface AgentResult {
  /** Since the host was stopped. `atMs`: after the stop. */
  readonly decisions: readonly PastDecision[];
  /** What its /why page said of the stopped host last before the restart, ... */
  readonly whileDown: HostLook | undefined;
  /** ... and when the host had calls again. */
  readonly whenBack: HostLook | undefined;
  /** Its own counter; classic does not count them there. */
  readonly probes: number;
}

/** One JSON document. Times in ms, shares 0..1; null: it did not happen. */
export function resultAsJson(result: object): string {
  return JSON.stringify(result, (_key, value: unknown) => (value === undefined ? null : rounded(value)), 2);
}

export function resultAsText(result: DemoResult, rules: Rules): string {
  const parts = [totalsLines(result), outageLines(result), agentLines(result), meaningLines(result, rules)];
  return `${parts.map(lines => lines.join('\n')).join('\n\n')}\n`;
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

/** The text has the order in which things happened. */
function agentLines({ algorithm, agent: { decisions, whileDown, whenBack, probes }, outage }: DemoResult): string[] {
  const { host, downMs } = outage;
  const told = (decision: PastDecision) => {
    const when = decision.atMs < downMs ? after(decision.atMs, 'the stop') : after(decision.atMs - downMs, 'the restart');
    const who = decision.host === host ? 'it is' : `${decision.host}, which was well, is`;
    return `  ${when}: ${who} ${decisionText(decision)}`;
  };
  const before = decisions.filter(({ atMs }) => atMs < downMs);
  return [
    `What the agent did about it, by the rules of '${algorithm}' (docs/load-balancing.md has them by their numbers):`,
    ...before.map(told),
    ...(whileDown === undefined ? [] : [`  just before the restart: ${whileDownText(whileDown)}`]),
    ...decisions.slice(before.length).map(told),
    ...(whenBack?.state === 'probation' ? [`  at first: ${probationText(whenBack)}`] : []),
    ...(decisions.length === 0 ? ['  nothing: no host changed sides'] : []),
    ...(probes === 0 ? [] : [`  in all it sent ${probes} probe${probes === 1 ? '' : 's'} (AD-10, AD-11)`]),
  ];
}

function whileDownText(look: HostLook): string {
  const { failuresInRow, probeInMs, errRun } = look.numbers;
  if (!isOut(look)) return `it is ${look.state}, as far as the agent knows`;
  if (failuresInRow !== undefined && probeInMs !== undefined) {
    const due = `the next probe is due in ${(probeInMs / 1_000).toFixed(1)} s`;
    return `it is still ejected; ejections and failed probes in a row: ${failuresInRow}; ${due} (AD-10)`;
  }
  return `it is still ejected, and its last ${errRun} calls failed (LB-4)`;
}

function probationText({ numbers: { evidence, evidenceLimit } }: HostLook): string {
  return `on probation with evidence ${evidence?.toFixed(1)} against it, the limit is ${evidenceLimit?.toFixed(1)} (AD-12)`;
}

function meaningLines({ windowMs }: DemoResult, rules: Rules): string[] {
  const window = windowMs / 1_000;
  return [
    ...paragraph(
      `What the numbers mean. A share is counted over the last ${window} s, so a change is seen up to ${window} s after the agent made it. The agent knows only what the callers report.`,
    ),
    '',
    ...paragraph(`The rules of '${rules.algorithm}'. ${rulesText(rules)}`),
  ];
}

function after(ms: number | undefined, event: string): string | undefined {
  return ms === undefined ? undefined : `${(ms / 1_000).toFixed(2)} s after ${event}`;
}

function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toFixed(4)) : value;
}
