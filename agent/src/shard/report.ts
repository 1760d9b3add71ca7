// pure
import {
  type BatchReportRequest,
  type BatchResult,
  HEADER_BYTES,
  type HostCallResult,
  type HostKey,
  hostKey,
  MessageId,
} from '@lars/proto';
import { ipv4HostKey } from '@lars/proto/host-address';
import { ReportRequestView } from '@lars/proto/in-place/decode';
import { shardCounters } from '../counters.ts';
import type { StatusReport } from '../threads/messages.ts';
import { type Calls, sampleOf, toldShare, UncountedCalls } from './call-sample.ts';
import type { ReplyTo } from './forwarding.ts';
import { decodeOrCount, type HandlerDeps } from './message-handler.ts';
import type { ActiveModule } from './module-table.ts';
import type { ModuleTotals } from './module-totals.ts';

const count = shardCounters.at;
const NO_CALLS: Calls = { succ: 0, err: 0 };
const NO_HOST = { ip: 0, port: 0, addr: '' } as const;

/** Limit of the calls taken from one batch: no caller makes more in the tenth of a second of a batch, and a mistaken number would drown all others. */
const MAX_BATCH_CALLS = 100_000;

/** No call takes longer. A single result that says so would spoil the sums of all others, or make them larger than what can be stored. */
const MAX_CALL_MS = 3_600_000;

/** Takes call results: each goes to its module's balancer at once and, summed up once a period, to the reporter. */
export class ReportHandler {
  readonly #modules: HandlerDeps['modules'];
  readonly #forwarding: HandlerDeps['forwarding'];
  readonly #counters: HandlerDeps['counters'];
  readonly #periodMs: number;
  readonly #sendStatus: (report: StatusReport) => void;
  readonly #totals: ModuleTotals | undefined;
  readonly #view = new ReportRequestView();
  /** Modules with results that the reporter has not been sent, in the order in which their status reports are due. */
  readonly #unsent = new Set<ActiveModule>();
  /** Only of modules that have large batches or simulated calls. */
  readonly #uncounted = new Map<ActiveModule, UncountedCalls>();

  /**
   * @param periodMs how long after a module's first unsent result its status report is due
   * @param totals where to count what is reported of each module, if anywhere
   */
  constructor(
    { modules, forwarding, counters }: Pick<HandlerDeps, 'modules' | 'forwarding' | 'counters'>,
    periodMs: number,
    sendStatus: (report: StatusReport) => void,
    totals?: ModuleTotals,
  ) {
    this.#modules = modules;
    this.#forwarding = forwarding;
    this.#counters = counters;
    this.#periodMs = periodMs;
    this.#sendStatus = sendStatus;
    this.#totals = totals;
  }

  /**
   * The fast form of one call result: the module of the datagram bytes[start, end) is active, and the host has no name.
   * @returns false where it leaves the message to the general form, and has counted nothing
   */
  handleInPlace(bytes: Uint8Array, start: number, end: number, nowMs: number): boolean {
    const request = this.#view;
    if (!request.decode(bytes, start + HEADER_BYTES, end)) return false;
    const module = this.#modules.findActive(request.modid, request.cmdid);
    if (module === undefined) return false;
    this.#addCall(module, ipv4HostKey(request.ip, request.port), request.retcode, request.tcost, nowMs);
    return true;
  }

  /** The general form of one call result. */
  handle(datagram: Uint8Array, replyTo: ReplyTo, nowMs: number): void {
    const request = decodeOrCount(MessageId.ReportRequest, datagram, this.#counters);
    if (request === undefined || this.#forwarding.forward(request, datagram, replyTo)) return;
    const module = this.#modules.findActive(request.modid, request.cmdid);
    if (module === undefined) this.#counters.add(count.reportUnknownModule);
    else this.#addCall(module, hostKey(request.host ?? NO_HOST), request.retcode, request.tcost, nowMs);
  }

  /** Many call results of one module. */
  handleBatch(datagram: Uint8Array, replyTo: ReplyTo, nowMs: number): void {
    const request = decodeOrCount(MessageId.BatchReportRequest, datagram, this.#counters);
    if (request === undefined || this.#forwarding.forward(request, datagram, replyTo)) return;
    const module = this.#modules.findActive(request.modid, request.cmdid);
    if (module === undefined) this.#counters.add(count.reportUnknownModule);
    else this.#addBatch(module, request, nowMs);
  }

  /** Sends the status report of each module whose period is over. */
  flushDue(nowMs: number, unixMs: number): void {
    for (const module of this.#unsent) {
      if (module.flushAtMs !== undefined && module.flushAtMs > nowMs) return;
      this.flush(module, nowMs, unixMs);
    }
  }

  flushAll(nowMs: number, unixMs: number): void {
    for (const module of this.#unsent) this.flush(module, nowMs, unixMs);
  }

  /** Sends the status report of one module, whether its period is over or not. */
  flush(module: ActiveModule, nowMs: number, unixMs: number): void {
    this.#unsent.delete(module);
    module.flushAtMs = undefined;
    const results = takeResults(module, this.#uncounted.get(module));
    this.#uncounted.delete(module);
    if (results.length === 0) return;
    this.#totals?.add(module, results, nowMs);
    this.#sendStatus({ modid: module.modid, cmdid: module.cmdid, results, ts: Math.floor(unixMs / 1_000) });
  }

  /** `retcode` and `tcost` as in a ReportRequest. */
  #addCall(module: ActiveModule, host: HostKey, retcode: number, tcost: number, nowMs: number): void {
    const tcostMs = tcost === 0 ? undefined : Math.min(tcost, MAX_CALL_MS);
    this.#countCalls(module, module.balancer.report(host, retcode === 0, tcostMs, nowMs), 1, nowMs);
  }

  #addBatch(module: ActiveModule, { results, fromCopy, simulated }: BatchReportRequest, nowMs: number): void {
    let batchCalls = 0;
    for (const { succ, err } of results) batchCalls += succ + err;
    const share = toldShare(Math.min(batchCalls, MAX_BATCH_CALLS));
    let callsLeft = MAX_BATCH_CALLS;
    for (const result of results) {
      const succ = Math.min(result.succ, callsLeft);
      const err = Math.min(result.err, callsLeft - succ);
      callsLeft -= succ + err;
      this.#counters.add(count.reportCallsCut, result.succ + result.err - succ - err);
      const told = sampleOf({ succ, err }, share);
      const tcostMs = durationOf(result);
      const isKnownHost = reportCalls(module, hostKey(result), told, tcostMs, !fromCopy, nowMs);
      this.#countCalls(module, isKnownHost, succ + err, nowMs, simulated ? count.simulatedCalls : count.reportedCalls);
      // The balancer has counted what it was told; of simulated calls all of that is taken back.
      const made = simulated ? NO_CALLS : { succ, err };
      const uncounted = { succ: made.succ - told.succ, err: made.err - told.err };
      if (isKnownHost && (uncounted.succ !== 0 || uncounted.err !== 0))
        this.#addUncounted(module, hostKey(result), uncounted, tcostMs ?? 0);
    }
  }

  #addUncounted(module: ActiveModule, host: HostKey, calls: Calls, tcostMs: number): void {
    const uncounted = this.#uncounted.get(module) ?? new UncountedCalls();
    this.#uncounted.set(module, uncounted);
    uncounted.add(host, calls, tcostMs * (calls.succ + calls.err));
  }

  #countCalls(module: ActiveModule, isKnownHost: boolean, calls: number, nowMs: number, counter = count.reportedCalls): void {
    if (!isKnownHost) {
      this.#counters.add(count.reportUnknownHost);
      return;
    }
    this.#counters.add(counter, calls);
    if (module.flushAtMs !== undefined) return;
    module.flushAtMs = Math.ceil(nowMs + this.#periodMs);
    this.#unsent.add(module);
  }
}

/**
 * Tells the balancer of the calls of one entry of a batch, the failures spread evenly among the successes: the entry does not say in which
 * order they came, and all failures in a row would look like a dead host.
 * @returns false when the module has no such host
 */
function reportCalls(
  { balancer }: ActiveModule,
  key: HostKey,
  { succ, err }: Calls,
  tcostMs: number | undefined,
  pickedByAgent: boolean,
  nowMs: number,
): boolean {
  const calls = succ + err;
  let failures = 0;
  for (let i = 1; i <= calls; i++) {
    const ok = Math.floor((i * err) / calls) === failures;
    if (!ok) failures += 1;
    if (!balancer.report(key, ok, tcostMs, nowMs, pickedByAgent)) return false;
  }
  return true;
}

/** How long each call of a batch's entry took, as far as is known: all as long as the others. */
function durationOf({ tcost, succ, err }: BatchResult): number | undefined {
  return tcost === 0 ? undefined : Math.min(tcost / Math.max(1, succ + err), MAX_CALL_MS);
}

/** What the module's balancer, or this shard instead of it, has counted since the last time, host by host; hosts without a call are left out. */
function takeResults({ balancer }: ActiveModule, uncounted: UncountedCalls | undefined): HostCallResult[] {
  const results: HostCallResult[] = [];
  balancer.takeCounts((host, isEjected, counts) => {
    const { ip, port, addr, weight } = host;
    const { succ, err, probes } = counts;
    const result = { ip, port, addr, weight, succ, err, overload: isEjected, tcost: counts.tcostMs, probes };
    const all = uncounted === undefined ? result : uncounted.addTo(result);
    // Only simulated calls were counted.
    if (all.succ + all.err + probes === 0) return;
    results.push({ ...all, tcost: Math.max(0, Math.round(all.tcost)) });
  });
  return results;
}
