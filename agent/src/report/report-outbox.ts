// pure
/**
 * The agent's side of the conversation with the reporter: what waits to be sent, what was sent and is not known to be stored.
 *
 * Our reporter acknowledges what it has stored, and an acknowledgement covers all lower numbers too; what it has not
 * acknowledged is sent again after a reconnect, under the same number, so nothing is lost and nothing counts twice. A C++ reporter
 * never acknowledges: a peer that stays silent through `silentLinks` connections is sent everything once.
 */
import { encodeFrame, type HostCallResult, type HostKey, hostKey, MessageId, type RouteKey, routeKey } from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import { type ReporterCounter, reporterCounters } from '../counters.ts';
import type { StatusReport } from '../threads/messages.ts';

const count = reporterCounters.at;

export interface ReportOutboxOptions {
  /** Names this run of this agent; the reporter counts (agent, seq) once. */
  readonly agent: string;
  /** The agent's own IPv4, as the wire has it. */
  readonly caller: number;
  /** So many reports may be on their way without an acknowledgement. */
  readonly maxUnacknowledged: number;
  /** So many hosts' results may wait to be sent; reports are merged per module and minute, and beyond this the oldest is dropped. */
  readonly maxWaitingResults: number;
  /** How long after sending an acknowledgement is due. */
  readonly ackTimeoutMs: number;
  readonly counters: CounterBank<ReporterCounter>;
}

interface SentReport {
  readonly seq: number;
  readonly frame: Uint8Array;
}

/** A peer that has acknowledged before is given this many connections to do so again; a new one has one. */
const LINKS_UNTIL_SILENT = 3;

/** A host's result takes at most some 350 bytes (a 253-character name): so many always fit one frame. */
const RESULTS_PER_FRAME = 180;

export class ReportOutbox {
  readonly #options: ReportOutboxOptions;
  readonly #send: (frame: Uint8Array) => boolean;
  readonly #waiting = new Map<string, StatusReport>();
  #waitingResults = 0;
  #sent: SentReport[] = [];
  #seq = 0;
  #linkUp = false;
  #everAcknowledged = false;
  /** Connections in a row on which an acknowledgement was due and none came. */
  #silentLinks = 0;
  /** Since when an acknowledgement is due on this connection. */
  #dueSinceMs: number | undefined;
  #isEnding = false;

  /** @param send false when the link is down */
  constructor(options: ReportOutboxOptions, send: (frame: Uint8Array) => boolean) {
    this.#options = options;
    this.#send = send;
  }

  /** Reports that the reporter may not have. */
  get openCount(): number {
    return this.#waiting.size + this.#sent.length;
  }

  /** Whether acknowledgements are expected of this peer. */
  get expectsAcks(): boolean {
    return this.#silentLinks < (this.#everAcknowledged ? LINKS_UNTIL_SILENT : 1);
  }

  add(report: StatusReport, nowMs: number): void {
    this.#options.counters.add(count.reports);
    this.#enqueue(report);
    this.#flush(nowMs);
  }

  /** Nothing comes any more: what waits leaves, however much is under way. */
  sendRest(nowMs: number): void {
    this.#isEnding = true;
    this.#flush(nowMs);
  }

  onLinkUp(nowMs: number): void {
    this.#options.counters.add(count.reconnects);
    this.#linkUp = true;
    this.#dueSinceMs = undefined;
    for (const report of this.#sent) {
      if (!this.#transmit(report.frame, nowMs)) return;
      this.#options.counters.add(count.repeated);
    }
    this.#flush(nowMs);
  }

  onLinkDown(): void {
    this.#linkUp = false;
    this.#dueSinceMs = undefined;
  }

  /** The reporter has stored the report `seq` of this agent, and all before it. */
  onAck(agent: string, seq: number, nowMs: number): void {
    if (agent !== this.#options.agent) return;
    this.#everAcknowledged = true;
    this.#silentLinks = 0;
    const stored = this.#sent.findIndex(report => report.seq > seq);
    const acknowledged = this.#sent.splice(0, stored < 0 ? this.#sent.length : stored);
    this.#options.counters.add(count.acknowledged, acknowledged.length);
    this.#dueSinceMs = this.#sent.length === 0 ? undefined : nowMs;
    this.#flush(nowMs);
  }

  /**
   * Call now and then. When an acknowledgement is overdue, the peer is either one that never acknowledges, and nothing more is
   * expected of it; or a link that no longer carries anything.
   * @returns true when the link should be given up
   */
  checkOverdue(nowMs: number): boolean {
    if (this.#dueSinceMs === undefined || nowMs - this.#dueSinceMs <= this.#options.ackTimeoutMs) return false;
    this.#dueSinceMs = undefined;
    this.#silentLinks += 1;
    if (this.expectsAcks) return true;
    this.#options.counters.add(count.unacknowledged, this.#sent.length);
    this.#sent = [];
    this.#flush(nowMs);
    return false;
  }

  #enqueue(report: StatusReport): void {
    const key = waitingKey(report);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) this.#options.counters.add(count.merged);
    this.#keepWaiting(key, waiting === undefined ? report : mergeReports(waiting, report));
    this.#makeRoom(key);
  }

  /** Drops the oldest reports, but never the one that came last. */
  #makeRoom(last: string): void {
    for (const oldest of this.#waiting.keys()) {
      if (this.#waitingResults <= this.#options.maxWaitingResults) return;
      if (oldest === last) continue;
      this.#keepWaiting(oldest, undefined);
      this.#options.counters.add(count.dropped);
    }
  }

  #keepWaiting(key: string, report: StatusReport | undefined): void {
    this.#waitingResults += (report?.results.length ?? 0) - (this.#waiting.get(key)?.results.length ?? 0);
    if (report === undefined) this.#waiting.delete(key);
    else this.#waiting.set(key, report);
  }

  #flush(nowMs: number): void {
    for (const [key, report] of this.#waiting) {
      if (!this.#linkUp || (this.#sent.length >= this.#options.maxUnacknowledged && !this.#isEnding)) return;
      const { results } = report;
      let sent = 0;
      while (
        sent < results.length &&
        this.#number({ ...report, results: results.slice(sent, sent + RESULTS_PER_FRAME) }, nowMs)
      ) {
        sent += RESULTS_PER_FRAME;
      }
      if (sent < results.length) {
        this.#keepWaiting(key, { ...report, results: results.slice(sent) });
        return;
      }
      this.#keepWaiting(key, undefined);
    }
  }

  /** @returns false when the link is down: the report was not sent and has no number */
  #number(report: StatusReport, nowMs: number): boolean {
    const { agent, caller } = this.#options;
    const seq = this.#seq + 1;
    const frame = encodeFrame(MessageId.ReportStatusRequest, { ...report, caller, seq, agent });
    if (!this.#transmit(frame, nowMs)) return false;
    this.#seq = seq;
    if (this.expectsAcks) this.#sent.push({ seq, frame });
    return true;
  }

  #transmit(frame: Uint8Array, nowMs: number): boolean {
    if (!this.#send(frame)) return false;
    this.#options.counters.add(count.sent);
    if (this.expectsAcks) this.#dueSinceMs ??= nowMs;
    return true;
  }
}

/** Reports that wait are merged when they tell of the same module and minute (a report with other hosts' calls joins them). */
function waitingKey({ modid, cmdid, ts }: StatusReport): string {
  const key: RouteKey = routeKey(modid, cmdid);
  return `${key}@${Math.floor(ts / 60)}`;
}

/** Sums counts per host; what is a state rather than a count (overload, weight, ts) is the later one's. */
export function mergeReports(earlier: StatusReport, later: StatusReport): StatusReport {
  const results = new Map<HostKey, HostCallResult>(earlier.results.map(result => [hostKey(result), result]));
  for (const result of later.results) {
    const before = results.get(hostKey(result));
    results.set(hostKey(result), before === undefined ? result : sumResults(before, result));
  }
  return { ...later, results: [...results.values()] };
}

function sumResults(before: HostCallResult, after: HostCallResult): HostCallResult {
  return {
    ...after,
    succ: before.succ + after.succ,
    err: before.err + after.err,
    tcost: before.tcost + after.tcost,
    probes: before.probes + after.probes,
  };
}
