// pure
/** Computes what a report adds to the history: how many calls, and in which minute. */
import { type HostCallResult, type HostKey, hostKey, isCallable, type ReportStatusRequest } from '@lars/proto';
import { CumulativeCounters } from './cumulative-counters.ts';
import { HostLimit } from './host-limit.ts';

/** A report as the write queue takes it. */
export interface CountedReport {
  readonly modid: number;
  readonly cmdid: number;
  /** Unsigned, as the table has it. */
  readonly caller: number;
  /** As the agent sent it, unix seconds. */
  readonly ts: number;
  /** The minute of the history that it belongs to, unix seconds. */
  readonly minute: number;
  /** Its minute is the reporter's own, because `ts` cannot be right. */
  readonly badTs: boolean;
  /** Empty for a report without a number. */
  readonly agent: string;
  readonly seq: number;
  readonly results: readonly CountedResult[];
  /** Results left out, because no table has room for such a host, or for so many of them. */
  readonly skipped: number;
}

export interface CountedResult {
  readonly key: HostKey;
  readonly ip: number;
  readonly addr: string;
  /** The result as the agent sent it. */
  readonly raw: HostCallResult;
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

/** Counts calls; for agents that send running counts it remembers their last counts. */
export class CallHistory {
  readonly #retentionSec: number;
  readonly #counters: CumulativeCounters;
  readonly #hosts = new HostLimit();

  constructor(limits: CallHistoryLimits) {
    this.#retentionSec = limits.retentionSec;
    this.#counters = new CumulativeCounters(limits.maxCounters);
  }

  get counters(): Pick<CumulativeCounters, 'size' | 'evictions'> {
    return this.#counters;
  }

  /** Counts a report that was not counted before. Reports of one agent must come in the order in which it sent them. */
  count(report: ReportStatusRequest, nowSec: number): CountedReport {
    const { modid, cmdid } = report;
    const sound = report.results.filter(raw => isSound(raw) && this.#hosts.admits(modid, cmdid, hostKey(raw), nowSec));
    const results = isNumbered(report) ? countIncreases(sound) : this.#countRunning(report, sound);
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

  #countRunning(report: ReportStatusRequest, sound: readonly HostCallResult[]): CountedResult[] {
    const prefix = `${report.caller}/${report.modid}/${report.cmdid}/`;
    const results: CountedResult[] = [];
    for (const raw of sound) {
      const key = hostKey(raw);
      const now = { succ: raw.succ, err: raw.err, tcostMs: raw.tcost };
      const { succ, err, tcostMs } = this.#counters.deltaSince(prefix + key, now, raw.overload);
      results.push(countedResult(key, raw, succ, err, tcostMs));
    }
    return results;
  }
}

/** The start of the minute, both in unix seconds. */
export function minuteOf(sec: number): number {
  return sec - (sec % MINUTE_SEC);
}

function countIncreases(sound: readonly HostCallResult[]): CountedResult[] {
  return sound.map(raw => countedResult(hostKey(raw), raw, raw.succ, raw.err, raw.tcost));
}

function countedResult(key: HostKey, raw: HostCallResult, succ: number, err: number, tcostMs: number): CountedResult {
  return { key, ip: raw.addr === '' ? raw.ip >>> 0 : 0, addr: raw.addr, raw, succ, err, tcostMs };
}

/** Whether the tables can have a row for the result: its host can be called and is shown as it is, and its numbers are exact. */
function isSound(result: HostCallResult): boolean {
  const { addr } = result;
  return isCallable(result) && addr.length <= MAX_ADDR_LENGTH && !NOT_IN_ADDR.test(addr) && Number.isSafeInteger(result.tcost);
}

/** Control characters and the like, and white space: no address has them, and they garble a terminal or hide what is there. */
const NOT_IN_ADDR = /[\p{C}\p{Z}]/u;
