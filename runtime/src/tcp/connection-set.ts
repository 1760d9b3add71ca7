import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../clock.ts';
import { SharedCounters } from '../counters.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ByteConnection } from '../transport/byte-connection.ts';
import { NetConnection } from '../transport/net-connection.ts';
import type { ConnectionGuard, ConnectionGuardDeps } from './connection-guard.ts';
import { type CloseReason, type ConnectionLimits, FramedConnection } from './framed-connection.ts';
import { type TcpServerCounter, tcpServerCounters } from './tcp-counters.ts';

export interface ConnectionSetDeps {
  readonly limits: ConnectionLimits;
  readonly log: Logger;
  /** Counters that another thread reads, for instance; without them, the set makes its own. */
  readonly counters?: SharedCounters<TcpServerCounter>;
  readonly clock?: Clock;
  /** Makes what decides whom is spoken with; undefined, or what is left out: everybody. */
  readonly newGuard?: (deps: ConnectionGuardDeps) => ConnectionGuard | undefined;
}

export interface FramedServerHandler {
  onOpen?(connection: FramedConnection): void;
  /** One whole frame; `body` is valid during the call only. */
  onFrame(connection: FramedConnection, id: number, body: Uint8Array): void;
  /** Called instead, where it is there: the body lies at bytes[from, to), and no object is made for it. */
  onFrameInPlace?(connection: FramedConnection, id: number, bytes: Uint8Array, from: number, to: number): void;
  onClose?(connection: FramedConnection): void;
}

const REASON_SLOT: Readonly<Record<CloseReason, number | undefined>> = {
  remote: tcpServerCounters.at.closedByRemote,
  stopped: undefined,
  BAD_LENGTH: tcpServerCounters.at.closedBadLength,
  BAD_MESSAGE_ID: tcpServerCounters.at.closedBadMessageId,
  BAD_BODY: tcpServerCounters.at.closedBadBody,
  partial_frame_timeout: tcpServerCounters.at.closedPartialFrame,
  write_buffer_full: tcpServerCounters.at.closedWriteBufferFull,
  speaks_tls: tcpServerCounters.at.closedSpeaksTls,
  too_much_memory: tcpServerCounters.at.closedTooMuchMemory,
  quiet: tcpServerCounters.at.closedQuiet,
  handler_error: tcpServerCounters.at.closedHandlerError,
};

const REFUSED = {
  refusedTls: 'a connection was refused: TLS',
  refusedToken: 'a connection was refused: token',
} as const;

/** An error that every message meets must not fill the disk: the log names one connection in this time, the counter has all. */
const ERROR_LOG_INTERVAL_MS = 10_000;
const FRAMES = tcpServerCounters.at.frames;

/** The connections of one thread, all served by one handler. A bad connection ends alone; the others are not disturbed. */
export class ConnectionSet {
  readonly counters: SharedCounters<TcpServerCounter>;
  readonly #deps: ConnectionSetDeps;
  readonly #handler: FramedServerHandler;
  readonly #clock: Clock;
  readonly #guard: ConnectionGuard | undefined;
  readonly #open = new Set<FramedConnection>();
  readonly #served = new Set<ByteConnection>();
  readonly #logMutedUntilMs = new Map<string, number>();

  constructor(deps: ConnectionSetDeps, handler: FramedServerHandler) {
    this.#deps = deps;
    this.#handler = handler;
    this.#clock = deps.clock ?? systemClock;
    this.counters = deps.counters ?? new SharedCounters(tcpServerCounters);
    this.#guard = deps.newGuard?.({
      onAdmitted: socket => this.#openConnection(new NetConnection(socket)),
      onRefused: (counter, remote, words) => {
        this.counters.add(tcpServerCounters.at[counter]);
        this.#logSeldom('warn', REFUSED[counter], counter, remote, words);
      },
    });
  }

  get open(): ReadonlySet<FramedConnection> {
    return this.#open;
  }

  /** Those that take a descriptor: open connections, those that the guard has not let in yet, and those that are being closed. */
  get servedCount(): number {
    return this.#served.size;
  }

  /** Serves a new connection. */
  serve(bytes: ByteConnection): void {
    this.#served.add(bytes);
    bytes.onceClosed(() => void this.#served.delete(bytes));
    if (this.#guard === undefined) this.#openConnection(bytes);
    else this.#guard.admit(socketOf(bytes));
  }

  #openConnection(bytes: ByteConnection): void {
    const connection = new FramedConnection(bytes, this.#deps.limits, {
      onRead: from => this.#noteRead(from),
      onFrameInPlace: (connection, id, bytes, from, to) => {
        this.counters.add(FRAMES);
        const handler = this.#handler;
        if (handler.onFrameInPlace === undefined) handler.onFrame(connection, id, bytes.subarray(from, to));
        else handler.onFrameInPlace(connection, id, bytes, from, to);
      },
      onClose: (from, reason, error) => this.#onClose(from, reason, error),
    });
    this.#open.add(connection);
    this.#noteRead(connection);
    this.#handler.onOpen?.(connection);
  }

  #noteRead(connection: FramedConnection): void {
    connection.lastReadMs = this.#clock.monotonicMs();
  }

  /**
   * Closes the connection from which nothing came for the longest time, if that is at least `quietMs`.
   * @returns whether one was closed
   */
  closeQuietest(quietMs: number): boolean {
    let quietest: FramedConnection | undefined;
    let lastMs = this.#clock.monotonicMs() - quietMs;
    for (const connection of this.#open) {
      if (connection.lastReadMs > lastMs) continue;
      lastMs = connection.lastReadMs;
      quietest = connection;
    }
    quietest?.destroy('quiet');
    return quietest !== undefined;
  }

  /** Lets queued bytes leave for `graceMs`, then closes what is still open; resolves when all are closed. */
  async close(graceMs: number): Promise<void> {
    const closed = Promise.all([...this.#served].map(served => new Promise<void>(resolve => served.onceClosed(resolve))));
    const late = setTimeout(() => this.#destroyServed(), graceMs);
    for (const connection of [...this.#open]) connection.end();
    await closed;
    clearTimeout(late);
  }

  #destroyServed(): void {
    for (const served of this.#served) served.destroy();
  }

  #onClose(connection: FramedConnection, reason: CloseReason, error: unknown): void {
    this.#open.delete(connection);
    const slot = REASON_SLOT[reason];
    if (slot !== undefined) this.counters.add(slot);
    const { remote } = connection;
    const log = (level: 'warn' | 'error', event: string, counter: TcpServerCounter) =>
      this.#logSeldom(level, event, counter, remote, messageOf(error));
    if (reason === 'handler_error') log('error', 'a message could not be handled', 'closedHandlerError');
    if (reason === 'too_much_memory') log('error', 'a connection asked for too much', 'closedTooMuchMemory');
    if (reason === 'speaks_tls') log('warn', REFUSED.refusedTls, 'closedSpeaksTls');
    this.#handler.onClose?.(connection);
  }

  #logSeldom(level: 'warn' | 'error', event: string, counter: TcpServerCounter, remote: string, error: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < (this.#logMutedUntilMs.get(event) ?? 0)) return;
    this.#logMutedUntilMs.set(event, nowMs + ERROR_LOG_INTERVAL_MS);
    const soFar = this.counters.get(counter);
    this.#deps.log[level](event, { remote, error, soFar });
  }
}

function socketOf(bytes: ByteConnection): Socket {
  const handle = bytes.giveAway();
  if (typeof handle === 'number') throw new TypeError('a guard stands on sockets of node:net');
  return handle;
}
