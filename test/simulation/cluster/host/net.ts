/** node:net for simulated processes: sockets are real streams over a simulated connection (connection.ts). */
import { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import { Duplex } from 'node:stream';
import { Connection, type ConnectionSide } from './connection.ts';
import { systemError } from './disk.ts';
import { currentProcess, kernel } from './kernel.ts';
import type { Bound, Machine } from './machine.ts';
import { network } from './network.ts';
import type { ProcessEnd, SimulatedProcess } from './process.ts';

export class Socket extends Duplex {
  readonly process: SimulatedProcess;
  remoteAddress: string | undefined;
  remotePort: number | undefined;
  #side: ConnectionSide | undefined;
  readonly #forget: () => void;

  constructor(process: SimulatedProcess) {
    super({ allowHalfOpen: false });
    this.process = process;
    process.sockets += 1;
    this.#forget = process.atEnd(how => this.#onProcessEnd(how));
  }

  attach(side: ConnectionSide, remote: Machine, remotePort: number): void {
    this.#side = side;
    this.remoteAddress = remote.ip;
    this.remotePort = remotePort;
    if (this.destroyed) side.close(true);
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    this.#side?.onRead();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#side === undefined) this.once('connect', () => this.#side?.write(chunk, done));
    else this.#side.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#side?.endWriting();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.process.sockets -= 1;
    this.#forget();
    this.#side?.close(error !== null);
    done(error);
  }

  #onProcessEnd(how: ProcessEnd): void {
    if (how === 'power cut') this.#side?.vanish();
    else this.#side?.close(true);
  }
}

export function createConnection({ host, port }: { readonly host: string; readonly port: number }): Socket {
  const process = currentProcess();
  const socket = new Socket(process);
  const { machine } = process;
  const fail = (code: string) => kernel.schedule(network.tcpDelay(), process, () => socket.destroy(systemError(code, 'connect')));
  kernel.schedule(network.tcpDelay(), undefined, () => {
    if (socket.destroyed || !process.isAlive) return;
    const remote = network.resolve(machine, host);
    // Nobody answers, and the connection is not made: who wants it gives up.
    if (network.isCut(machine, remote)) return;
    const server = remote.tcp.get(port);
    if (server instanceof Server) server.connect(socket, machine);
    else fail('ECONNREFUSED');
  });
  return socket;
}

export class Server extends EventEmitter implements Bound {
  readonly process: SimulatedProcess = currentProcess();
  readonly #connections = new Set<Socket>();
  #port = 0;
  #isClosing = false;
  #forget: () => void = () => undefined;

  listen({ port }: { readonly port: number }, onListening: () => void): this {
    const { tcp } = this.process.machine;
    this.once('listening', onListening);
    kernel.schedule(0, this.process, () => {
      if (port !== 0 && tcp.has(port)) {
        this.emit('error', systemError('EADDRINUSE', 'listen'));
        return;
      }
      this.#port = port === 0 ? network.freePort() : port;
      tcp.set(this.#port, this);
      this.#forget = this.process.atEnd(() => tcp.delete(this.#port));
      this.emit('listening');
    });
    return this;
  }

  address(): { readonly port: number } {
    return { port: this.#port };
  }

  /** A client's connection is there; the server's process sees it when it can, the client a moment later. */
  connect(client: Socket, from: Machine): void {
    const { process } = this;
    const socket = kernel.runAs(process, () => new Socket(process));
    const connection = new Connection(client, socket, this.#port);
    client.attach(connection.client, process.machine, this.#port);
    socket.attach(connection.server, from, network.freePort());
    kernel.schedule(network.tcpDelay(), client.process, () => client.destroyed || client.emit('connect'));
    kernel.schedule(0, process, () => {
      if (this.#isClosing) socket.destroy();
      else this.#accept(socket);
    });
  }

  close(onClosed: () => void): this {
    this.#isClosing = true;
    this.process.machine.tcp.delete(this.#port);
    this.#forget();
    this.once('close', onClosed);
    this.#closeIfEmpty();
    return this;
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket);
    socket.once('close', () => {
      this.#connections.delete(socket);
      this.#closeIfEmpty();
    });
    this.emit('connection', socket);
  }

  #closeIfEmpty(): void {
    if (this.#isClosing && this.#connections.size === 0) kernel.schedule(0, this.process, () => this.emit('close'));
  }
}

export function createServer(_options: unknown, onSocket: (socket: Socket) => void): Server {
  return new Server().on('connection', onSocket);
}

export { isIP };
