// pure
import type { EngineKind } from '@lars/reactor';
import type { ByteConnection, ConnectionHandle } from './byte-connection.ts';

/** What a conf file may say. */
export const TCP_ENGINES = ['auto', 'epoll', 'io_uring', 'node'] as const satisfies readonly ('auto' | EngineKind)[];
export type TcpEngine = (typeof TCP_ENGINES)[number];

/** The kernel asks a silent remote after this time whether it is alive. */
export const KEEP_ALIVE_MS = 60_000;
/** How many connections may wait to be accepted. */
export const BACKLOG = 1_024;

export interface ListenPlace {
  readonly ip: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Reads nothing of a new connection before it is started: what was read cannot be given to another thread. */
  readonly pauseOnConnect: boolean;
  /** An error of the listener after it has begun to listen. */
  readonly onError: (error: Error) => void;
}

/** A port that listens. */
export interface PortListener {
  readonly port: number;
  /** Accepts no more connections; those that it has accepted may go on. */
  close(): Promise<void>;
}

/** Who moves the bytes of a thread's TCP connections: node:net, or an engine of `reactor`. test/contract/tcp-*.test.ts checks both. */
export interface TcpTransport {
  readonly engine: EngineKind;
  /** Why it is this one, in one line for people. */
  readonly reason: string;
  /** @throws {Error} with the system's `code` */
  listen(place: ListenPlace, onConnection: (connection: ByteConnection) => void): Promise<PortListener>;
  /** Takes over what a connection of the same kind of transport has given away in another thread. */
  adopt(handle: ConnectionHandle): ByteConnection;
  /** To be called when the connections and listeners are closed. */
  close(): Promise<void>;
}

/** For /healthz and the log. */
export function engineDetails({ engine, reason }: TcpTransport): Readonly<Record<string, string>> {
  return { engine, engineReason: reason };
}
