import type { Socket } from 'node:net';
import type { CounterBank } from '../counters.ts';
import { FramedConnections, type FramedConnectionsOptions, type FramedServerHandler } from './connection-set.ts';
import type { FramedConnection } from './framed-connection.ts';
import { type TcpServerCounter, tcpServerCounters } from './tcp-counters.ts';
import { TcpListener, type TcpListenerOptions } from './tcp-listener.ts';

export type { FramedServerHandler } from './connection-set.ts';
export { type TcpServerCounter, tcpServerCounters } from './tcp-counters.ts';

export interface FramedServerOptions extends TcpListenerOptions, FramedConnectionsOptions {
  readonly maxConnections: number;
}

/** A TCP server whose connections speak frames, all in one thread. */
export class FramedServer {
  readonly #maxConnections: number;
  readonly #listener: TcpListener;
  readonly #connections: FramedConnections;

  constructor(options: FramedServerOptions, handler: FramedServerHandler) {
    this.#maxConnections = options.maxConnections;
    this.#listener = new TcpListener(options, socket => this.#accept(socket));
    this.#connections = new FramedConnections(options, handler);
  }

  /** @throws {StartupError} when the port cannot be opened */
  listen(): Promise<void> {
    return this.#listener.listen();
  }

  /** 0 before it listens; it stays known when the server is closed. */
  get port(): number {
    return this.#listener.port;
  }

  get counters(): CounterBank<TcpServerCounter> {
    return this.#connections.counters;
  }

  get connections(): ReadonlySet<FramedConnection> {
    return this.#connections.open;
  }

  /** Accepts no more, lets queued bytes leave for `graceMs`, then closes what is still open. */
  async close(graceMs = 200): Promise<void> {
    await Promise.all([this.#listener.close(), this.#connections.close(graceMs)]);
  }

  #accept(socket: Socket): void {
    if (this.#connections.open.size >= this.#maxConnections) {
      this.counters.add(tcpServerCounters.at.refused);
      socket.destroy();
      return;
    }
    this.counters.add(tcpServerCounters.at.accepted);
    this.#connections.adopt(socket);
  }
}
