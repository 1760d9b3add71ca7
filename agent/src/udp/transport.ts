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
 * Answers one datagram: writes the reply into `reply` and returns its length; zero means no reply now.
 * `request` and `reply` are borrowed and must not be kept after the handler returns.
 */
export type DatagramHandler = (request: Uint8Array, reply: Uint8Array, from: PeerRef) => number;

export interface DatagramTransport {
  /** How it does its work, for people: 'dgram'. */
  readonly kind: string;
  /** The bound port. */
  readonly port: number;
  /** Sends an answer that was not ready when its request was handled. The bytes may be reused at once. */
  send(reply: Uint8Array, to: PeerRef): void;
  /** Takes no more datagrams; answers that were handed over still leave. */
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly ip: string;
  /** 0 = any free port. */
  readonly port: number;
  /** What the kernel is asked to hold while the thread is busy; 0 = the system's default. */
  readonly receiveBufferBytes: number;
  readonly onDatagram: DatagramHandler;
  /** Called with every datagram that could not be sent. */
  readonly onSendError: () => void;
}

/** Binds and begins to serve. Rejects with the system's error (EADDRINUSE, …) when the port cannot be bound. */
export type OpenTransport = (options: TransportOptions) => Promise<DatagramTransport>;
