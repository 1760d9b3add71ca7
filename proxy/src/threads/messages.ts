// pure
/** Everything that crosses a thread inside the proxy, on one page: plain data, because it is cloned. */
import type { SupervisorMessage, WorkerMessage } from '@lars/runtime/threads/messages';
import type { CoreOptions, CoreStatus } from '../proxy-core.ts';

/** What a thread is given to start with. */
export interface ThreadData {
  readonly thread: number;
  readonly threads: number;
  readonly options: CoreOptions;
  readonly drainMs: number;
  /** Shared memory, which main reads; a thread that dies leaves its counts to its successor. */
  readonly counters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
  readonly limits: SharedArrayBuffer;
}

/** main → thread */
export type MessageToThread =
  /** Answered with `status` of the same number. */
  { readonly type: 'tellStatus'; readonly number: number } | SupervisorMessage;

/** thread → main */
export type MessageToMain =
  | Exclude<WorkerMessage, { readonly type: 'ready' }>
  | { readonly type: 'ready'; readonly places: readonly string[] }
  | { readonly type: 'status'; readonly number: number; readonly status: CoreStatus };
