import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const IP = '127.0.0.1';

/** An HTTP server that answers the calls, and can be made to err, to be slow, or to be gone. */
export class BusinessHost {
  /** Whether each answer is an error. */
  errs = false;
  /** How long each answer takes, milliseconds. */
  delayMs = 2;
  #server: Server = this.#newServer();
  #port = 0;

  /** Listens again at the port that it had before. */
  async start(): Promise<void> {
    this.#server = this.#newServer();
    this.#server.listen(this.#port, IP);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `${IP}:${this.#port}`;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #newServer(): Server {
    // The callers end idle connections: if both did, a call could meet an end that is on its way.
    return createServer({ keepAliveTimeout: 0 }, (request, response) => {
      request.resume();
      setTimeout(() => response.writeHead(this.errs ? 500 : 200).end(), this.delayMs);
    });
  }
}
