/** A reporter that keeps what it gets: one that acknowledges like ours, or never, like the deployed ones. */
import {
  decodeBody,
  encodeFrame,
  type HostCallResult,
  LarsProtocolError,
  MessageId,
  type ReportStatusRequest,
} from '@lars/proto';
import type { FramedConnection } from '@lars/runtime/tcp/framed-connection';
import { FramedServer } from '@lars/runtime/tcp/framed-server';
import { recordingLog } from './recording-log.ts';
import { type Dialect, SCRIPTED_LIMITS } from './scripted-dnsserver.ts';

export class ScriptedReporter {
  /** Everything that arrived, repetitions too. */
  readonly reports: ReportStatusRequest[] = [];
  /** Ours does not acknowledge while this is false. */
  acknowledges = true;
  readonly #dialect: Dialect;
  #server: FramedServer | undefined;
  #port = 0;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens; the second time on the port of the first. */
  async start(): Promise<void> {
    const options = { ip: '127.0.0.1', port: this.#port, confKey: 'port', maxConnections: 10, limits: SCRIPTED_LIMITS };
    this.#server = new FramedServer(
      { ...options, log: recordingLog().log },
      { onFrame: (connection, id, body) => this.#onFrame(connection, id, body) },
    );
    await this.#server.listen();
    this.#port = this.#server.port;
  }

  async stop(): Promise<void> {
    await this.#server?.close(0);
    this.#server = undefined;
  }

  cutConnections(): void {
    for (const connection of [...(this.#server?.connections ?? [])]) connection.destroy();
  }

  /** The calls of a module as a reporter that counts (agent, seq) once has them, host by host; the deployed one counts all. */
  calls(modid: number, cmdid: number): Record<string, Pick<HostCallResult, 'succ' | 'err'>> {
    const seen = new Set<string>();
    const sums: Record<string, { succ: number; err: number }> = {};
    for (const report of this.reports) {
      const name = `${report.agent} ${report.seq}`;
      if (report.modid !== modid || report.cmdid !== cmdid || (this.#dialect === 'ours' && seen.has(name))) continue;
      seen.add(name);
      for (const { port, succ, err } of report.results) {
        const before = sums[port] ?? { succ: 0, err: 0 };
        sums[port] = { succ: before.succ + succ, err: before.err + err };
      }
    }
    return sums;
  }

  #onFrame(connection: FramedConnection, id: number, body: Uint8Array): void {
    if (id !== MessageId.ReportStatusRequest)
      throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is not for a reporter`);
    const report = decodeBody(MessageId.ReportStatusRequest, body);
    this.reports.push(report);
    if (this.#dialect === 'deployed' || !this.acknowledges || report.seq === 0) return;
    connection.send(encodeFrame(MessageId.ReportStatusAck, { agent: report.agent, seq: report.seq }));
  }
}
