// pure
import { HEADER_BYTES, MessageId, readInt32 } from '@lars/proto';
import { ipv4HostKey } from '@lars/proto/host-address';
import { GetHostRequestView } from '@lars/proto/in-place/get-host-request-view';
import { ReportRequestView } from '@lars/proto/in-place/report-request-view';
import type { CounterBank } from '@lars/runtime/counters';
import { type ShardCounter, shardCounters } from '../counters.ts';
import type { CallReports } from './call-reports.ts';
import type { HostAnswers } from './host-answers.ts';
import type { ModuleTable, ServingModule } from './module-table.ts';

const count = shardCounters.at;

/** Nothing was done: the datagram is one for the general path. */
export const NOT_HERE = -1;

/**
 * What comes a hundred thousand times a second: getHost and report for modules that this shard knows. It makes no garbage of its own;
 * everything else, and whatever looks unusual, is left to the general path, which answers the same.
 */
export class HotPath {
  readonly #modules: ModuleTable<unknown>;
  readonly #answers: HostAnswers;
  readonly #reports: CallReports;
  readonly #onAged: (module: ServingModule, nowMs: number) => void;
  readonly #counters: CounterBank<ShardCounter>;
  readonly #request = new GetHostRequestView();
  readonly #report = new ReportRequestView();

  /** @param onAged a module is asked for whose route is due to be asked for anew */
  constructor(
    modules: ModuleTable<unknown>,
    answers: HostAnswers,
    reports: CallReports,
    onAged: (module: ServingModule, nowMs: number) => void,
    counters: CounterBank<ShardCounter>,
  ) {
    this.#onAged = onAged;
    this.#modules = modules;
    this.#answers = answers;
    this.#reports = reports;
    this.#counters = counters;
  }

  /**
   * Handles the datagram bytes[start, end) and writes its answer at `replyStart`.
   * @returns the answer's length, 0 where there is none; or NOT_HERE
   */
  handle(bytes: Uint8Array, start: number, end: number, reply: Uint8Array, replyStart: number, nowMs: number): number {
    const body = start + HEADER_BYTES;
    if (body > end || readInt32(bytes, start + 4) !== end - body) return NOT_HERE;
    const id = readInt32(bytes, start);
    if (id === MessageId.GetHostRequest) {
      return this.#request.decode(bytes, body, end) ? this.#getHost(reply, replyStart, nowMs) : NOT_HERE;
    }
    if (id === MessageId.ReportRequest && this.#report.decode(bytes, body, end)) return this.#addReport(nowMs);
    return NOT_HERE;
  }

  #getHost(reply: Uint8Array, replyStart: number, nowMs: number): number {
    const request = this.#request;
    const { modid, cmdid } = request;
    const module = this.#modules.serving(modid, cmdid);
    if (module === undefined && !this.#modules.isAbsent(modid, cmdid, nowMs)) return NOT_HERE;
    if (module !== undefined && nowMs >= module.refreshAtMs) this.#onAged(module, nowMs);
    this.#counters.add(count.getHost);
    return this.#answers.write(module?.balancer, request, reply, replyStart, nowMs);
  }

  #addReport(nowMs: number): number {
    const report = this.#report;
    const module = this.#modules.serving(report.modid, report.cmdid);
    if (module === undefined) return NOT_HERE;
    this.#reports.addCall(module, ipv4HostKey(report.ip, report.port), report.retcode, report.tcost, nowMs);
    return 0;
  }
}
