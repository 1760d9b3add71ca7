// pure
import type { DatagramSink } from './get-host-loop.ts';

/** A connected UDP socket of the load generator. Committed datagrams leave with the next flush. */
export interface DatagramClient extends DatagramSink {
  flush(): void;
}

export interface DatagramReader {
  /** What lies at bytes[start, end) came; it stands during the call only. */
  onDatagram(bytes: Uint8Array, start: number, end: number): void;
  /** Called before the first datagram of a batch, a place to read the clock; a batch is followed by a flush. */
  beforeBatch(): void;
}

export interface ServerAddress {
  readonly ip: string;
  readonly port: number;
}

export type ClientKind = 'mmsg' | 'dgram';

/** All sockets of one load. */
export interface DatagramClients {
  readonly kind: ClientKind;
  open(server: ServerAddress, reader: DatagramReader): Promise<DatagramClient>;
  close(): void;
}

export interface ChosenClient {
  readonly kind: ClientKind;
  /** For one load. */
  create(): DatagramClients;
}

/** Answers wait here while the generator is busy. */
export const RECEIVE_BUFFER_BYTES = 4 * 1_024 * 1_024;
