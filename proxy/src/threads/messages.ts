// pure
/** Everything that crosses a thread inside the proxy, on one page: plain data, because it is cloned. */
import type { SupervisorMessage, WorkerMessage } from '@lars/runtime/threads/messages';
import type { TerminationLock } from '@lars/runtime/threads/termination-lock';
import type { ListeningDescriptor } from '../listen/listening-sockets.ts';
import type { CoreOptions, CoreStatus } from '../proxy-core.ts';

/** What a thread is given to start with. */
export interface ThreadData {
  readonly thread: number;
  readonly threads: number;
  readonly options: CoreOptions;
  /** Shared memory, which main reads; a thread that dies leaves its counts to its successor. */
  readonly counters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
  readonly limits: SharedArrayBuffer;
  /** Where the thread says what it has open, for main to close it; undefined: what it has ends with it, as with node:net. */
  readonly ledger: SharedArrayBuffer | undefined;
  /** Main does not end the thread while it loads what is native. */
  readonly lock: TerminationLock;
}

/** main → thread; what has a number is answered with the same. */
export type MessageToThread =
  | { readonly type: 'tellStatus'; readonly number: number }
  /** Accept from these too, which are the thread's from now on. Answered with `done`. */
  | { readonly type: 'serve'; readonly number: number; readonly descriptors: readonly ListeningDescriptor[] }
  /** Accept no more from these sockets, and give their descriptors back. Answered with `done`. */
  | { readonly type: 'leave'; readonly number: number; readonly sockets: readonly number[] }
  /** From now on, open connections have so long to end when the thread is stopped, or so long from now on where it is stopping. */
  | { readonly type: 'limitDrain'; readonly drainMs: number }
  | SupervisorMessage;

/** thread → main */
export type MessageToMain =
  | Exclude<WorkerMessage, { readonly type: 'ready' }>
  | { readonly type: 'ready'; readonly places: readonly string[] }
  | { readonly type: 'status'; readonly number: number; readonly status: CoreStatus }
  | { readonly type: 'done'; readonly number: number; readonly fds: readonly number[] };

export type Answer = Extract<MessageToMain, { readonly number: number }>;
