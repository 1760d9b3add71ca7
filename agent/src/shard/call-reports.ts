// pure
import { type BatchReportRequest, type BatchResult, type HostKey, hostKey } from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import { type ShardCounter, shardCounters } from '../counters.ts';
import type { StatusReport } from '../threads/messages.ts';
import type { ServingModule } from './module-table.ts';
import { takeStatusReport } from './status-report.ts';

const count = shardCounters.at;

/** No batch may tell of more calls than this, or their time would be the other callers': each one is a step of the algorithm. */
const MAX_BATCH_CALLS = 100_000;

/** No call takes longer: a single report that says so would spoil the sums of all others, or make them larger than what can be stored. */
const MAX_CALL_MS = 3_600_000;

/**
 * What business code says of its calls: it goes to the module's balancer at once, and once a period, summed up, to the reporter. A
 * module of `undefined` is one that the agent does not hold.
 */
export class CallReports {
  readonly #periodMs: number;
  readonly #counters: CounterBank<ShardCounter>;
  readonly #onStatus: (report: StatusReport) => void;
  /** Modules with calls that the reporter has not been told of, in the order in which their reports are due. */
  readonly #untold = new Set<ServingModule>();

  /** @param periodMs how long after a module's first untold call its report is due */
  constructor(periodMs: number, counters: CounterBank<ShardCounter>, onStatus: (report: StatusReport) => void) {
    this.#periodMs = periodMs;
    this.#counters = counters;
    this.#onStatus = onStatus;
  }

  /** `retcode` and `tcost` as in a ReportRequest. */
  addCall(module: ServingModule | undefined, host: HostKey, retcode: number, tcost: number, nowMs: number): void {
    if (module === undefined) {
      this.#counters.add(count.reportUnknownModule);
      return;
    }
    const tcostMs = tcost === 0 ? undefined : Math.min(tcost, MAX_CALL_MS);
    this.#count(module, module.balancer.report(host, retcode === 0, tcostMs, nowMs), 1, nowMs);
  }

  addBatch(module: ServingModule | undefined, { results, fromCopy }: BatchReportRequest, nowMs: number): void {
    if (module === undefined) {
      this.#counters.add(count.reportUnknownModule);
      return;
    }
    let callsLeft = MAX_BATCH_CALLS;
    for (const result of results) {
      const succ = Math.min(result.succ, callsLeft);
      const err = Math.min(result.err, callsLeft - succ);
      callsLeft -= succ + err;
      this.#counters.add(count.reportCallsCut, result.succ + result.err - succ - err);
      this.#count(module, addCalls(module, result, succ, err, !fromCopy, nowMs), succ + err, nowMs);
    }
  }

  /** Hands on the counts of every module whose period is over. */
  takeDue(nowMs: number, unixMs: number): void {
    for (const module of this.#untold) {
      if (module.reportAtMs !== undefined && module.reportAtMs > nowMs) return;
      this.take(module, unixMs);
    }
  }

  takeAll(unixMs: number): void {
    for (const module of this.#untold) this.take(module, unixMs);
  }

  /** Hands on what was counted of one module, whether its period is over or not. */
  take(module: ServingModule, unixMs: number): void {
    this.#untold.delete(module);
    module.reportAtMs = undefined;
    const report = takeStatusReport(module, Math.floor(unixMs / 1_000));
    if (report !== undefined) this.#onStatus(report);
  }

  #count(module: ServingModule, known: boolean, calls: number, nowMs: number): void {
    if (!known) {
      this.#counters.add(count.reportUnknownHost);
      return;
    }
    this.#counters.add(count.report, calls);
    if (module.reportAtMs !== undefined) return;
    module.reportAtMs = Math.ceil(nowMs + this.#periodMs);
    this.#untold.add(module);
  }
}

/**
 * The calls of one entry, the failures spread evenly among the successes: nobody said how they followed one another, and all failures
 * in a row would look like a dead host.
 * @returns false when the module has no such host
 */
function addCalls(
  { balancer }: ServingModule,
  result: BatchResult,
  succ: number,
  err: number,
  picked: boolean,
  nowMs: number,
): boolean {
  const key = hostKey(result);
  const tcostMs = result.tcost === 0 ? undefined : Math.min(result.tcost / Math.max(1, result.succ + result.err), MAX_CALL_MS);
  const calls = succ + err;
  let failures = 0;
  for (let i = 1; i <= calls; i++) {
    const ok = Math.floor((i * err) / calls) === failures;
    if (!ok) failures += 1;
    if (!balancer.report(key, ok, tcostMs, nowMs, picked)) return false;
  }
  return true;
}
