import type { Socket } from 'node:net';
import type { Clock } from '@lars/runtime/clock';
import type { CounterBank } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import type { ConnectionLimits } from '@lars/runtime/tcp/framed-connection';
import type { TcpServerCounter } from '@lars/runtime/tcp/tcp-counters';
import type { DnsserverCounter } from '../counters.ts';
import type { Route } from '../follow/route.ts';
import type { RouteView } from '../follow/route-table.ts';

/** Who serves the agents' connections: the main thread, or worker threads. */
export interface Front {
  /** @throws {StartupError} */
  start(): Promise<void>;
  /** Serves an accepted connection. */
  adopt(socket: Socket): void;
  /**
   * Tells those who asked for the modules; the table that the front reads holds the change already.
   * @param quiet the hosts are those held before, under a higher version
   */
  publish(routes: readonly Route[], quiet: boolean): void;
  /** Of each worker thread; of the main thread where there are none. */
  readonly connections: readonly number[];
  readonly subscriptions: number;
  /** To be summed up; those of a worker thread are its own. */
  readonly counters: readonly CounterBank<DnsserverCounter>[];
  readonly tcpCounters: readonly CounterBank<TcpServerCounter>[];
  /** Ends one worker as a crash would. */
  killWorker(worker: number): Promise<void>;
  close(): Promise<void>;
}

export interface FrontOptions {
  readonly limits: ConnectionLimits;
  readonly maxSubscriptions: number;
  readonly routes: RouteView;
  readonly log: Logger;
  readonly clock: Clock;
  /** Main's own. */
  readonly counters: CounterBank<DnsserverCounter>;
}
