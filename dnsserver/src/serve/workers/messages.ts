// pure
/**
 * Everything that crosses a thread inside dnsserver, on one page. Messages are structured-cloned: plain data, no functions; a socket of
 * node:net is transferred, a descriptor is only a number. Messages from one thread to another arrive in the order in which they were posted, and the pushes rely on that.
 */
import type { ModuleId } from '@lars/proto';
import type { LinkSecurity } from '@lars/runtime/security/link-security';
import type { SupervisorMessage, WorkerMessage } from '@lars/runtime/threads/messages';
import type { TerminationLock } from '@lars/runtime/threads/termination-lock';
import type { ConnectionHandle } from '@lars/runtime/transport/byte-connection';
import type { TcpTransport } from '@lars/runtime/transport/tcp-transport';
import type { DnsserverConfig } from '../../config.ts';
import type { RoutePack } from './route-pack.ts';

/** What a worker is given to start with. */
export interface WorkerData {
  readonly index: number;
  readonly tcp: DnsserverConfig['tcp'];
  /** What main accepts with. */
  readonly engine: TcpTransport['engine'];
  readonly lock: TerminationLock;
  /** Shared memory, which main reads; a worker that dies leaves its counts to its successor. */
  readonly counters: SharedArrayBuffer;
  readonly tcpCounters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
  readonly security: LinkSecurity;
}

/** A worker subscribes to a module or ends its subscription. */
export interface SubscriptionChange extends ModuleId {
  readonly subscribes: boolean;
}

/** main → worker */
export type MessageToWorker =
  /** An accepted connection, of which nothing has been read. It belongs to the worker from now on. */
  | { readonly type: 'connection'; readonly handle: ConnectionHandle }
  /** For new connections. */
  | { readonly type: 'security'; readonly security: LinkSecurity }
  /** The worker closes its quietest connection, if that has asked nothing for long. */
  | { readonly type: 'makeRoom' }
  /**
   * Modules to which the worker is subscribed, as they are now: the answer to a subscription, and every later change.
   * versionOnly: the hosts are the same as before, under a higher version.
   */
  | { readonly type: 'routes'; readonly routes: RoutePack; readonly versionOnly: boolean }
  /** The worker ends its connections, and then itself. */
  | SupervisorMessage;

/** worker → main */
export type MessageToMain =
  | WorkerMessage
  /** In the order in which they happened; new subscriptions are answered with the modules' routes. */
  | { readonly type: 'subscriptions'; readonly changes: readonly SubscriptionChange[] }
  /** One of the connections that the worker was handed is closed; of a descriptor, it is about to be. */
  | { readonly type: 'closed'; readonly fd: number | undefined };
