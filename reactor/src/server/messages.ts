// pure
/** What the threads of a server say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { TerminationLock } from '@lars/syscalls/termination-lock';

/** What a thread is given when it starts. */
export interface ThreadData {
  readonly thread: number;
  readonly life: number;
  readonly threads: number;
  readonly shared: SharedArrayBuffer;
  /** The URL of the module that has `createHandler`. */
  readonly handler: string;
  readonly data: unknown;
  /** Tasks of the pool that the thread may have under way. */
  readonly maxWaiting: number;
  /** Ways to the threads of the pool that are there. A message would come after the first connections. */
  readonly pool: readonly PoolWay[];
  /** It is not ended while it loads what it needs of the system. */
  readonly lock: TerminationLock;
}

/** What a thread of the pool is given when it starts. */
export interface PoolData {
  /** The URL of the module that has the tasks. */
  readonly module: string;
  readonly underWay: UnderWay;
}

/** One number: the tasks that a thread of the pool has been given, by whichever thread, and has not finished. Counted up by who gives one, down by who runs it. */
export type UnderWay = Int32Array<SharedArrayBuffer>;

/** A way to a thread of the pool. */
export interface PoolWay {
  readonly port: MessagePort;
  readonly underWay: UnderWay;
}

/** A thread that serves connections sends its tasks here. */
export interface ToPoolThread {
  readonly port: MessagePort;
}

export interface ToPool {
  readonly id: number;
  readonly task: string;
  readonly input: unknown;
}

export type FromPool = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

export type ToThread =
  /** A way to a thread of the pool that has come. */
  | { readonly kind: 'pool'; readonly way: PoolWay }
  /** Finish what is open within the time, when as many connections as were passed are taken, then end. */
  | { readonly kind: 'stop'; readonly graceMs: number; readonly passed: number };

export type FromThread =
  /** It serves; where it waits for connections. */
  | { readonly kind: 'ready'; readonly inbox: number }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly event: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };
