// pure
/** Everything that crosses a thread inside the agent, on one page. Messages are structured-cloned: plain data, no functions. */
import type { HostCallResult, HostInfo, ModuleId } from '@lars/proto';
import { shardOf } from '@lars/proto/route-key';
import type { LogRecord } from '@lars/runtime/log';
import type { LinkSecurity } from '@lars/runtime/security/link-security';
import type { CallerRef, TransportFacts } from '../udp/transport.ts';

export const SHARD_NAMES = ['shard0', 'shard1', 'shard2'] as const;
export const THREAD_NAMES = [...SHARD_NAMES, 'dns', 'reporter'] as const;
export type ShardName = (typeof SHARD_NAMES)[number];
export type ThreadName = (typeof THREAD_NAMES)[number];

/** The one shard that owns a module. */
export function ownerOf({ modid, cmdid }: ModuleId): ShardName {
  return SHARD_NAMES[shardOf(modid, cmdid)] as ShardName;
}

/** The calls of one module in one period, ready for the reporter but for the agent's name and the report's number. */
export interface StatusReport extends ModuleId {
  readonly results: readonly HostCallResult[];
  /** Unix seconds. */
  readonly ts: number;
}

/** Asks dnsserver for a route, which subscribes to it. */
export interface RouteQuery extends ModuleId {
  /** Of the route that the shard knows; 0 = none. */
  readonly version: number;
}

/** The modid, cmdid and version of each query in turn: numbers cross far faster than objects. See batches.ts. */
export type PackedRouteQueries = Float64Array;

/** A module's hosts now. None: the module does not exist (any more). */
export interface RouteUpdate extends ModuleId {
  readonly hosts: readonly HostInfo[];
  readonly version: number;
  /**
   * The route is old: dnsserver is away, and this is what the agent knew of it earlier. It was confirmed at this time, unix ms, for the last time. Left
   * out where dnsserver told the route.
   */
  readonly storedAtMs?: number;
}

/** shard → dns. No update answers a query when the route is still the one that the shard knows. */
export type DnsMessage = { readonly type: 'route-queries'; readonly queries: PackedRouteQueries };

/** shard → reporter */
export type ReporterMessage = { readonly type: 'status-reports'; readonly reports: readonly StatusReport[] };

/** dns → shard, shard → shard */
export type ShardMessage =
  | { readonly type: 'route-updates'; readonly updates: readonly RouteUpdate[] }
  /** The dns thread has asked for these routes and knows none of its own, so that requests wait for dnsserver, which may not answer. */
  | { readonly type: 'routes-awaited'; readonly modules: PackedRouteQueries }
  /** A datagram that came to the socket of `receiver` and belongs to the addressee. */
  | { readonly type: 'forwarded'; readonly receiver: ShardName; readonly datagram: Uint8Array; readonly caller: CallerRef }
  /** The answer to a forwarded datagram, to leave from the receiver's own socket. */
  | { readonly type: 'forwarded-reply'; readonly reply: Uint8Array; readonly caller: CallerRef };

/** Between threads, without main. */
export type ThreadMessage = DnsMessage | ReporterMessage | ShardMessage;

/** What main asks a shard: to explain a module, or which modules are worth a look. */
export type ShardQuery =
  | { readonly what: 'module'; readonly module: ModuleId }
  /** For people: those in trouble, and those with the most picks: at most `max` of each. */
  | { readonly what: 'modules'; readonly max: number }
  /** For the metrics. */
  | { readonly what: 'watched-modules' };

/** main → any thread */
export type MessageFromMain =
  /** A direct way to another thread; it replaces an earlier one, whose thread has died. */
  | { readonly type: 'connect'; readonly thread: ThreadName; readonly port: import('node:worker_threads').MessagePort }
  | { readonly type: 'stop' }
  /** dns, reporter: what protects the next links. */
  | { readonly type: 'security'; readonly security: LinkSecurity }
  /** Answered with the same id. */
  | { readonly type: 'ask'; readonly id: number; readonly query: ShardQuery };

/** any thread → main */
export type MessageToMain =
  /** The thread does its work now. `port`, `transport` and `facts` are a shard's. */
  | { readonly type: 'ready'; readonly port: number; readonly transport: string; readonly facts: TransportFacts | undefined }
  | { readonly type: 'log'; readonly record: LogRecord }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  /** dns: the routes that the agent knows are in this memory from now on; see dns/route-log.ts. */
  | { readonly type: 'route-memory'; readonly memory: SharedArrayBuffer }
  /** The thread could not start, and a person must mend the reason. */
  | { readonly type: 'startup-error'; readonly code: string; readonly message: string };
