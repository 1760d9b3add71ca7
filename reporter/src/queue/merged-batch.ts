// pure
import type { HostKey } from '@lars/proto';
import type { CountedReport, CountedResult } from '../history/call-history.ts';
import { type HistoryRow, type StatusBatch, type StatusRow, saturatingSum } from '../store/status-store.ts';

/**
 * Reports merged into the rows that they become: of the status of one (module, host, caller) the last report counts, the history
 * of one (minute, module, host) is summed over callers and reports. Rows are found in two steps, because what a whole report
 * has in common needs to be looked up only once.
 */
export class MergedBatch implements StatusBatch {
  readonly status: StatusRow[] = [];
  readonly history: HistoryRow[] = [];
  readonly agents = new Map<string, number>();
  readonly #statusByCaller = new Map<string, Map<HostKey, Mutable<StatusRow>>>();
  readonly #historyByMinute = new Map<string, Map<HostKey, Mutable<HistoryRow>>>();
  #reports = 0;

  /** How many reports were merged. */
  get reports(): number {
    return this.#reports;
  }

  /** How many rows they became, in all tables. */
  get rows(): number {
    return this.status.length + this.history.length + this.agents.size;
  }

  add(report: CountedReport): void {
    this.#reports += 1;
    if (report.agent !== '') this.agents.set(report.agent, report.seq);
    if (report.results.length === 0) return;
    const module = `${report.modid}/${report.cmdid}/`;
    const status = inner(this.#statusByCaller, module + report.caller);
    const history = inner(this.#historyByMinute, module + report.minute);
    for (const result of report.results) {
      this.#putStatus(status, report, result);
      this.#addHistory(history, report, result);
    }
  }

  #putStatus(rows: Map<HostKey, Mutable<StatusRow>>, report: CountedReport, { key, ip, addr, raw }: CountedResult): void {
    const row = rows.get(key);
    if (row === undefined) {
      const { modid, cmdid, caller, ts } = report;
      const { port, succ, err, overload, weight, tcost: tcostMs, probes } = raw;
      const added = { modid, cmdid, ip, port, addr, caller, succ, err, ts, overload, weight, tcostMs, probes };
      rows.set(key, added);
      this.status.push(added);
      return;
    }
    row.succ = raw.succ;
    row.err = raw.err;
    row.ts = report.ts;
    row.overload = raw.overload;
    row.weight = raw.weight;
    row.tcostMs = raw.tcost;
    row.probes = raw.probes;
  }

  #addHistory(rows: Map<HostKey, Mutable<HistoryRow>>, report: CountedReport, result: CountedResult): void {
    const { key, ip, addr, raw, succ, err, tcostMs } = result;
    const overloaded = raw.overload ? 1 : 0;
    const row = rows.get(key);
    if (row === undefined) {
      const { minute, modid, cmdid } = report;
      const added = { minute, modid, cmdid, ip, port: raw.port, addr, succ, err, tcostMs, overloaded, reports: 1 };
      rows.set(key, added);
      this.history.push(added);
      return;
    }
    row.succ = saturatingSum(row.succ, succ);
    row.err = saturatingSum(row.err, err);
    row.tcostMs = saturatingSum(row.tcostMs, tcostMs);
    row.overloaded += overloaded;
    row.reports += 1;
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function inner<Row>(rows: Map<string, Map<HostKey, Row>>, key: string): Map<HostKey, Row> {
  let found = rows.get(key);
  if (found === undefined) {
    found = new Map();
    rows.set(key, found);
  }
  return found;
}
