import { decodeBody, FrameDecoder, type HostCallResult, MessageId, type ReportStatusRequest } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { reporterCounters } from '../../../agent/src/counters.ts';
import { AckHabit } from '../../../agent/src/report/ack-habit.ts';
import { ReportOutbox } from '../../../agent/src/report/report-outbox.ts';
import type { StatusReport } from '../../../agent/src/threads/messages.ts';
import { hostInfo } from '../../support/agent-messages.ts';

export const ACK_TIMEOUT_MS = 10_000;
export const AGENT = '10.0.0.9-run-1';
export const CALLER = 0x0a00_0009;

export interface OutboxLimits {
  readonly maxUnacknowledged?: number;
  readonly maxUnsentResults?: number;
}

/** An outbox on a link that is made and cut by hand; `received` is what came out at the other end. */
export class OutboxWorld {
  readonly counters = new SharedCounters(reporterCounters);
  readonly outbox: ReportOutbox;
  readonly habit = new AckHabit(false, () => undefined);
  received: ReportStatusRequest[] = [];
  nowMs = 1_000;
  /** So many more frames pass before the link is found to be broken. */
  framesUntilCut = Number.POSITIVE_INFINITY;
  #up = false;

  constructor({ maxUnacknowledged = 1_000, maxUnsentResults = 10_000 }: OutboxLimits = {}) {
    const { counters } = this;
    this.outbox = new ReportOutbox(
      { agent: AGENT, caller: CALLER, maxUnacknowledged, maxUnsentResults, ackTimeoutMs: ACK_TIMEOUT_MS },
      { counters, habit: this.habit, send: frame => this.#up && this.#carry(frame) },
    );
  }

  up(): void {
    this.#up = true;
    this.outbox.onLinkUp(this.nowMs);
  }

  down(): void {
    this.#up = false;
    this.outbox.onLinkDown();
  }

  add(report: StatusReport): void {
    this.outbox.add(report, this.nowMs);
  }

  ack(seq: number): void {
    this.outbox.onAck(AGENT, seq, this.nowMs);
  }

  /** Waits until an acknowledgement is overdue. @returns whether the link should be given up */
  overdue(): boolean {
    this.nowMs += ACK_TIMEOUT_MS + 1;
    return this.outbox.checkOverdue(this.nowMs);
  }

  takeReceived(): ReportStatusRequest[] {
    return this.received.splice(0);
  }

  takeSeqs(): number[] {
    return this.takeReceived().map(({ seq }) => seq);
  }

  #carry(frame: Uint8Array): boolean {
    if (this.framesUntilCut === 0) {
      this.framesUntilCut = Number.POSITIVE_INFINITY;
      this.down();
      return false;
    }
    this.framesUntilCut -= 1;
    new FrameDecoder().push(frame, (id, body) => {
      if (id !== MessageId.ReportStatusRequest) throw new Error(`message id ${id} is not for a reporter`);
      this.received.push(decodeBody(MessageId.ReportStatusRequest, body));
    });
    return true;
  }
}

export function linkUp(limits: OutboxLimits = {}): OutboxWorld {
  const world = new OutboxWorld(limits);
  world.up();
  return world;
}

export function callResult(port: number, counts: Partial<HostCallResult> = {}): HostCallResult {
  const { ip, addr, weight } = hostInfo(port);
  return { ip, port, addr, weight, succ: 1, err: 0, overload: false, tcost: 0, probes: 0, ...counts };
}

export function statusReport(modid: number, ts = 600, results = [callResult(1)]): StatusReport {
  return { modid, cmdid: 0, results, ts };
}
