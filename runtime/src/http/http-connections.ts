import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Far more than a monitoring has, and no burden to the process. */
const MAX_CONNECTIONS = 64;
/** Whoever does not take an answer of a few kilobytes in this time does not read it. */
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Keeps a server reachable whose connections are idle, slow or many: beyond MAX_CONNECTIONS the one is closed that has been without a
 * request for longest, so that a newcomer gets in.
 */
export class HttpConnections {
  /** In the order in which they became so. What has sent half a request is idle too. */
  readonly #idle = new Set<Socket>();
  readonly #busy = new Set<Socket>();

  constructor(server: Server) {
    server.on('connection', socket => this.#onOpen(socket));
  }

  /** Call it for each request. */
  onRequest(socket: Socket, response: ServerResponse): void {
    this.#idle.delete(socket);
    this.#busy.add(socket);
    // In a crowd a connection that stays open would soon be closed, perhaps under the next request.
    if (this.#idle.size + this.#busy.size > MAX_CONNECTIONS / 2) response.shouldKeepAlive = false;
    const timer = setTimeout(() => socket.destroy(), ANSWER_TIMEOUT_MS).unref();
    response.once('close', () => {
      clearTimeout(timer);
      this.#busy.delete(socket);
      if (!socket.destroyed) this.#idle.add(socket);
    });
  }

  #onOpen(socket: Socket): void {
    if (this.#idle.size + this.#busy.size >= MAX_CONNECTIONS) this.#closeOne();
    this.#idle.add(socket);
    socket.once('close', () => {
      this.#idle.delete(socket);
      this.#busy.delete(socket);
    });
  }

  #closeOne(): void {
    for (const sockets of [this.#idle, this.#busy]) {
      for (const oldest of sockets) {
        sockets.delete(oldest);
        oldest.destroy();
        return;
      }
    }
  }
}
