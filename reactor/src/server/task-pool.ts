import { MessageChannel, Worker } from 'node:worker_threads';
import type { EngineLog } from '../engine.ts';
import type { PoolData, PoolWay, ToPoolThread, UnderWay } from './messages.ts';

/** A module with tasks, loaded once in each thread of the pool. */
export interface TaskModule {
  /** By their names. Each takes one value and returns one, or a promise of it; values are cloned. What it throws is told by its message. */
  readonly tasks: Readonly<Record<string, (input: unknown) => unknown>>;
}

export interface TaskPoolOptions {
  /** The URL, or the absolute path, of a module that exports `tasks` (see TaskModule). */
  readonly module: URL | string;
  readonly threads: number;
  /** Tasks that each thread that serves connections may have under way. Default: 1,000. */
  readonly maxWaiting?: number;
}

export interface TaskPoolDeps {
  readonly log: EngineLog;
  readonly script: URL;
  /** Gives all threads that serve connections a way to a new thread of the pool. @param connect makes one way */
  readonly onStarted: (connect: () => PoolWay) => void;
}

interface PoolThread {
  readonly worker: Worker;
  readonly underWay: UnderWay;
}

const RESTART_MS = 200;
/** One that dies so often without having run a task's worth of time is not started any more. */
const MAX_DEATHS = 10;
const STEADY_MS = 30_000;

/** The threads for what computes long, so that it does not keep those from reading that serve connections. */
export class TaskPool {
  readonly #options: TaskPoolOptions;
  readonly #deps: TaskPoolDeps;
  /** Those that run tasks. */
  readonly #workers = new Map<number, PoolThread>();
  /** Those that have not ended, also while they load their module. */
  readonly #running = new Set<Worker>();
  readonly #restarts = new Map<number, NodeJS.Timeout>();
  #isClosed = false;

  constructor(options: TaskPoolOptions, deps: TaskPoolDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Resolves when all run tasks; rejects when one does not come up. */
  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.threads }, (_, thread) => this.#start(thread, 0)));
  }

  /** Ways to all threads of the pool, for a thread that serves connections and has just started. */
  connectAll(): readonly PoolWay[] {
    return [...this.#workers.values()].map(connect);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const restart of this.#restarts.values()) clearTimeout(restart);
    await Promise.all([...this.#running].map(worker => worker.terminate()));
  }

  #start(thread: number, deaths: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const underWay = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const workerData: PoolData = { module: String(this.#options.module), underWay };
    const worker = new Worker(this.#deps.script, { workerData, name: `pool${thread}` });
    this.#running.add(worker);
    const startedMs = performance.now();
    let reason: Error | undefined;
    worker.once('message', () => {
      const ready = { worker, underWay };
      this.#workers.set(thread, ready);
      this.#deps.onStarted(() => connect(ready));
      resolve();
    });
    worker.on('error', (error: Error) => {
      reason = error;
    });
    worker.once('exit', code => {
      this.#running.delete(worker);
      const how = reason?.message ?? `exit code ${code}`;
      const wasReady = this.#workers.delete(thread);
      reject(reason ?? new Error(`a thread of the pool ended with ${code}`));
      if (this.#isClosed || (!wasReady && deaths === 0)) return;
      this.#onDeath(thread, performance.now() - startedMs >= STEADY_MS ? 1 : deaths + 1, how);
    });
    return promise;
  }

  #onDeath(thread: number, deaths: number, how: string): void {
    const isGivenUp = deaths >= MAX_DEATHS;
    this.#deps.log.error(isGivenUp ? 'a thread of the pool died too often' : 'a thread of the pool died, and is started again', {
      thread,
      how,
    });
    if (isGivenUp) return;
    // One that does not come up has died, too.
    this.#restarts.set(
      thread,
      setTimeout(() => void this.#start(thread, deaths).catch(() => undefined), RESTART_MS * deaths),
    );
  }
}

function connect({ worker, underWay }: PoolThread): PoolWay {
  const { port1, port2 } = new MessageChannel();
  const message: ToPoolThread = { port: port1 };
  worker.postMessage(message, [port1]);
  return { port: port2, underWay };
}
