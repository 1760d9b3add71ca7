import type { Clock } from '@lars/runtime/clock';
import type { ListenPlace } from '@lars/runtime/listen-place';
import type { Logger } from '@lars/runtime/log';
import type { WorkerPoolOptions } from './worker-pool.ts';

export interface WorkerProcessesOptions {
  readonly count: number;
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** A program that has not said hello so long after its start, or after its link was lost, is ended. */
  readonly startMs: number;
  /** One that is replaced, or stopped, has so long to finish its connections; then it gets SIGTERM. */
  readonly drainMs: number;
}

export interface DispatcherOptions {
  readonly listen: readonly ListenPlace[];
  /** Connections that may wait in the kernel to be accepted. */
  readonly backlog: number;
  /** Descriptors that listen already, opened by whoever has started this process; those that are at a place of `listen` are used, and closed otherwise. */
  readonly inheritedFds?: readonly number[];
  /** Takes over from the dispatcher that runs at `socketPath`, if one does. */
  readonly takesOver?: boolean;
  /** The UNIX socket to which workers connect. */
  readonly socketPath: string;
  /** Its file mode: who may be a worker. */
  readonly socketMode: number;
  /** At the end, what was accepted still may wait so long for a worker. */
  readonly lastWaitMs: number;
  /** How a client is told that no worker takes it. */
  readonly refuseBy: 'reset' | 'close';
  readonly pool: WorkerPoolOptions;
  /** The programs that it starts and watches; without, others start the workers. */
  readonly processes: WorkerProcessesOptions | undefined;
  /** /healthz, /metrics and /workers; without, nothing is served. */
  readonly http: { readonly ip: string; readonly port: number } | undefined;
}

export interface DispatcherDeps {
  readonly log: Logger;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Aborted when the process is to stop: a start then takes over from nobody any more. */
  readonly stopping?: AbortSignal;
}

/** What is open beside connections. */
const OWN_FILES = 64;
/** Two connections of a worker, and one more while one worker takes the place of another. */
const WORKER_FILES = 3;

/** How many open files it may need: for connections that wait, for those that workers have not taken yet, and for workers. */
export function neededFiles({ listen, pool, processes }: DispatcherOptions): number {
  const workers = Math.min(processes?.count ?? pool.maxWorkers, pool.maxWorkers);
  return OWN_FILES + listen.length + pool.queue.maxConnections + workers * (WORKER_FILES + pool.limits.maxUntaken);
}
