import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_DATAGRAM_BYTES } from '@lars/proto';
import { dropsOf } from '@lars/runtime/udp/proc-drops';
import type { DatagramTransport, OpenTransport, PeerRef, TransportOptions } from './transport.ts';

/** Under a flood the socket is never quiet; the end must come all the same. */
const MAX_READ_OUT_TURNS = 1_000;

interface DgramPeer {
  readonly address: string;
  readonly port: number;
}

/** The transport on node:dgram, for every platform: one event and one send per datagram. */
export const openDgramTransport: OpenTransport = async options => {
  const socket = createSocket({ type: options.ip.includes(':') ? 'udp6' : 'udp4', lookup: numericLookup });
  await bind(socket, options);
  const send = (reply: Uint8Array, to: DgramPeer) => {
    // A datagram may come from port 0, to which Node sends nothing: it throws.
    if (to.port === 0) options.onSendError();
    else {
      // The kernel may take the bytes later than this call, and the reply buffer is used again at once.
      socket.send(Buffer.from(reply), to.port, to.address, error => {
        if (error !== null) options.onSendError();
      });
    }
  };
  serve(socket, options, send);
  return new DgramTransport(socket, send);
};

class DgramTransport implements DatagramTransport {
  readonly kind = 'dgram';
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly #socket: Socket;
  readonly #drops: () => number;
  readonly #send: (reply: Uint8Array, to: DgramPeer) => void;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  constructor(socket: Socket, send: (reply: Uint8Array, to: DgramPeer) => void) {
    this.#socket = socket;
    this.#send = send;
    const { address, port } = socket.address();
    this.port = port;
    this.receiveBufferBytes = socket.getRecvBufferSize();
    this.#drops = dropsOf(address, port);
  }

  send(reply: Uint8Array, to: PeerRef): void {
    if (!this.#isClosed) this.#send(reply, to as DgramPeer);
  }

  kernelDrops(): number {
    return this.#drops();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** What lies in the socket's buffer already is read first: a report that was sent before the stop counts, and who asked is answered. */
  async #close(): Promise<void> {
    await readOut(this.#socket);
    this.#isClosed = true;
    await new Promise<void>(resolve => this.#socket.close(() => resolve()));
  }
}

/** Resolves when two turns of the event loop in a row have brought no datagram, at the latest after MAX_READ_OUT_TURNS. */
async function readOut(socket: Socket): Promise<void> {
  let quietTurns = 0;
  const onMessage = () => {
    quietTurns = 0;
  };
  socket.on('message', onMessage);
  for (let turn = 0; turn < MAX_READ_OUT_TURNS && quietTurns < 2; turn++) {
    quietTurns += 1;
    await nextTurn();
  }
  socket.off('message', onMessage);
}

function serve(socket: Socket, options: TransportOptions, send: (reply: Uint8Array, to: DgramPeer) => void): void {
  const reply = new Uint8Array(MAX_DATAGRAM_BYTES);
  socket.on('message', (request: Uint8Array, from: RemoteInfo) => {
    const peer: DgramPeer = { address: from.address, port: from.port };
    options.beforeBatch?.();
    const length = options.onDatagram(request, 0, request.length, reply, 0, peer);
    if (length > 0) send(reply.subarray(0, length), peer);
    options.afterBatch?.();
  });
  // An error of a bound socket concerns one datagram (an ICMP answer, a full buffer), never the socket.
  socket.on('error', () => options.onSendError());
}

function bind(socket: Socket, options: TransportOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.bind({ address: options.ip, port: options.port, exclusive: true }, () => {
      socket.off('error', fail);
      try {
        if (options.receiveBufferBytes > 0) socket.setRecvBufferSize(options.receiveBufferBytes);
        resolve();
      } catch (error) {
        fail(error);
      }
    });
  });
}

type LookupDone = (error: Error | null, address: string, family: number) => void;

/** Peers are numeric addresses already: dgram would hand each one to the resolver's thread pool. */
function numericLookup(address: string, _options: unknown, done: LookupDone): void {
  done(null, address, address.includes(':') ? 6 : 4);
}
