/**
 * Call results on their way from the callers to the agents: none is taken that no caller has reported, none twice, and where nothing fails none
 * is lost.
 *
 * One exception: a socket's error does not say which datagrams were refused, so the SDK sends again what it sent in the moments before it
 * (decision 12). What the agent had read of these is excused, and no more.
 */
import { decodeBody, HEADER_BYTES, MessageId, readMessageId } from '@lars/proto';
import { kernel } from '../host/kernel.ts';
import type { Machine } from '../host/machine.ts';
import type { Place } from '../host/network.ts';

/** The SDK remembers reports until it has read its socket twice, 5 ms apart; a process that hangs reads nothing. */
const REMEMBERED_MS = 100;

interface ReadReport {
  readonly machine: Machine;
  readonly port: number;
  readonly atMs: number;
  readonly calls: number;
}

/** What the shards of all agents of a machine have counted. */
export interface TakenResults {
  readonly calls: number;
  readonly ofUnknown: number;
}

export class ResultCheck {
  readonly #reported = new Map<Machine, number>();
  readonly #excused = new Map<Machine, number>();
  #read: ReadReport[] = [];
  /** How long a process may have hung. */
  readonly #longestHangMs: number;

  constructor(longestHangMs: number) {
    this.#longestHangMs = longestHangMs;
  }

  onReported(machine: Machine): void {
    this.#reported.set(machine, (this.#reported.get(machine) ?? 0) + 1);
  }

  /** An agent has read a datagram. */
  onRead({ machine, port }: Place, bytes: Uint8Array): void {
    const calls = callsOf(bytes);
    if (calls === 0) return;
    const sinceMs = kernel.nowMs - REMEMBERED_MS - this.#longestHangMs;
    if ((this.#read[0]?.atMs ?? sinceMs) < sinceMs) this.#read = this.#read.filter(({ atMs }) => atMs >= sinceMs);
    this.#read.push({ machine, port, atMs: kernel.nowMs, calls });
  }

  /** A socket hears that nobody listens there. */
  onRefused({ machine, port }: Place): void {
    const sinceMs = kernel.nowMs - REMEMBERED_MS - this.#longestHangMs;
    const isMeant = (report: ReadReport) => report.machine === machine && report.port === port;
    const calls = this.#read.reduce((sum, report) => sum + (isMeant(report) && report.atMs >= sinceMs ? report.calls : 0), 0);
    this.#read = this.#read.filter(report => !isMeant(report));
    this.#excused.set(machine, (this.#excused.get(machine) ?? 0) + calls);
  }

  /** @param mustArrive nothing has happened in which a result may get lost */
  problem(machine: Machine, taken: TakenResults, mustArrive: boolean): string | undefined {
    const reported = this.#reported.get(machine) ?? 0;
    const most = reported + (this.#excused.get(machine) ?? 0);
    const isLost = mustArrive && taken.ofUnknown === 0 && taken.calls < reported;
    if (!isLost && taken.calls <= most) return undefined;
    return `${machine.name}: callers have reported ${reported} calls, and its agents have taken ${taken.calls}, at most ${most} were expected`;
  }
}

function callsOf(bytes: Uint8Array): number {
  const id = readMessageId(bytes, 0);
  if (id === MessageId.ReportRequest) return 1;
  if (id !== MessageId.BatchReportRequest) return 0;
  const { results } = decodeBody(MessageId.BatchReportRequest, bytes.subarray(HEADER_BYTES));
  return results.reduce((sum, { succ, err }) => sum + succ + err, 0);
}
