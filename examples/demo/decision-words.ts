// pure
import { percent } from './table.ts';

/** What the agent logs when a host is ejected or readmitted. */
export interface Decision {
  readonly host: string;
  /** 'ejected' or 'recovered'; an agent of an earlier version says 'ejected' or 'healthy'. */
  readonly to: string;
  readonly cause: string;
  /** What it was decided by, as logged. */
  readonly numbers: Readonly<Record<string, number>>;
}

type Words = (number: (name: string) => number) => string;

/** By cause, with the number of the rule in docs/load-balancing.md. Short, to fit in a line of a terminal. */
const WORDS: ReadonlyMap<string, Words> = new Map<string, Words>([
  ['error-evidence', n => `ejected: evidence of errors ${tenths(n('evidence'))}, limit ${tenths(n('evidenceLimit'))} (AD-7)`],
  ['call-succeeded', n => `back on probation: a call succeeded in ${tenths(n('tookMs'))} ms (AD-12)`],
  ['none-left', () => 'back: no other host is left (AD-9)'],
  ['all-err', () => 'back: all hosts fail, it is no worse than they (AD-9)'],
  ['failure-run', n => `ejected: a run of ${n('errRun')} failures, limit ${n('limit')} (LB-7)`],
  [
    'error-rate',
    n => `ejected: virtual error rate ${rate(n('virtualErr'), n('virtualSucc'))}, limit ${percent(n('limit'))} (LB-7)`,
  ],
  [
    'window-error-rate',
    n => `ejected: error rate of a window ${rate(n('realErr'), n('realSucc'))}, limit ${percent(n('limit'))} (LB-9)`,
  ],
  [
    'success-rate',
    n => `healthy again: virtual success rate ${rate(n('virtualSucc'), n('virtualErr'))}, limit ${percent(n('limit'))} (LB-8)`,
  ],
  ['success-run', n => `healthy again: a run of ${n('succRun')} successes, limit ${n('limit')} (LB-8)`],
  [
    'overload-timeout',
    n => `healthy again, untested: ejected for ${tenths(n('stateMs') / 1_000)} s, limit ${n('limit') / 1_000} s (LB-9)`,
  ],
]);

/** In words that follow the host's name. An unknown cause is shown as it is. */
export function decisionText({ to, cause, numbers }: Decision): string {
  const words = WORDS.get(cause);
  return words === undefined ? `${to}: ${cause}` : words(name => numbers[name] ?? Number.NaN);
}

/** Whether the host gets no ordinary calls from then on. */
export function isEjection({ to }: Pick<Decision, 'to'>): boolean {
  return to === 'ejected' || to === 'ejected';
}

function tenths(value: number): string {
  return value.toFixed(1);
}

function rate(part: number, rest: number): string {
  return percent(part / (part + rest));
}
