import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { CounterBank, defineCounters } from '../counters.ts';
import { listenError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type CloseReason, type ConnectionLimits, FramedConnection } from './framed-connection.ts';

export interface FramedServerOptions {
  readonly ip: string;
  readonly port: number;
  /** The conf key of the port, named when it is taken. */
  readonly confKey: string;
  readonly maxConnections: number;
  readonly limits: ConnectionLimits;
  readonly log: Logger;
}

export interface FramedServerHandler {
  onOpen?(connection: FramedConnection): void;
  onFrame(connection: FramedConnection, id: number, body: Uint8Array): void;
  onClose?(connection: FramedConnection): void;
}

export const tcpServerCounters = defineCounters({
  accepted: 'Connections accepted',
  refused: 'Connections refused because max_connections were open',
  frames: 'Frames received',
  closedByPeer: 'Connections that the peer or the network closed',
  closedBadLength: 'Connections closed because a frame announced an impossible length',
  closedBadMessageId: 'Connections closed because of a message id that is not spoken here',
  closedBadBody: 'Connections closed because a message did not parse',
  closedPartialFrame: 'Connections closed because a frame was begun and not finished in time',
  closedWriteBufferFull: 'Connections closed because the peer did not read',
  closedHandlerError: 'Connections closed because of an error of our own (see the log)',
});
export type TcpServerCounter = (typeof tcpServerCounters.names)[number];

const REASON_SLOT: Readonly<Record<CloseReason, number | undefined>> = {
  peer: tcpServerCounters.at.closedByPeer,
  stopped: undefined,
  BAD_LENGTH: tcpServerCounters.at.closedBadLength,
  BAD_MESSAGE_ID: tcpServerCounters.at.closedBadMessageId,
  BAD_BODY: tcpServerCounters.at.closedBadBody,
  partial_frame_timeout: tcpServerCounters.at.closedPartialFrame,
  write_buffer_full: tcpServerCounters.at.closedWriteBufferFull,
  handler_error: tcpServerCounters.at.closedHandlerError,
};

/** A TCP server whose connections speak frames. One bad connection ends alone; the others do not notice. */
export class FramedServer {
  readonly counters = new CounterBank(tcpServerCounters);
  readonly #options: FramedServerOptions;
  readonly #handler: FramedServerHandler;
  readonly #server: Server;
  readonly #connections = new Set<FramedConnection>();

  constructor(options: FramedServerOptions, handler: FramedServerHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#server = createServer({ noDelay: true }, socket => this.#accept(socket));
  }

  /** @throws {StartupError} when the port cannot be opened */
  async listen(): Promise<void> {
    const { ip, port, confKey } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error) => reject(listenError(error, 'TCP port', ip, port, confKey));
      this.#server.once('error', onError);
      this.#server.listen({ host: ip, port, backlog: 1_024 }, () => {
        this.#server.off('error', onError);
        this.#server.on('error', error =>
          this.#options.log.error('the TCP server reports an error', { error: messageOf(error) }),
        );
        resolve();
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): ReadonlySet<FramedConnection> {
    return this.#connections;
  }

  /** Accepts no more, lets queued bytes leave for `graceMs`, then closes what is still open. */
  async close(graceMs = 200): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    const late = setTimeout(() => this.#destroySockets(), graceMs);
    for (const connection of [...this.#connections]) connection.end();
    await closed;
    clearTimeout(late);
  }

  readonly #sockets = new Set<Socket>();

  #destroySockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#options.maxConnections) {
      this.counters.add(tcpServerCounters.at.refused);
      socket.destroy();
      return;
    }
    this.counters.add(tcpServerCounters.at.accepted);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const connection = new FramedConnection(socket, this.#options.limits, {
      onFrame: (from, id, body) => {
        this.counters.add(tcpServerCounters.at.frames);
        this.#handler.onFrame(from, id, body);
      },
      onClose: (from, reason, error) => this.#onClose(from, reason, error),
    });
    this.#connections.add(connection);
    this.#handler.onOpen?.(connection);
  }

  #onClose(connection: FramedConnection, reason: CloseReason, error: unknown): void {
    this.#connections.delete(connection);
    const slot = REASON_SLOT[reason];
    if (slot !== undefined) this.counters.add(slot);
    if (reason === 'handler_error')
      this.#options.log.error('a message could not be handled', { remote: connection.remote, error: messageOf(error) });
    this.#handler.onClose?.(connection);
  }
}
