import type { AddressInfo, Server, Socket } from 'node:net';
import { type Address, EngineError, type Listener } from '../engine.ts';
import { SocketFile } from '../socket-file.ts';

/** A listener on a server of node:net. While it is paused the server accepts on, and what it accepted waits here, as many as the backlog allows. */
export class NodeListener implements Listener {
  readonly address: Address;
  readonly fd = undefined;
  readonly #server: Server;
  readonly #file: SocketFile | undefined;
  readonly #backlog: number;
  readonly #onSocket: (socket: Socket) => void;
  #waiting: Socket[] = [];
  #isPaused = false;

  constructor(server: Server, backlog: number, onSocket: (socket: Socket) => void) {
    this.#server = server;
    this.#backlog = backlog;
    this.#onSocket = onSocket;
    this.address = addressOf(server.address());
    this.#file = this.address.family === 'unix' ? new SocketFile(this.address.host) : undefined;
    server.on('connection', socket => this.#onConnection(socket));
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const socket of waiting) this.#onSocket(socket);
  }

  /** The kernel's queue is accepted by the event loop, in one go with what came last. */
  close(): Promise<void> {
    return new Promise(resolve => {
      setImmediate(() => {
        this.#close();
        this.resume();
        resolve();
      });
    });
  }

  /** Closes without accepting what waits. */
  abandon(): void {
    this.#close();
    for (const socket of this.#waiting) socket.destroy();
    this.#waiting = [];
  }

  detach(): number {
    throw new EngineError('UNSUPPORTED', 'node:net does not give descriptors away');
  }

  #close(): void {
    const close = () => void this.#server.close();
    if (this.#file === undefined) close();
    else this.#file.closing(close);
  }

  #onConnection(socket: Socket): void {
    if (!this.#isPaused) this.#onSocket(socket);
    else if (this.#waiting.length < this.#backlog) {
      // A socket without a listener for its error would end the process.
      socket.on('error', () => undefined);
      this.#waiting.push(socket);
    } else socket.destroy();
  }
}

function addressOf(address: AddressInfo | string | null): Address {
  if (address === null || typeof address === 'string') return { family: 'unix', host: address ?? '', port: 0 };
  return { family: address.family === 'IPv6' ? 'ipv6' : 'ipv4', host: address.address, port: address.port };
}
