import { setImmediate as nextTick } from 'node:timers/promises';
import { MAX_DATAGRAM_BYTES } from '@lars/proto';
import type { Libc } from '@lars/runtime/udp/libc';
import { MmsgSocket } from '@lars/runtime/udp/mmsg-socket';
import type { CallerRef, DatagramTransport, TransportOptions } from './transport.ts';

/** Limit of the batches that close reads before it gives up: under a flood the socket is never empty. */
const MAX_READ_OUT_BATCHES = 500;
/** Prefetching gains nothing in a smaller batch. */
const MIN_PREFETCH = 4;

/**
 * The transport on recvmmsg and sendmmsg, for Linux: one call takes a batch, one more sends the answers, and then the event loop handles
 * messages and timers before the next batch. It needs a thread of its own: see MmsgSocket.onReadable.
 */
export class MmsgTransport implements DatagramTransport {
  readonly kind = 'mmsg';
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly #socket: MmsgSocket;
  readonly #options: TransportOptions;
  /** True while the handler may write at the end of the outgoing buffer. Late answers that come meanwhile are copied to #late. */
  #isHandling = false;
  #late: { readonly reply: Uint8Array; readonly to: number }[] = [];
  #closing: Promise<void> | undefined;
  #isClosed = false;

  /** Binds the port and begins to hand over datagrams. @throws {Error} the system's, with its `code`, when the port cannot be bound */
  constructor(libc: Libc, options: TransportOptions) {
    const { ip, port, receiveBufferBytes, onSendError } = options;
    this.#options = options;
    this.#socket = new MmsgSocket(libc, { ip, port, receiveBufferBytes, onSendError });
    this.port = this.#socket.port;
    this.receiveBufferBytes = this.#socket.receiveBufferBytes;
    this.#socket.onReadable(() => this.#batch());
  }

  send(reply: Uint8Array, to: CallerRef): void {
    if (this.#isClosed) return;
    if (reply.length > MAX_DATAGRAM_BYTES) this.#options.onSendError();
    else if (this.#isHandling) this.#late.push({ reply: reply.slice(), to: to as number });
    else this.#queue(reply, to as number);
  }

  kernelDrops(): number {
    return this.#socket.kernelDrops();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Handles first what is in the socket's buffer already: a call result that was sent before the stop counts, and a request is answered. */
  async #close(): Promise<void> {
    this.#socket.pause();
    for (let batch = 0; batch < MAX_READ_OUT_BATCHES && this.#batch() > 0; batch++) await nextTick();
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
    if (count >= MIN_PREFETCH) this.#prefetch(count);
    this.#isHandling = true;
    try {
      for (let slot = 0; slot < count; slot++) this.#answer(slot);
    } finally {
      this.#isHandling = false;
    }
    if (this.#late.length > 0) for (const { reply, to } of this.#late.splice(0)) this.#queue(reply, to);
    this.#options.afterBatch?.();
  }

  #prefetch(count: number): void {
    const { prefetcher } = this.#options;
    if (prefetcher === undefined) return;
    const socket = this.#socket;
    for (let slot = 0; slot < count; slot++) {
      const start = socket.startOf(slot);
      prefetcher.add(socket.bytes, start, start + socket.lengthOf(slot));
    }
    prefetcher.prefetch();
  }

  #answer(slot: number): void {
    const socket = this.#socket;
    const { isAllowed } = this.#options;
    if (isAllowed !== undefined && !isAllowed(socket.senderIpOf(slot))) return;
    const start = socket.startOf(slot);
    const caller = socket.senderOf(slot);
    const replyStart = socket.outgoingStart();
    const length = this.#options.onDatagram(socket.bytes, start, start + socket.lengthOf(slot), socket.bytes, replyStart, caller);
    if (length > 0) socket.commit(length, caller);
  }

  #queue(reply: Uint8Array, to: number): void {
    const start = this.#socket.outgoingStart();
    this.#socket.bytes.set(reply, start);
    this.#socket.commit(reply.length, to);
  }
}
