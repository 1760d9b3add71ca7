import type { SharedCounters } from '../counters.ts';
import type { ByteConnection } from '../transport/byte-connection.ts';
import { ConnectionSet, type ConnectionSetDeps, type FramedServerHandler } from './connection-set.ts';
import type { FramedConnection } from './framed-connection.ts';
import { type TcpServerCounter, tcpServerCounters } from './tcp-counters.ts';
import { TcpListener, type TcpListenerDeps } from './tcp-listener.ts';

export type { FramedServerHandler } from './connection-set.ts';
export { type TcpServerCounter, tcpServerCounters } from './tcp-counters.ts';

export interface FramedServerDeps extends TcpListenerDeps, ConnectionSetDeps {
  readonly maxConnections: number;
}

/**
 * A TCP server whose connections speak frames, all in one thread. How the parts of this folder stand together:
 *
 *   FramedServer = TcpListener (accepts) + ConnectionSet (serves) ── FramedConnection for each connection
 *   FramedClient = connects and reconnects ──────────────────────── FramedConnection for its socket
 *   FramedConnection = FrameDecoder (what comes in) + OutgoingFrames (what goes out) + limits
 *
 * Below, `transport` moves the bytes: a ByteConnection is a socket of node:net, or a connection of the thread's engine.
 */
export class FramedServer {
  readonly #maxConnections: number;
  readonly #listener: TcpListener;
  readonly #connections: ConnectionSet;

  constructor(options: FramedServerDeps, handler: FramedServerHandler) {
    this.#maxConnections = options.maxConnections;
    this.#listener = new TcpListener(options, connection => this.#accept(connection));
    this.#connections = new ConnectionSet(options, handler);
  }

  /** @throws {StartupError} when the port cannot be opened */
  listen(): Promise<void> {
    return this.#listener.listen();
  }

  /** 0 before the server listens; the port stays known when the server is closed. */
  get port(): number {
    return this.#listener.port;
  }

  get counters(): SharedCounters<TcpServerCounter> {
    return this.#connections.counters;
  }

  get connections(): ReadonlySet<FramedConnection> {
    return this.#connections.open;
  }

  /** Accepts no more connections, lets queued bytes leave for `graceMs`, then closes what is still open. */
  async close(graceMs = 200): Promise<void> {
    await Promise.all([this.#listener.close(), this.#connections.close(graceMs)]);
  }

  #accept(connection: ByteConnection): void {
    if (this.#connections.servedCount >= this.#maxConnections) {
      this.counters.add(tcpServerCounters.at.refused);
      connection.destroy();
      return;
    }
    this.counters.add(tcpServerCounters.at.accepted);
    this.#connections.serve(connection);
  }
}
