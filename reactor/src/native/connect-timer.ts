import { timeoutError } from '../close-reason.ts';
import type { CloseReason, ConnectHandler, Connection } from '../engine.ts';
import { WheelEntry } from '../timer-wheel.ts';
import type { SocketContext, StreamSocket } from './stream-socket.ts';

/** Connections that end before are spared the system calls of their options: the kernel would not ask the remote within this time. */
const OPTIONS_MS = 1_000;

export interface TimedConnection extends Connection {
  readonly context: SocketContext;
  readonly socket: StreamSocket | undefined;
  close(reason: CloseReason, error?: Error): void;
}

export interface ConnectTimerOptions {
  /** 0 = as long as the system tries. */
  readonly timeoutMs: number;
  readonly keepAliveMs: number;
}

/** What is due on a connection that this side makes: the end of its time to connect, and once it is connected, that the kernel looks after a silent remote. */
export class ConnectTimer extends WheelEntry {
  readonly #connection: TimedConnection;
  readonly #timeoutMs: number;
  readonly #keepAliveMs: number;
  #handler: ConnectHandler | undefined;

  constructor(connection: TimedConnection, handler: ConnectHandler, { timeoutMs, keepAliveMs }: ConnectTimerOptions) {
    super();
    this.#connection = connection;
    this.#handler = handler;
    this.#timeoutMs = timeoutMs;
    this.#keepAliveMs = keepAliveMs;
    const { core, hub } = connection.context;
    if (timeoutMs === 0) return;
    core.wheel.set(this, core.readClock() + timeoutMs);
    hub.wake();
  }

  onConnected(): unknown {
    const { core } = this.#connection.context;
    if (this.#keepAliveMs > 0) core.wheel.set(this, core.nowMs + OPTIONS_MS);
    else this.cancel();
    const handler = this.#handler;
    this.#handler = undefined;
    return handler?.onConnect(this.#connection);
  }

  /** Sets now what was put off. */
  setOptions(): void {
    this.cancel();
    const { socket } = this.#connection;
    if (socket?.isNoDelayDue === true) socket.setNoDelay();
    if (this.#keepAliveMs > 0) socket?.setKeepAlive(this.#keepAliveMs);
  }

  /** @returns nothing: it is not needed any more */
  cancel(): undefined {
    this.#connection.context.core.wheel.cancel(this);
  }

  override fire(): void {
    if (this.#connection.isConnected) this.setOptions();
    else this.#connection.close('connect_timeout', timeoutError('no connection', this.#timeoutMs));
  }
}
