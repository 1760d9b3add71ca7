/** A running reporter on ports of its own, and agents that talk to it over real sockets. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { decodeBody, encodeFrame, FrameDecoder, MessageId, type ReportStatusAck, type ReportStatusRequest } from '@lars/proto';
import { loadConfig } from '@lars/runtime/config/config';
import type { Logger } from '@lars/runtime/log';
import { onTestFinished, vi } from 'vitest';
import { reporterConfigTable } from '../../../reporter/src/config.ts';
import { type RunningReporter, startReporter } from '../../../reporter/src/reporter.ts';
import type { StatusStore } from '../../../reporter/src/store/status-store.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { NOW_SEC } from './report-samples.ts';

export interface ReporterSettings {
  /** Lines of reporter.ini beside those that every test has. */
  readonly conf?: string;
  /** Ports 0, unless the test gives ports of its own. */
  readonly ports?: string;
  readonly store?: StatusStore;
  readonly log?: Logger;
}

/** At NOW_SEC, and it writes at once whatever there is. */
export async function startTestReporter({
  conf = '',
  ports = '[tcp]\nport = 0\n[http]\nport = 0\n',
  store,
  log = recordingLog().log,
}: ReporterSettings): Promise<RunningReporter> {
  const text = `${ports}${conf.includes('flush_interval') ? '' : '[queue]\nflush_interval = 1\n'}${conf}`;
  const config = loadConfig(reporterConfigTable, { path: 'test', text });
  const reporter = await startReporter(config, {
    log,
    clock: { monotonicMs: () => 0, unixMs: () => NOW_SEC * 1_000 + 500 },
    random: () => 0,
    ...(store === undefined ? {} : { store }),
  });
  onTestFinished(() => reporter.stop());
  return reporter;
}

/** Waits until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  await vi.waitUntil(isSo, { timeout: 10_000, interval: 2 });
}

/** An agent's end of a connection. */
export class TestAgent {
  /** But for those that say only that the reporter does acknowledge. */
  readonly acks: ReportStatusAck[] = [];
  readonly greetings: ReportStatusAck[] = [];
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly #decoder = new FrameDecoder();

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    // A connection that the reporter resets is closed all the same.
    this.socket.on('error', () => {});
    this.closed = new Promise(resolve => this.socket.once('close', () => resolve()));
    this.socket.on('data', (chunk: Uint8Array) => this.#decoder.push(chunk, (id, body) => this.#onFrame(id, body)));
  }

  static async connect(reporter: RunningReporter): Promise<TestAgent> {
    const agent = new TestAgent(reporter.tcpPort);
    onTestFinished(() => {
      agent.socket.destroy();
    });
    await once(agent.socket, 'connect');
    return agent;
  }

  send(...reports: readonly ReportStatusRequest[]): void {
    this.sendBytes(...reports.map(report => encodeFrame(MessageId.ReportStatusRequest, report)));
  }

  sendBytes(...frames: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Waits for the acknowledgement of `seq`. */
  async acked(seq: number, agent?: string): Promise<void> {
    await until(() => this.acks.some(ack => ack.seq >= seq && (agent === undefined || ack.agent === agent)));
  }

  #onFrame(id: number, body: Uint8Array): void {
    if (id !== MessageId.ReportStatusAck) throw new Error(`a reporter sent message ${id}`);
    const ack = decodeBody(MessageId.ReportStatusAck, body);
    (ack.seq === 0 ? this.greetings : this.acks).push(ack);
  }
}

/** Something that is waited for until it is opened. */
export class Gate {
  #open: () => void = () => {};
  readonly opened: Promise<void> = new Promise(resolve => {
    this.#open = resolve;
  });

  open(): void {
    this.#open();
  }
}
