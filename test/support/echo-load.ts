/** Clients of a server that sends back what it gets. */

import { once } from 'node:events';
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Between two connections of one client: what is tested needs the CPU too. */
const PAUSE_MS = 10;

/** @returns 'HOST:PORT', and what closes it */
export async function startEchoServer(): Promise<{ readonly host: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  return {
    host: `127.0.0.1:${port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Opens a connection, says something and hears it again. @returns the socket, open */
export async function talk(place: NetConnectOpts, text: string): Promise<Socket> {
  const socket = connect(place);
  await askAgain(socket, text);
  return socket;
}

/** @throws {Error} when the connection ends before all has come back */
export function askAgain(socket: Socket, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // One that has ended already says nothing more.
  if (socket.destroyed) reject(new Error('it has ended'));
  let heard = '';
  const onData = (chunk: Buffer) => {
    heard += chunk;
    if (heard.length < text.length) return;
    socket.off('data', onData);
    if (heard === text) resolve();
    else reject(new Error(`heard ${heard}`));
  };
  socket.on('data', onData);
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('closed')));
  socket.write(text);
  return promise;
}

/** Short connections, so many at a time, until `end`. */
export class EchoLoad {
  answered = 0;
  /** Of the one that took longest. */
  longestMs = 0;
  readonly errors: string[] = [];
  #isOver = false;
  readonly #clients: readonly Promise<void>[];

  /** @param places where each client connects, in turn */
  constructor(places: readonly NetConnectOpts[], clients: number) {
    this.#clients = Array.from({ length: clients }, (_, at) => this.#run(places[at % places.length] as NetConnectOpts));
  }

  /** Rejects never; `errors` has what went wrong. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #run(place: NetConnectOpts): Promise<void> {
    while (!this.#isOver) {
      const startMs = performance.now();
      try {
        (await talk(place, `short ${this.answered}`)).destroy();
        this.answered += 1;
      } catch (error) {
        this.errors.push((error as NodeJS.ErrnoException).code ?? String(error));
      }
      this.longestMs = Math.max(this.longestMs, performance.now() - startMs);
      await sleep(PAUSE_MS);
    }
  }
}
