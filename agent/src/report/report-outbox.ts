// pure
/**
 * The agent's side of the conversation with the reporter: which status reports are unsent, and which were sent but may not be stored yet.
 *
 * Our reporter acknowledges what it has stored, and an acknowledgement covers all lower numbers too; what it has not acknowledged is sent
 * again after a reconnect, under the same number, so nothing is lost and nothing counts twice. A C++ reporter never acknowledges, and is sent
 * everything once (ack-habit.ts).
 */
import { encodeFrame, type HostCallResult, type HostKey, hostKey, MessageId, type RouteKey, routeKey } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import { type ReporterCounter, reporterCounters } from '../counters.ts';
import type { StatusReport } from '../threads/messages.ts';
import type { AckHabit } from './ack-habit.ts';
import type { EarlierReport } from './unsent-frames.ts';

const count = reporterCounters.at;

export interface ReportOutboxOptions {
  /** Names this run of this agent; the reporter counts (agent, seq) once. */
  readonly agent: string;
  /** The agent's own IPv4, as the wire has it. */
  readonly caller: number;
  /** Limit of the reports that are on their way without an acknowledgement. */
  readonly maxUnacknowledged: number;
  /** Limit of the hosts' results that are unsent; reports are merged per module and minute, and beyond this the oldest is dropped. */
  readonly maxUnsentResults: number;
  /** How long after sending an acknowledgement is due. */
  readonly ackTimeoutMs: number;
  /** What an earlier run of this agent has numbered and could not deliver. */
  readonly earlier?: readonly EarlierReport[];
}

export interface ReportOutboxDeps {
  readonly habit: AckHabit;
  readonly counters: SharedCounters<ReporterCounter>;
  /** @returns false when the link is down */
  send(frame: Uint8Array): boolean;
}

/** A report that has its number. */
interface NumberedReport extends EarlierReport {
  /** On any connection. */
  wasSent: boolean;
}

/** A host's result takes at most some 350 bytes (with a 253-character name), so that this many always fit one frame. */
const RESULTS_PER_FRAME = 180;

export class ReportOutbox {
  readonly #options: ReportOutboxOptions;
  readonly #deps: ReportOutboxDeps;
  readonly #unsent = new Map<string, StatusReport>();
  #unsentResults = 0;
  /** Sent, or to be sent as they are with the next connection. */
  #numbered: NumberedReport[];
  #seq = 0;
  #linkUp = false;
  /** Since when an acknowledgement is due on this connection. */
  #dueSinceMs: number | undefined;
  #isDraining = false;

  constructor(options: ReportOutboxOptions, deps: ReportOutboxDeps) {
    this.#options = options;
    this.#numbered = (options.earlier ?? []).map(report => ({ ...report, wasSent: false }));
    this.#deps = deps;
  }

  /** Reports that the reporter may not have. */
  get openCount(): number {
    return this.#unsent.size + this.#numbered.length;
  }

  /** Whether acknowledgements are expected of this reporter. */
  get expectsAcks(): boolean {
    return this.#deps.habit.isExpected;
  }

  add(report: StatusReport, nowMs: number): void {
    this.#deps.counters.add(count.reports);
    this.#enqueue(report);
    this.#flush(nowMs);
  }

  /** Reports that have a number: they are this reporter's, because it may have stored them. */
  get numberedCount(): number {
    return this.#numbered.length;
  }

  /** Gives away what has no number yet: another reporter is used from now on. */
  takeUnsent(): StatusReport[] {
    const unsent = [...this.#unsent.values()];
    this.#unsent.clear();
    this.#unsentResults = 0;
    return unsent;
  }

  /** Takes what another outbox gave away. */
  addUnsent(reports: readonly StatusReport[], nowMs: number): void {
    for (const report of reports) this.#enqueue(report);
    this.#flush(nowMs);
  }

  /**
   * Nothing comes any more: sends all that is unsent, however much is without an acknowledgement. While the link is down everything gets its
   * number, and is sent with the next connection.
   */
  drain(nowMs: number): void {
    this.#isDraining = true;
    this.#flush(nowMs);
  }

  /**
   * What the reporter may not have and has a number, for the next run. A reporter that was never heard to acknowledge would count a second time what it
   * was sent once, so that is left out.
   */
  openFrames(): Uint8Array[] {
    const { hasAcknowledged } = this.#deps.habit;
    return this.#numbered.filter(({ wasSent }) => hasAcknowledged || !wasSent).map(({ frame }) => frame);
  }

  onLinkUp(nowMs: number): void {
    this.#deps.counters.add(count.reconnects);
    this.takeLink(nowMs);
  }

  /** The link stands, and nobody else sends on it any more. */
  takeLink(nowMs: number): void {
    this.#linkUp = true;
    this.#dueSinceMs = undefined;
    for (const report of this.#numbered) {
      const { wasSent } = report;
      if (!this.#transmit(report, nowMs)) return;
      if (wasSent) this.#deps.counters.add(count.repeated);
    }
    if (!this.expectsAcks) this.#numbered = [];
    this.#flush(nowMs);
  }

  onLinkDown(): void {
    this.#linkUp = false;
    this.#dueSinceMs = undefined;
  }

  /** The reporter has stored the report `seq` of this agent, and all before it. */
  onAck(agent: string, seq: number, nowMs: number): void {
    if (agent !== this.#options.agent) return;
    this.#deps.habit.onAck();
    const stored = this.#numbered.findIndex(report => report.seq > seq);
    const acknowledged = this.#numbered.splice(0, stored < 0 ? this.#numbered.length : stored);
    this.#deps.counters.add(count.acknowledged, acknowledged.length);
    this.#dueSinceMs = this.#numbered.length === 0 ? undefined : nowMs;
    this.#flush(nowMs);
  }

  /** Is an acknowledgement due for so long, of a reporter that is known to give them? */
  isSilent(nowMs: number, ms: number): boolean {
    return this.#deps.habit.hasAcknowledged && this.#dueSinceMs !== undefined && nowMs - this.#dueSinceMs > ms;
  }

  /**
   * Call now and then. When an acknowledgement is overdue, either the reporter is one that never acknowledges, and nothing more is
   * expected of it; or the link no longer carries anything.
   * @returns true when the link should be given up
   */
  checkOverdue(nowMs: number): boolean {
    if (this.#dueSinceMs === undefined || nowMs - this.#dueSinceMs <= this.#ackTimeoutMs) return false;
    this.#dueSinceMs = undefined;
    this.#deps.habit.onSilence();
    if (this.expectsAcks) return true;
    this.#deps.counters.add(count.unacknowledged, this.#numbered.length);
    this.#numbered = [];
    this.#flush(nowMs);
    return false;
  }

  get #ackTimeoutMs(): number {
    return this.#options.ackTimeoutMs * this.#deps.habit.patience;
  }

  #enqueue(report: StatusReport): void {
    const key = mergeKey(report);
    const unsent = this.#unsent.get(key);
    if (unsent !== undefined) this.#deps.counters.add(count.merged);
    this.#keepUnsent(key, unsent === undefined ? report : mergeReports(unsent, report));
    this.#makeRoom(key);
  }

  /** Drops the oldest reports, but never the one that came last. */
  #makeRoom(last: string): void {
    for (const oldest of this.#unsent.keys()) {
      if (this.#unsentResults <= this.#options.maxUnsentResults) return;
      if (oldest === last) continue;
      this.#keepUnsent(oldest, undefined);
      this.#deps.counters.add(count.dropped);
    }
  }

  #keepUnsent(key: string, report: StatusReport | undefined): void {
    this.#unsentResults += (report?.results.length ?? 0) - (this.#unsent.get(key)?.results.length ?? 0);
    if (report === undefined) this.#unsent.delete(key);
    else this.#unsent.set(key, report);
  }

  #flush(nowMs: number): void {
    for (const [key, report] of this.#unsent) {
      if (!this.#isDraining && (!this.#linkUp || this.#numbered.length >= this.#options.maxUnacknowledged)) return;
      const { results } = report;
      let sent = 0;
      while (
        sent < results.length &&
        this.#sendNumbered({ ...report, results: results.slice(sent, sent + RESULTS_PER_FRAME) }, nowMs)
      ) {
        sent += RESULTS_PER_FRAME;
      }
      if (sent < results.length) {
        this.#keepUnsent(key, { ...report, results: results.slice(sent) });
        return;
      }
      this.#keepUnsent(key, undefined);
    }
  }

  /** @returns false when the link is down: the report was not sent and has no number, unless this is the end */
  #sendNumbered(report: StatusReport, nowMs: number): boolean {
    const { agent, caller } = this.#options;
    const seq = this.#seq + 1;
    const frame = encodeFrame(MessageId.ReportStatusRequest, { ...report, caller, seq, agent });
    const numbered = { seq, frame, wasSent: false };
    const isSent = this.#linkUp && this.#transmit(numbered, nowMs);
    if (!isSent && !this.#isDraining) return false;
    this.#seq = seq;
    if (!isSent || this.expectsAcks) this.#numbered.push(numbered);
    return true;
  }

  #transmit(report: NumberedReport, nowMs: number): boolean {
    if (!this.#deps.send(report.frame)) return false;
    report.wasSent = true;
    this.#deps.counters.add(count.sent);
    if (this.expectsAcks) this.#dueSinceMs ??= nowMs;
    return true;
  }
}

/** Unsent reports with the same key are merged: those of one module and minute, whatever hosts they name. */
function mergeKey({ modid, cmdid, ts }: StatusReport): string {
  const key: RouteKey = routeKey(modid, cmdid);
  return `${key}@${Math.floor(ts / 60)}`;
}

/** Sums counts per host; what is a state rather than a count (overload, weight, ts) is taken from the later report. */
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
