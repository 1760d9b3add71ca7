// pure
/**
 * How datagrams come in and answers go out. A transport maps request bytes to reply bytes and knows nothing else; one contract
 * suite (test/contract/transport.test.ts) runs over every implementation.
 */

/**
 * Names the sender of a datagram. Only the transport that made it knows what is inside; it may be kept, and it survives the way to another
 * thread and back, so that a late answer finds its caller.
 */
export type CallerRef = unknown;

/**
 * Answers one datagram, which lies at bytes[start, end): writes the reply at `replyStart` of `reply`, where there is room for the
 * largest datagram, and returns its length; zero means no reply now. Both arrays are borrowed, are much larger than one datagram,
 * and must not be kept after the handler returns.
 */
export type DatagramHandler = (
  bytes: Uint8Array,
  start: number,
  end: number,
  reply: Uint8Array,
  replyStart: number,
  caller: CallerRef,
) => number;

export interface DatagramTransport {
  /** Which implementation this is, for people: 'mmsg', 'dgram'. */
  readonly kind: string;
  /** The bound port. */
  readonly port: number;
  /** The size of the kernel's buffer for datagrams that the thread has not read yet, as the kernel says; 0 where there is no kernel. */
  readonly receiveBufferBytes: number;
  /** Sends an answer that was not ready when its request was handled. The bytes may be reused at once. */
  send(reply: Uint8Array, to: CallerRef): void;
  /**
   * How many datagrams the kernel has dropped because its buffer was full, since the transport was opened. It costs a system call or
   * more: ask about once a second. Always 0 where the system does not tell.
   */
  kernelDrops(): number;
  /** Takes no more datagrams; answers that were handed over still leave. */
  close(): Promise<void>;
}

/** Is shown all datagrams of a batch before the first is handled, to bring what they need into the CPU's cache. */
export interface BatchPrefetcher {
  /** The datagram bytes[start, end) is one of the batch. */
  add(bytes: Uint8Array, start: number, end: number): void;
  /** The batch is complete. */
  prefetch(): void;
}

export interface TransportOptions {
  readonly ip: string;
  /** 0 = any free port. */
  readonly port: number;
  /** The size of the kernel's buffer that is asked for; 0 = the system's default. */
  readonly receiveBufferBytes: number;
  readonly onDatagram: DatagramHandler;
  /** Whether this sender is answered, by its IPv4 address, unsigned; who is not might as well not have sent. Left out: everybody is. */
  readonly isAllowed?: (ip: number) => boolean;
  /** Datagrams are handed over in batches, of one or of many: called before the first of each, a place to read the clock. */
  readonly beforeBatch?: () => void;
  /** Used by a transport that gets many datagrams at a time. */
  readonly prefetcher?: BatchPrefetcher;
  /** Called after the last of each batch. */
  readonly afterBatch?: () => void;
  /** Called for every datagram that could not be sent. */
  readonly onSendError: () => void;
}

/** Conf key [udp] transport. */
export const TRANSPORT_CHOICES = ['auto', 'mmsg', 'dgram'] as const;
export type TransportChoice = (typeof TRANSPORT_CHOICES)[number];

/** What people want to know of an open transport besides its kind and port. Plain data: it crosses threads. */
export interface TransportFacts {
  readonly receiveBufferBytes: number;
  /** Why the faster transport is not used, in one line for people; empty where it is, or the conf chose. */
  readonly fallbackReason: string;
}

/** Binds the port and begins to hand over datagrams. Rejects with the system's error (EADDRINUSE, …) when the port cannot be bound. */
export type OpenTransport = (options: TransportOptions) => Promise<DatagramTransport>;
