import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_DATAGRAM_BYTES } from '@lars/proto';
import type { Libc } from '@lars/runtime/udp/libc';
import { MmsgSocket } from '@lars/runtime/udp/mmsg-socket';
import type { DatagramTransport, PeerRef, TransportOptions } from './transport.ts';

/** Under a flood the socket is never empty; the end must come all the same. */
const MAX_READ_OUT_BATCHES = 500;
/** In fewer datagrams there is nothing to gain. */
const MIN_READ_AHEAD = 4;

/**
 * The transport on recvmmsg and sendmmsg, for Linux: one call takes a batch, the answers leave with one more, and then the event loop has
 * its turn with mail and timers before the next batch. It wants a thread of its own: see MmsgSocket.onReadable.
 */
export class MmsgTransport implements DatagramTransport {
  readonly kind = 'mmsg';
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly #socket: MmsgSocket;
  readonly #options: TransportOptions;
  /** The place of the next answer is the handler's now; late answers that are handed over meanwhile wait behind it. */
  #handling = false;
  #behind: { readonly reply: Uint8Array; readonly to: number }[] = [];
  #closing: Promise<void> | undefined;
  #isClosed = false;

  /** Binds and begins to serve. @throws {Error} the system's, with its `code`, when the port cannot be bound */
  constructor(libc: Libc, options: TransportOptions) {
    const { ip, port, receiveBufferBytes, onSendError } = options;
    this.#options = options;
    this.#socket = new MmsgSocket(libc, { ip, port, receiveBufferBytes, onSendError });
    this.port = this.#socket.port;
    this.receiveBufferBytes = this.#socket.receiveBufferBytes;
    this.#socket.onReadable(() => this.#batch());
  }

  send(reply: Uint8Array, to: PeerRef): void {
    if (this.#isClosed) return;
    if (reply.length > MAX_DATAGRAM_BYTES) this.#options.onSendError();
    else if (this.#handling) this.#behind.push({ reply: reply.slice(), to: to as number });
    else this.#put(reply, to as number);
  }

  kernelDrops(): number {
    return this.#socket.kernelDrops();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** What lies in the socket's buffer already is read first: a report that was sent before the stop counts, and who asked is answered. */
  async #close(): Promise<void> {
    this.#socket.pause();
    for (let batch = 0; batch < MAX_READ_OUT_BATCHES && this.#batch() > 0; batch++) await nextTurn();
    this.#socket.flush();
    this.#isClosed = true;
    this.#socket.close();
  }

  /** @returns how many datagrams there were */
  #batch(): number {
    const count = this.#socket.receive();
    if (count > 0) this.#handle(count);
    this.#socket.flush();
    return count;
  }

  #handle(count: number): void {
    this.#options.beforeBatch?.();
    if (count >= MIN_READ_AHEAD) this.#readAhead(count);
    this.#handling = true;
    try {
      for (let slot = 0; slot < count; slot++) this.#answer(slot);
    } finally {
      this.#handling = false;
    }
    if (this.#behind.length > 0) for (const { reply, to } of this.#behind.splice(0)) this.#put(reply, to);
    this.#options.afterBatch?.();
  }

  #readAhead(count: number): void {
    const { readAhead } = this.#options;
    if (readAhead === undefined) return;
    const socket = this.#socket;
    for (let slot = 0; slot < count; slot++) {
      const start = socket.startOf(slot);
      readAhead.add(socket.bytes, start, start + socket.lengthOf(slot));
    }
    readAhead.run();
  }

  #answer(slot: number): void {
    const socket = this.#socket;
    const start = socket.startOf(slot);
    const peer = socket.senderOf(slot);
    const replyStart = socket.outgoingStart();
    const length = this.#options.onDatagram(socket.bytes, start, start + socket.lengthOf(slot), socket.bytes, replyStart, peer);
    if (length > 0) socket.commit(length, peer);
  }

  #put(reply: Uint8Array, to: number): void {
    const start = this.#socket.outgoingStart();
    this.#socket.bytes.set(reply, start);
    this.#socket.commit(reply.length, to);
  }
}
