// pure
import { formatIpv4 } from '@lars/proto/host-address';
import type { StatusRow } from '@lars/reporter';
import type { CallCounts } from './call-sums.ts';

/** What one agent told in its last reports of a module. */
export interface CallerCalls extends CallCounts {
  /** The agent's address. */
  readonly caller: string;
  readonly hosts: number;
  /** How many of the hosts it has ejected. */
  readonly ejected: number;
  /** When the last of the reports was made, unix seconds. */
  readonly lastSec: number;
}

/** The last report of each host, summed up by caller; reports from before `fromSec` are left out. */
export function callersOf(rows: readonly StatusRow[], fromSec: number): CallerCalls[] {
  const callers = new Map<number, StatusRow[]>();
  for (const row of rows) {
    if (row.ts < fromSec) continue;
    const others = callers.get(row.caller);
    if (others === undefined) callers.set(row.caller, [row]);
    else others.push(row);
  }
  return Array.from(callers, ([caller, reports]) => callerCalls(caller, reports)).sort((a, b) => b.calls - a.calls);
}

function callerCalls(caller: number, reports: readonly StatusRow[]): CallerCalls {
  const sum = (of: (row: StatusRow) => number) => reports.reduce((total, row) => total + of(row), 0);
  const calls = sum(({ succ, err }) => succ + err);
  return {
    caller: formatIpv4(caller | 0),
    hosts: reports.length,
    ejected: sum(({ overload }) => (overload ? 1 : 0)),
    calls,
    failures: sum(({ err }) => err),
    meanMs: calls === 0 ? 0 : sum(({ tcostMs }) => tcostMs) / calls,
    lastSec: reports.reduce((last, { ts }) => Math.max(last, ts), 0),
  };
}
