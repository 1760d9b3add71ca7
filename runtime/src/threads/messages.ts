// pure
/** The messages between every supervised worker thread and its supervisor. A service adds messages of its own to both. */
import type { LogRecord } from '../log.ts';

/** worker → supervisor */
export type WorkerMessage =
  /** The thread does its work now. A service may add fields. */
  | { readonly type: 'ready' }
  /** A line of the thread's log, which the supervisor prints: a thread that is blocked in a system call cannot. */
  | { readonly type: 'log'; readonly record: LogRecord }
  /** The thread cannot start, and a person must mend the reason. */
  | { readonly type: 'startup-error'; readonly code: string; readonly message: string };

/** supervisor → worker */
export type SupervisorMessage =
  /** Finish the work and end. */
  { readonly type: 'stop' };
