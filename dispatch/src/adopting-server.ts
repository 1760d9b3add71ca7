import { Server, Socket, type SocketConstructorOpts } from 'node:net';
import type { ConnectionEnd } from './dispatch-link.ts';

/**
 * What node:net keeps of a server that listens. A server whose connections come from elsewhere has to have the same, or else its getConnections, close, listening and
 * time limits are wrong; node:cluster fills in the same fields for its workers. They have had these names since Node 0.10, and `adopt` refuses to work without.
 */
interface ServerFields {
  _handle: ListenHandle | null;
  _connections: number;
  _pipeName?: string;
  _emitCloseIfDrained(): void;
  readonly allowHalfOpen: boolean;
  readonly pauseOnConnect: boolean;
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  /** Seconds. */
  readonly keepAliveInitialDelay: number;
  readonly highWaterMark: number;
}

/** What node:net itself gives to a socket that it accepts, and its types do not tell. */
interface AdoptedSocketOptions extends SocketConstructorOpts {
  readonly highWaterMark: number;
  readonly pauseOnCreate: boolean;
}

interface ListenHandle {
  close(): void;
  ref(): void;
  unref(): void;
}

export interface AdoptingServerDeps extends Omit<ListenHandle, 'close'> {
  /** The server was told to close: no more connections are wanted. */
  onClose(): void;
}

/** An ordinary Node server that listens nowhere, and gets connections by their descriptors. */
export class AdoptingServer {
  readonly #server: Server;
  readonly #fields: ServerFields;
  #isClosing = false;

  /** @throws {TypeError} when the server listens already, or is none of node:net */
  constructor(server: Server, path: string, deps: AdoptingServerDeps) {
    const fields = server as unknown as ServerFields;
    if (
      !(server instanceof Server) ||
      typeof fields._connections !== 'number' ||
      typeof fields._emitCloseIfDrained !== 'function'
    ) {
      throw new TypeError('a server of node:net, node:http, node:https or node:tls is wanted');
    }
    if (server.listening) throw new TypeError('the server listens already: one that is dispatched must not call listen()');
    this.#server = server;
    this.#fields = fields;
    fields._pipeName = path;
    fields._handle = { ref: () => deps.ref(), unref: () => deps.unref(), close: () => this.#onClose(deps) };
  }

  get connections(): number {
    return this.#fields._connections - Number(this.#isClosing);
  }

  announce(): void {
    this.#server.emit('listening');
  }

  /** Makes a socket of a descriptor, and hands it to the server as if that had accepted it. @param onClosed when it is closed */
  adopt(fd: number, onClosed: ConnectionEnd): void {
    const fields = this.#fields;
    const { allowHalfOpen, highWaterMark } = fields;
    const options: AdoptedSocketOptions = { fd, allowHalfOpen, highWaterMark, pauseOnCreate: fields.pauseOnConnect };
    const socket = new Socket({ ...options, readable: true, writable: true });
    if (fields.noDelay) socket.setNoDelay(true);
    if (fields.keepAlive) socket.setKeepAlive(true, fields.keepAliveInitialDelay * 1_000);
    fields._connections += 1;
    // The socket counts itself out of its server when it is destroyed.
    Object.assign(socket, { server: this.#server, _server: this.#server });
    socket.once('close', () => onClosed(socket.writableFinished));
    this.#server.emit('connection', socket);
  }

  /** No connection comes any more: the server is closed when the last has ended. */
  finish(): void {
    if (!this.#isClosing) return;
    this.#isClosing = false;
    this.#fields._connections -= 1;
    this.#fields._emitCloseIfDrained();
  }

  /** Connections may be on their way still: as long as they are, the server must not say that it is closed. */
  #onClose(deps: AdoptingServerDeps): void {
    this.#isClosing = true;
    this.#fields._connections += 1;
    deps.onClose();
  }
}
