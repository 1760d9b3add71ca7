// pure
/**
 * How datagrams come in and answers go out. A transport maps request bytes to reply bytes and knows nothing else; one contract
 * suite (test/contract/transport.test.ts) runs over every implementation.
 */

/**
 * Who asked. Opaque to everybody but the transport that made it; it may be kept, and it survives the way to another thread and
 * back, so that a late answer finds its asker.
 */
export type PeerRef = unknown;

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
  from: PeerRef,
) => number;

export interface DatagramTransport {
  /** How it does its work, for people: 'mmsg', 'dgram'. */
  readonly kind: string;
  /** The bound port. */
  readonly port: number;
  /** What the kernel holds while the thread is busy, as the kernel says; 0 where there is no kernel. */
  readonly receiveBufferBytes: number;
  /** Sends an answer that was not ready when its request was handled. The bytes may be reused at once. */
  send(reply: Uint8Array, to: PeerRef): void;
  /**
   * How many datagrams the kernel has dropped because its buffer was full, since the transport was opened. It costs a system call or
   * more: ask about once a second. Always 0 where the system does not tell.
   */
  kernelDrops(): number;
  /** Takes no more datagrams; answers that were handed over still leave. */
  close(): Promise<void>;
}

/** Is told of all datagrams of a batch before the first is handled, to prepare for them. */
export interface BatchReader {
  /** The datagram lies at bytes[start, end). */
  add(bytes: Uint8Array, start: number, end: number): void;
  /** That were all. */
  run(): void;
}

export interface TransportOptions {
  readonly ip: string;
  /** 0 = any free port. */
  readonly port: number;
  /** What the kernel is asked to hold while the thread is busy; 0 = the system's default. */
  readonly receiveBufferBytes: number;
  readonly onDatagram: DatagramHandler;
  /** Datagrams are handed over in batches, of one or of many: called before the first of each, a place to read the clock. */
  readonly beforeBatch?: () => void;
  /** A transport that gets many datagrams at a time asks it. */
  readonly readAhead?: BatchReader;
  /** Called after the last of each batch. */
  readonly afterBatch?: () => void;
  /** Called for every datagram that could not be sent. */
  readonly onSendError: () => void;
}

/** Conf key [udp] transport. */
export const TRANSPORT_CHOICES = ['auto', 'mmsg', 'dgram'] as const;
export type TransportChoice = (typeof TRANSPORT_CHOICES)[number];

/** What is worth knowing of an open transport, besides its kind and port. Plain data: it crosses threads. */
export interface TransportFacts {
  readonly receiveBufferBytes: number;
  /** Why it is not the faster one, in one line for people; empty where there is nothing to say. */
  readonly fallbackReason: string;
}

/** Binds and begins to serve. Rejects with the system's error (EADDRINUSE, …) when the port cannot be bound. */
export type OpenTransport = (options: TransportOptions) => Promise<DatagramTransport>;
