// pure
/** One sentence about a host that is in trouble. */
import type { HostWhy, LastChange } from './module-why.ts';
import { shownState } from './module-why.ts';
import { counted, formatCount, formatDuration, formatMs, formatRate } from './numbers.ts';

/** What the words for causes mean; docs/operations.md has a line for each, with its rule. */
export const CAUSE_MEANINGS: Readonly<Record<string, string>> = {
  'error-evidence': 'it fails clearly more often than the others',
  'all-err': 'most hosts fail alike, so none is left out',
  'probe-due': 'its pause is over',
  'call-succeeded': 'a call to it succeeded',
  'standing-queue': 'calls were lost to work that waits at the hosts',
  'quick-again': 'answers are quick again',
  'none-left': 'no other host is left',
  'error-rate': 'its share of failures is above the limit',
  'failure-run': 'too many failures in a row',
  'success-rate': 'its share of successes is above the limit',
  'success-run': 'enough successes in a row',
  'window-error-rate': 'too many failures in its last period',
  'overload-timeout': 'it was left out for the longest time',
};

/** @returns undefined for a host that is well or drains */
export function troubleOf(host: HostWhy): string | undefined {
  switch (shownState(host)) {
    case 'ejected':
      return `ejected ${sinceChange(host.last)}${failures(host)}${probes(host)}`;
    case 'probation':
      return `on probation, readmitted ${sinceChange(host.last)}; nearly the next failure ejects it again`;
    case 'avoided':
      return `avoided: ${times(host.avoidedTimes ?? 0)} as expensive as the others${failures(host)}`;
    default:
      return undefined;
  }
}

function sinceChange(last: LastChange | undefined): string {
  if (last === undefined) return '';
  const { cause, rule, numbers } = last;
  const limit = numbers['limit'] === undefined ? '' : `, limit ${numbers['limit']}`;
  const meaning = CAUSE_MEANINGS[cause];
  const named = [cause, ...(rule === undefined ? [] : [rule])].join(', ');
  return `${formatDuration(last.agoMs / 1_000)} ago: ${meaning === undefined ? named : `${meaning} (${named}${limit})`}`;
}

function failures({ numbers }: HostWhy): string {
  const { lastCalls, lastFailures, errorRate, realErr, realSucc } = numbers;
  if (lastCalls !== undefined && lastFailures !== undefined)
    return lastFailures === 0 ? '' : `; ${lastFailures} of its last ${lastCalls === 1 ? 'call' : `${lastCalls} calls`} failed`;
  if (errorRate !== undefined) return errorRate === 0 ? '' : `; ${formatRate(errorRate)} of its last calls failed`;
  if (realErr === undefined || realSucc === undefined || realErr === 0) return '';
  return `; ${formatCount(realErr)} of ${formatCount(realErr + realSucc)} calls since then failed`;
}

function probes({ numbers: { failuresInRow, probeInMs } }: HostWhy): string {
  if (probeInMs === undefined) return '';
  const inVain = failuresInRow === undefined || failuresInRow < 2 ? '' : `; ${counted(failuresInRow - 1, 'probe')} in vain`;
  return `${inVain}; ${probeInMs === 0 ? 'the next call may be a probe' : `next probe in ${formatMs(probeInMs)} at the earliest`}`;
}

function times(factor: number): string {
  return `${factor < 2.95 ? factor.toFixed(1) : formatCount(Math.round(factor))} times`;
}
