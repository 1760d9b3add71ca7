// pure
/** Everything that crosses a thread inside the agent, on one page. Mail is structured-cloned: plain data, no functions. */
import type { HostCallResult, HostInfo } from '@lars/proto';
import { shardOf } from '@lars/proto/route-key';
import type { LogRecord } from '@lars/runtime/log';
import type { PeerRef, TransportFacts } from '../udp/transport.ts';

export const SHARD_NAMES = ['shard0', 'shard1', 'shard2'] as const;
export const THREAD_NAMES = [...SHARD_NAMES, 'dns', 'reporter'] as const;
export type ShardName = (typeof SHARD_NAMES)[number];
export type ThreadName = (typeof THREAD_NAMES)[number];

export interface ModuleId {
  readonly modid: number;
  readonly cmdid: number;
}

/** The one shard that serves a module. */
export function ownerOf({ modid, cmdid }: ModuleId): ShardName {
  return SHARD_NAMES[shardOf(modid, cmdid)] as ShardName;
}

/** The calls of one module in one period, ready for the reporter but for the agent's name and the report's number. */
export interface StatusReport extends ModuleId {
  readonly results: readonly HostCallResult[];
  /** Unix seconds. */
  readonly ts: number;
}

/** What dnsserver is to be asked (which subscribes to it). */
export interface RouteQuestion extends ModuleId {
  /** What the shard holds; 0 = nothing. */
  readonly version: number;
}

/** Modid, cmdid and version of each: numbers cross far faster than objects. See route-questions.ts. */
export type PackedQuestions = Float64Array;

/** A module's hosts now; none: it does not exist (any more). */
export interface RouteNews extends ModuleId {
  readonly hosts: readonly HostInfo[];
  readonly version: number;
}

/** shard → dns. Of a route that is still the one that the shard holds, it is told nothing. */
export type MailToDns = { readonly type: 'pull'; readonly questions: PackedQuestions };

/** shard → reporter */
export type MailToReporter = { readonly type: 'status'; readonly reports: readonly StatusReport[] };

/** dns → shard, shard → shard */
export type MailToShard =
  | { readonly type: 'routes'; readonly routes: readonly RouteNews[] }
  /** A datagram that came to `receiver` and belongs to the addressee. */
  | { readonly type: 'forwarded'; readonly receiver: ShardName; readonly datagram: Uint8Array; readonly peer: PeerRef }
  /** The answer to a forwarded datagram, to leave from the receiver's own socket. */
  | { readonly type: 'forwarded-reply'; readonly reply: Uint8Array; readonly peer: PeerRef };

export type PeerMail = MailToDns | MailToReporter | MailToShard;

/** main → any thread */
export type MailFromMain =
  /** A direct way to another thread; it replaces an earlier one, whose thread has died. */
  | { readonly type: 'connect'; readonly peer: ThreadName; readonly port: import('node:worker_threads').MessagePort }
  | { readonly type: 'stop' }
  /** Answered with the same id. */
  | { readonly type: 'ask'; readonly id: number; readonly question: ModuleId };

/** any thread → main */
export type MailToMain =
  /** Serves now. `port`, `transport` and `facts` are a shard's. */
  | { readonly type: 'ready'; readonly port: number; readonly transport: string; readonly facts: TransportFacts | undefined }
  | { readonly type: 'log'; readonly record: LogRecord }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  /** Could not start, and a person must mend it. */
  | { readonly type: 'startup-error'; readonly code: string; readonly message: string };
