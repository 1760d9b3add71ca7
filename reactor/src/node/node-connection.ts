import type { Socket } from 'node:net';
import { checkBytes, checkMs } from '../check-options.ts';
import { reasonOf, writeLimitError } from '../close-reason.ts';
import {
  type Address,
  type CloseReason,
  type Connection,
  type ConnectionHandler,
  type DetachedConnection,
  EngineError,
} from '../engine.ts';
import type { EngineCore } from '../engine-core.ts';
import { IdleTimer } from '../idle-timer.ts';
import { UnreadBytes } from '../unread-bytes.ts';

const NOTHING = new Uint8Array(0);

export interface NodeConnectionDeps {
  readonly core: EngineCore;
  readonly writeLimitBytes: number;
  /** Called once, when the socket is closed. */
  onGone(connection: NodeConnection): void;
  /** A timer was set on the wheel. */
  onTimer(): void;
}

/** A connection on a socket of node:net that allows half-open connections. */
export class NodeConnection implements Connection {
  /** A relay has taken it. */
  isRelayed = false;
  isEnded = false;
  readonly #deps: NodeConnectionDeps;
  readonly #socket: Socket;
  readonly #isUnix: boolean;
  #handler: ConnectionHandler | undefined;
  readonly #unread = new UnreadBytes();
  #unreadScheduled = false;
  #isOpen = true;
  #isConnected: boolean;
  #isPaused = false;
  #hasRemoteEnded = false;
  #isEndTold = false;
  #reason: CloseReason | undefined;
  #error: Error | undefined;
  #bytesRead = 0;
  #lastActiveMs = 0;
  #idle: IdleTimer | undefined;
  #local: Address | undefined;
  #remote: Address | undefined;

  constructor(deps: NodeConnectionDeps, socket: Socket, isUnix: boolean) {
    this.#deps = deps;
    this.#socket = socket;
    // Node forgets it when the connection ends, before anybody may have asked.
    if (!isUnix && !socket.connecting) this.#remote = addressOf(socket.remoteAddress, socket.remotePort);
    this.#isUnix = isUnix;
    this.#isConnected = !socket.connecting;
    deps.core.counters.open += 1;
    socket.on('error', error => {
      this.#error ??= error;
    });
    socket.once('close', () => this.#onClosed());
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.#onEnd());
  }

  /** Whether it belongs to the engine that has this core. */
  isOf(core: EngineCore): boolean {
    return this.#deps.core === core;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  get hasRemoteEnded(): boolean {
    return this.#hasRemoteEnded;
  }

  get remoteAddress(): Address | undefined {
    if (this.#isUnix) return { family: 'unix', host: '', port: 0 };
    this.#remote ??= addressOf(this.#socket.remoteAddress, this.#socket.remotePort);
    return this.#remote;
  }

  get localAddress(): Address | undefined {
    if (this.#isUnix) return { family: 'unix', host: '', port: 0 };
    this.#local ??= addressOf(this.#socket.localAddress, this.#socket.localPort);
    return this.#local;
  }

  get roundTripMs(): undefined {
    return undefined;
  }

  get unsentBytes(): number {
    return this.#isOpen ? this.#socket.writableLength : 0;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** When a byte moved last. */
  get lastActiveMs(): number {
    return this.#lastActiveMs;
  }

  start(handler: ConnectionHandler): void {
    if (!this.#isOpen) return;
    const isFirst = this.#handler === undefined;
    this.#handler = handler;
    this.#isEndTold = false;
    if (!this.#isConnected) return;
    if (isFirst) this.#beginReading();
    else this.#read();
  }

  /** The socket has connected. */
  connected(): void {
    this.#isConnected = true;
    this.#beginReading();
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#isOpen || this.isEnded) return false;
    checkBytes(bytes);
    const { writeLimitBytes } = this.#deps;
    if (this.#socket.writableNeedDrain && this.#socket.writableLength + bytes.length > writeLimitBytes) {
      this.#closeWithReset('write_limit', writeLimitError(writeLimitBytes));
      return false;
    }
    this.#deps.core.counters.bytesWritten += bytes.length;
    // The bytes are the caller's again afterwards, while a stream keeps what it is given until it is sent.
    return this.#socket.write(Buffer.from(bytes), this.#noteWrite);
  }

  /** node:net tells of bytes by itself. */
  readArrived(): Uint8Array {
    return NOTHING;
  }

  end(): void {
    if (!this.#isOpen || this.isEnded) return;
    this.isEnded = true;
    this.#socket.end();
  }

  reset(): void {
    this.#closeWithReset('destroyed');
  }

  #closeWithReset(reason: CloseReason, error?: Error): void {
    if (this.#isUnix || !this.#isConnected) this.close(reason, error);
    else this.#finish(reason, error, () => this.#reset());
  }

  /** While the end of a stream is on its way libuv refuses to reset it, and would never close it. */
  #reset(): void {
    const isEnding = this.#socket.writableEnded && !this.#socket.writableFinished;
    if (isEnding) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.close('destroyed');
  }

  /** Closes at once, for a reason. */
  close(reason: CloseReason, error?: Error): void {
    this.#finish(reason, error, () => this.#socket.destroy());
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#read();
  }

  unread(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#unread.giveBack(bytes);
    this.#bytesRead -= bytes.length;
    this.#socket.pause();
    this.#read();
  }

  setIdleTimeout(ms: number): void {
    checkMs('ms', ms);
    if (!this.#isOpen) return;
    const { core } = this.#deps;
    this.#idle ??= new IdleTimer(core, {
      lastMoveMs: () => this.#lastActiveMs,
      onIdle: () => this.close('idle_timeout'),
    });
    core.look();
    this.#idle.set(ms);
    this.#deps.onTimer();
  }

  detach(): DetachedConnection {
    throw new EngineError('UNSUPPORTED', 'node:net does not give descriptors away');
  }

  readonly #noteWrite = (): void => {
    this.#lastActiveMs = this.#deps.core.readClock();
  };

  #beginReading(): void {
    this.#socket.on('data', chunk => this.#onData(chunk as Uint8Array));
    if (this.#isPaused) this.#socket.pause();
    else this.#read();
  }

  /** What was given back comes before what the socket has, and never within the call that gives it back. */
  #read(): void {
    if (this.#isPaused || this.#handler === undefined || !this.#isConnected) return;
    if (this.#unread.isEmpty && !this.#hasRemoteEnded) this.#socket.resume();
    else if (!this.#unreadScheduled) {
      this.#unreadScheduled = true;
      setImmediate(() => {
        this.#unreadScheduled = false;
        this.#deliverUnread();
      });
    }
  }

  #deliverUnread(): void {
    if (this.#isPaused || !this.#isOpen) return;
    const bytes = this.#unread.next();
    if (bytes !== undefined) this.#deliver(bytes);
    else if (this.#hasRemoteEnded) this.#tellEnd();
    if (!this.#isEndTold) this.#read();
  }

  #onData(chunk: Uint8Array): void {
    // Chunks that a stream has read already may come when it is told to pause.
    if (this.#isPaused || !this.#unread.isEmpty) {
      this.#unread.append(chunk);
      this.#socket.pause();
      return;
    }
    this.#deliver(chunk);
  }

  #deliver(bytes: Uint8Array): void {
    if (this.#reason !== undefined) return;
    this.#bytesRead += bytes.length;
    this.#deps.core.counters.bytesRead += bytes.length;
    this.#noteWrite();
    this.#call(handler => handler.onData(this, bytes));
  }

  #onEnd(): void {
    this.#hasRemoteEnded = true;
    this.#read();
  }

  #tellEnd(): void {
    if (this.#isEndTold) return;
    this.#isEndTold = true;
    this.#call(handler => (handler.onEnd === undefined ? this.end() : handler.onEnd(this)));
  }

  #onDrain(): void {
    this.#call(handler => handler.onDrain?.(this));
  }

  /** Calls the handler; an error of it ends this connection. */
  #call(callback: (handler: ConnectionHandler) => unknown): void {
    const handler = this.#handler;
    if (handler === undefined || this.#reason !== undefined) return;
    this.#deps.core.watch(() => callback(handler), this);
  }

  /** What a handler threw ends this connection. */
  failed(error: Error): void {
    if (!this.#isOpen) return;
    this.#deps.core.log.error('a handler threw, and its connection is closed', { error: error.stack ?? error.message });
    this.close('handler_error', error);
  }

  #finish(reason: CloseReason, error: Error | undefined, close: () => void): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#error ??= error;
    this.#isOpen = false;
    this.#idle?.cancel();
    close();
  }

  #onClosed(): void {
    const reason = this.#reason ?? (this.#error === undefined ? 'ended' : reasonOf(this.#error, this.#isConnected));
    this.#isOpen = false;
    this.#idle?.cancel();
    this.#unread.takeAll();
    this.#deps.core.countClose(reason);
    this.#deps.onGone(this);
    const handler = this.#handler;
    if (handler !== undefined) this.#deps.core.contain(() => handler.onClose?.(this, reason, this.#error));
  }
}

function addressOf(host: string | undefined, port: number | undefined): Address | undefined {
  if (host === undefined || port === undefined) return undefined;
  return { family: host.includes(':') ? 'ipv6' : 'ipv4', host, port };
}
