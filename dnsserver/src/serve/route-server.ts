import { MAX_BODY_BYTES } from '@lars/proto';
import type { Clock } from '@lars/runtime/clock';
import type { SharedCounters } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import type { LinkSecurity } from '@lars/runtime/security/link-security';
import type { LinkGuards } from '@lars/runtime/security/load-link-guards';
import type { ConnectionLimits } from '@lars/runtime/tcp/framed-connection';
import type { TcpServerCounter } from '@lars/runtime/tcp/tcp-counters';
import type { ByteConnection } from '@lars/runtime/transport/byte-connection';
import type { TcpTransport } from '@lars/runtime/transport/tcp-transport';
import type { DnsserverConfig } from '../config.ts';
import type { DnsserverCounter } from '../counters.ts';
import type { Route, RouteView } from '../follow/route-table.ts';
import type { MemoryLimits } from './memory-limit.ts';

/** Serves the agents' connections, in the main thread or in worker threads. */
export interface RouteServer {
  /** @throws {StartupError} */
  start(): Promise<void>;
  /**
   * Closes the connection that has asked nothing for the longest time, if that is QUIET_MS or more.
   * @returns whether there is room for another now; workers make it a moment later
   */
  makeRoom(): boolean;
  /** For new connections. */
  setSecurity(security: LinkSecurity): void;
  /** Serves an accepted connection, of which nothing has been read. */
  serve(connection: ByteConnection): void;
  /**
   * Sends routes to those who subscribed to the modules; the table that the server reads has the change already.
   * @param versionOnly the hosts are the same as before, under a higher version
   */
  publish(routes: readonly Route[], versionOnly: boolean): void;
  /** The connections of each worker thread; of the main thread where there are no workers. */
  readonly connections: readonly number[];
  readonly subscriptions: number;
  /** The worker threads' own counters, to be added to main's. */
  readonly counters: readonly SharedCounters<DnsserverCounter>[];
  readonly tcpCounters: readonly SharedCounters<TcpServerCounter>[];
  /** Ends one worker as a crash would. */
  killWorker(worker: number): Promise<void>;
  close(): Promise<void>;
}

export interface RouteServerDeps {
  readonly tcp: DnsserverConfig['tcp'];
  readonly routes: RouteView;
  /** Of the main thread. */
  readonly transport: TcpTransport;
  /** Of the main thread. */
  readonly guards: LinkGuards;
  /** What worker threads are started with. */
  readonly security: () => LinkSecurity;
  readonly log: Logger;
  readonly clock: Clock;
  /** Main's own. */
  readonly counters: SharedCounters<DnsserverCounter>;
}

export const TCP_ENGINE_KEY = 'conf key [tcp] engine';

/** A connection that has asked nothing for so long goes when room is needed; an agent that lives connects again. */
export const QUIET_MS = 60_000;

/** How long queued bytes may take to leave when the server closes, ms. */
export const CLOSE_GRACE_MS = 200;
/** An agent asks for all its modules at once, and the answers to what one read brings may be a hundred times as long. */
const PAUSE_READING_AT_BYTES = 256 * 1_024;

/** What one of `threads` that serve may take. */
export function memoryLimits(tcp: DnsserverConfig['tcp'], threads: number): MemoryLimits {
  return { perConnection: tcp.max_connection_memory, total: tcp.max_memory / threads };
}

export function connectionLimits(tcp: DnsserverConfig['tcp']): ConnectionLimits {
  return {
    maxBodyBytes: MAX_BODY_BYTES,
    partialFrameTimeoutMs: tcp.partial_frame_timeout,
    maxWriteBufferBytes: tcp.max_write_buffer,
    pauseReadingAtBytes: Math.min(PAUSE_READING_AT_BYTES, tcp.max_write_buffer / 2),
  };
}
