// pure
import { MAX_DATAGRAM_BYTES } from '@lars/proto';
import type { CallerRef, DatagramTransport, TransportOptions } from './transport.ts';

const LOOPBACK_IP = 0x7f00_0001;

/** A transport without a network, for tests and simulations: datagrams go in by `deliver`, answers come out at the callback. */
export class MemoryTransport implements DatagramTransport {
  readonly kind = 'memory';
  readonly port: number;
  readonly receiveBufferBytes = 0;
  readonly #options: TransportOptions;
  readonly #onReply: (reply: Uint8Array, to: CallerRef) => void;
  readonly #reply = new Uint8Array(MAX_DATAGRAM_BYTES);
  #closed = false;

  /** @param onReply gets a copy of each answer */
  constructor(options: TransportOptions, onReply: (reply: Uint8Array, to: CallerRef) => void) {
    this.#options = options;
    this.#onReply = onReply;
    this.port = options.port;
  }

  /**
   * Hands one datagram to the handler, as the network would. After close it is lost.
   * @param ip the sender's address, unsigned
   */
  deliver(request: Uint8Array, from: CallerRef, ip = LOOPBACK_IP): void {
    if (this.#closed) return;
    this.#options.beforeBatch?.();
    if (this.#options.isAllowed?.(ip) !== false) {
      const length = this.#options.onDatagram(request, 0, request.length, this.#reply, 0, from);
      if (length > 0) this.#onReply(this.#reply.slice(0, length), from);
    }
    this.#options.afterBatch?.();
  }

  send(reply: Uint8Array, to: CallerRef): void {
    if (!this.#closed) this.#onReply(reply.slice(), to);
  }

  kernelDrops(): number {
    return 0;
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
