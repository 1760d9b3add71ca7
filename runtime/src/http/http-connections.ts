import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Far more than a monitoring has, and no burden to the process. */
const MAX_CONNECTIONS = 64;
/** Whoever does not take an answer of a few kilobytes in this time does not read it. */
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Keeps a server reachable whose connections say nothing, are slow or many: beyond MAX_CONNECTIONS the one is closed that has been without a
 * request for longest, so that a newcomer gets in.
 */
export class HttpConnections {
  /** Without a request, in the order in which they became so. What has sent half a request is one too. */
  readonly #quiet = new Set<Socket>();
  readonly #busy = new Set<Socket>();

  constructor(server: Server) {
    server.on('connection', socket => this.#onOpen(socket));
  }

  /** Call it for each request. */
  onRequest(socket: Socket, response: ServerResponse): void {
    this.#quiet.delete(socket);
    this.#busy.add(socket);
    // In a crowd a connection that stays open would soon be closed, perhaps under the next request.
    if (this.#quiet.size + this.#busy.size > MAX_CONNECTIONS / 2) response.shouldKeepAlive = false;
    const timer = setTimeout(() => socket.destroy(), ANSWER_TIMEOUT_MS).unref();
    response.once('close', () => {
      clearTimeout(timer);
      this.#busy.delete(socket);
      if (!socket.destroyed) this.#quiet.add(socket);
    });
  }

  #onOpen(socket: Socket): void {
    if (this.#quiet.size + this.#busy.size >= MAX_CONNECTIONS) this.#closeOne();
    this.#quiet.add(socket);
    socket.once('close', () => {
      this.#quiet.delete(socket);
      this.#busy.delete(socket);
    });
  }

  #closeOne(): void {
    for (const sockets of [this.#quiet, this.#busy]) {
      for (const oldest of sockets) {
        sockets.delete(oldest);
        oldest.destroy();
        return;
      }
    }
  }
}
