import type { Address } from '../engine.ts';
import type { RemoteAddress } from '../linux/socket-address.ts';
import type { SocketConnectionDeps } from './connection-deps.ts';
import { ReceivedSocket } from './received-socket.ts';
import { type SocketContext, StreamSocket } from './stream-socket.ts';

const NOTHING = new Uint8Array(0);

/** What a connection tells of its socket. */
export abstract class SocketView {
  isOpen = true;
  /** Undefined when the system gave none. */
  readonly socket: StreamSocket | undefined;
  readonly context: SocketContext;

  /** @param remote where it is known already */
  constructor({ context, isWrittenWhole }: SocketConnectionDeps, fd: number, remote: RemoteAddress | undefined) {
    const { receiver } = context.hub;
    this.context = context;
    if (fd < 0) this.socket = undefined;
    else if (receiver === undefined) this.socket = new StreamSocket(context, fd, isWrittenWhole, remote);
    else this.socket = new ReceivedSocket(context, fd, isWrittenWhole, remote, receiver);
  }

  get remoteAddress(): Address | undefined {
    return this.socket?.remoteAddress;
  }

  get localAddress(): Address | undefined {
    return this.socket?.localAddress;
  }

  get roundTripMs(): number | undefined {
    return this.isOpen && this.socket !== undefined ? this.context.sockets.roundTripMs(this.socket.fd) : undefined;
  }

  get unsentBytes(): number {
    return this.socket?.queue.bytes ?? 0;
  }

  get bytesWritten(): number {
    return this.socket?.bytesWritten ?? 0;
  }

  readArrived(): Uint8Array {
    return this.isOpen && this.socket !== undefined ? this.socket.readArrived() : NOTHING;
  }
}
