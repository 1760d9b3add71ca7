import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { setImmediate as nextTick } from 'node:timers/promises';
import { MAX_DATAGRAM_BYTES, parseIpv4 } from '@lars/proto';
import { dropsOf } from '@lars/runtime/udp/proc-drops';
import type { CallerRef, DatagramTransport, OpenTransport, TransportOptions } from './transport.ts';

/** Limit of the ticks that close waits for the last datagrams: under a flood the socket is never quiet. */
const MAX_READ_OUT_TICKS = 1_000;

interface DgramCaller {
  readonly address: string;
  readonly port: number;
}

/** The transport on node:dgram, for every platform: one event and one send per datagram. */
export const openDgramTransport: OpenTransport = async options => {
  const socket = createSocket({ type: options.ip.includes(':') ? 'udp6' : 'udp4', lookup: numericLookup });
  await bind(socket, options);
  const send = (reply: Uint8Array, to: DgramCaller) => {
    // A datagram may come from port 0. Node throws where it is to send to that.
    if (to.port === 0) options.onSendError();
    else {
      // The kernel may take the bytes later than this call, and the next datagram overwrites the reply buffer.
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
  readonly #send: (reply: Uint8Array, to: DgramCaller) => void;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  constructor(socket: Socket, send: (reply: Uint8Array, to: DgramCaller) => void) {
    this.#socket = socket;
    this.#send = send;
    const { address, port } = socket.address();
    this.port = port;
    this.receiveBufferBytes = socket.getRecvBufferSize();
    this.#drops = dropsOf(address, port);
  }

  send(reply: Uint8Array, to: CallerRef): void {
    if (!this.#isClosed) this.#send(reply, to as DgramCaller);
  }

  kernelDrops(): number {
    return this.#drops();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Handles first what is in the socket's buffer already: a call result that was sent before the stop counts, and a request is answered. */
  async #close(): Promise<void> {
    await readOut(this.#socket);
    this.#isClosed = true;
    await new Promise<void>(resolve => this.#socket.close(() => resolve()));
  }
}

/** Resolves when two ticks in a row have brought no datagram, at the latest after MAX_READ_OUT_TICKS. */
async function readOut(socket: Socket): Promise<void> {
  let quietTicks = 0;
  const onMessage = () => {
    quietTicks = 0;
  };
  socket.on('message', onMessage);
  for (let tick = 0; tick < MAX_READ_OUT_TICKS && quietTicks < 2; tick++) {
    quietTicks += 1;
    await nextTick();
  }
  socket.off('message', onMessage);
}

function serve(socket: Socket, options: TransportOptions, send: (reply: Uint8Array, to: DgramCaller) => void): void {
  const reply = new Uint8Array(MAX_DATAGRAM_BYTES);
  socket.on('message', (request: Uint8Array, from: RemoteInfo) => {
    const caller: DgramCaller = { address: from.address, port: from.port };
    options.beforeBatch?.();
    if (options.isAllowed?.(ipOf(from.address)) !== false) {
      const length = options.onDatagram(request, 0, request.length, reply, 0, caller);
      if (length > 0) send(reply.subarray(0, length), caller);
    }
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

function ipOf(address: string): number {
  return (parseIpv4(address) ?? 0) >>> 0;
}

type LookupDone = (error: Error | null, address: string, family: number) => void;

/** Callers are numeric addresses already, and dgram would hand each one to the resolver's thread pool. */
function numericLookup(address: string, _options: unknown, done: LookupDone): void {
  done(null, address, address.includes(':') ? 6 : 4);
}
