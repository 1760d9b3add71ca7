// pure
/** What a report adds to the history: how many calls, and in which minute. */
import { type HostCallResult, type HostKey, hostKey, isCallable, type ReportStatusRequest } from '@lars/proto';
import { CumulativeCounters } from './cumulative-counters.ts';

/** A report as the write queue takes it. */
export interface CountedReport {
  readonly modid: number;
  readonly cmdid: number;
  /** Unsigned, as the table holds it. */
  readonly caller: number;
  /** As the agent told it, unix seconds. */
  readonly ts: number;
  /** The minute of the history that it belongs to, unix seconds. */
  readonly minute: number;
  /** Its minute is the reporter's own, because `ts` cannot be right. */
  readonly badTs: boolean;
  /** Empty for a report without a number. */
  readonly agent: string;
  readonly seq: number;
  readonly results: readonly CountedResult[];
  /** Results left out, because no table can hold such a host. */
  readonly skipped: number;
}

export interface CountedResult {
  readonly key: HostKey;
  readonly ip: number;
  readonly addr: string;
  readonly told: HostCallResult;
  /** Calls that no report before this one counted. */
  readonly succ: number;
  readonly err: number;
  readonly tcostMs: number;
}

export interface CallHistoryLimits {
  readonly retentionSec: number;
  /** For how many (caller, module, host) of agents without numbers the last counts are remembered. */
  readonly maxCounters: number;
}

/** No table has room for a longer addr; DNS names end here. */
const MAX_ADDR_LENGTH = 253;
const MINUTE_SEC = 60;
const FUTURE_MAX_SEC = 3_600;

/** A report with a number can be acknowledged, and is counted once. Its agent sends increases, others send running counts. */
export function isNumbered(report: ReportStatusRequest): boolean {
  return report.seq > 0 && report.agent !== '';
}

/** Remembers of agents that send running counts what they told last. */
export class CallHistory {
  readonly #retentionSec: number;
  readonly #counters: CumulativeCounters;

  constructor(limits: CallHistoryLimits) {
    this.#retentionSec = limits.retentionSec;
    this.#counters = new CumulativeCounters(limits.maxCounters);
  }

  get counters(): Pick<CumulativeCounters, 'size' | 'evictions'> {
    return this.#counters;
  }

  /** Counts a report that was not counted before. Reports of one agent must come in the order in which it sent them. */
  count(report: ReportStatusRequest, nowSec: number): CountedReport {
    const results = isNumbered(report) ? countIncreases(report) : this.#countRunning(report);
    const badTs = report.ts > nowSec + FUTURE_MAX_SEC || report.ts < nowSec - this.#retentionSec;
    return {
      modid: report.modid,
      cmdid: report.cmdid,
      caller: report.caller >>> 0,
      ts: report.ts,
      minute: minuteOf(badTs ? nowSec : report.ts),
      badTs,
      agent: isNumbered(report) ? report.agent : '',
      seq: report.seq,
      results,
      skipped: report.results.length - results.length,
    };
  }

  #countRunning(report: ReportStatusRequest): CountedResult[] {
    const prefix = `${report.caller}/${report.modid}/${report.cmdid}/`;
    const results: CountedResult[] = [];
    for (const told of report.results) {
      if (!isSound(told)) continue;
      const key = hostKey(told);
      const now = { succ: told.succ, err: told.err, tcostMs: told.tcost };
      const { succ, err, tcostMs } = this.#counters.increase(prefix + key, now, told.overload);
      results.push(countedResult(key, told, succ, err, tcostMs));
    }
    return results;
  }
}

/** The start of the minute, both in unix seconds. */
export function minuteOf(sec: number): number {
  return sec - (sec % MINUTE_SEC);
}

function countIncreases(report: ReportStatusRequest): CountedResult[] {
  const results: CountedResult[] = [];
  for (const told of report.results) {
    if (isSound(told)) results.push(countedResult(hostKey(told), told, told.succ, told.err, told.tcost));
  }
  return results;
}

function countedResult(key: HostKey, told: HostCallResult, succ: number, err: number, tcostMs: number): CountedResult {
  return { key, ip: told.addr === '' ? told.ip >>> 0 : 0, addr: told.addr, told, succ, err, tcostMs };
}

/** Whether the tables have a row for it: a host that can be called, and numbers that are exact. */
function isSound(told: HostCallResult): boolean {
  return isCallable(told) && told.addr.length <= MAX_ADDR_LENGTH && Number.isSafeInteger(told.tcost);
}
