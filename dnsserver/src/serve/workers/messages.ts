// pure
/**
 * Everything that crosses a thread inside dnsserver, on one page. Mail is structured-cloned: plain data, no functions; a socket is
 * transferred. Mail from one thread to another arrives in the order in which it was sent, and on that the pushes rely.
 */
import type { LogRecord } from '@lars/runtime/log';
import type { ConnectionLimits } from '@lars/runtime/tcp/framed-connection';
import type { ModuleId } from '../../follow/route.ts';
import type { RoutePack } from './route-pack.ts';

/** What a worker is given to start with. */
export interface WorkerData {
  readonly index: number;
  readonly limits: ConnectionLimits;
  readonly maxSubscriptions: number;
  /** Shared memory, of which main reads; a worker that dies leaves its counts to its successor. */
  readonly counters: SharedArrayBuffer;
  readonly tcpCounters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
}

/** A module of which a worker begins or ceases to hear. */
export interface Interest extends ModuleId {
  readonly follows: boolean;
}

/** main → worker */
export type MailToWorker =
  /** An accepted connection, of which nothing has been read. It is the worker's from now on. */
  | { readonly type: 'socket'; readonly socket: import('node:net').Socket }
  /**
   * Modules that the worker follows, as they are now: the answer when it begins to follow one, and every later change.
   * quiet: the hosts are those told before, under a higher version.
   */
  | { readonly type: 'routes'; readonly routes: RoutePack; readonly quiet: boolean }
  /** Ends its connections in order, and then itself. */
  | { readonly type: 'stop' };

/** worker → main */
export type MailToMain =
  | { readonly type: 'ready' }
  /** In the order in which it happened; those it begins to follow are answered with their routes. */
  | { readonly type: 'interests'; readonly interests: readonly Interest[] }
  /** One of its connections has ended. */
  | { readonly type: 'closed' }
  | { readonly type: 'log'; readonly record: LogRecord };
