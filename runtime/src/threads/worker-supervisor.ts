/**
 * Keeps worker threads alive: starts them, prints their logs, starts one again when it dies, stops them. It knows nothing of what the
 * threads do; worker-entry.ts is its other half, inside the thread.
 */
import { type Transferable, Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { StartupError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { threadStartError } from '../start-limits.ts';
import type { WorkerMessage } from './messages.ts';
import type { RestartPolicy } from './restart-policy.ts';

/** What one incarnation of a thread is started with. */
export interface WorkerSetup {
  readonly workerData: unknown;
  /** Resolves when the thread may be terminated. Without it, a thread may be terminated at any moment. */
  readonly whenTerminable?: () => Promise<void>;
}

export interface WorkerSpec<Name extends string> {
  readonly name: Name;
  readonly script: URL;
  readonly restartPolicy: RestartPolicy;
  /** Called for every incarnation. */
  setUp(): WorkerSetup;
}

/** Messages of a service's own, which the supervisor passes on. */
type OwnMessage<FromWorker> = Exclude<FromWorker, { readonly type: WorkerMessage['type'] }>;

export interface WorkerSupervisorDeps<Name extends string, FromWorker> {
  readonly specs: readonly WorkerSpec<Name>[];
  readonly log: Logger;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly onMessage: (name: Name, message: OwnMessage<FromWorker>) => void;
  readonly onReady?: (name: Name, message: Extract<FromWorker, { readonly type: 'ready' }>) => void;
  /** A thread that is not being stopped has died. */
  readonly onDeath: (name: Name, error: Error) => void;
  /** A new incarnation was started. */
  readonly onRestart: (name: Name) => void;
  /** The thread's restart policy gives up, after `onDeath`. No thread is started again from now on. */
  readonly onRestartLimitReached?: (name: Name, error: Error) => void;
  /** Makes the error of `start` when a thread ends before it is ready; without it, that is the thread's own error. */
  readonly startError?: (name: Name, cause: Error) => Error;
}

interface Incarnation {
  readonly worker: Worker;
  readonly setup: WorkerSetup;
  readonly startedMs: number;
  readonly exited: Promise<void>;
  isReady: boolean;
  lastError: Error | undefined;
}

interface SupervisedThread<Name extends string> {
  readonly spec: WorkerSpec<Name>;
  current: Incarnation | undefined;
  restartTimer: NodeJS.Timeout | undefined;
  restarts: number;
}

/** The URL of a worker's script, which is compiled beside the compiled caller, or is a source beside the caller's source. */
export function workerScript(path: string, callerUrl: string): URL {
  return new URL(`${path}${callerUrl.endsWith('.ts') ? '.ts' : '.js'}`, callerUrl);
}

export class WorkerSupervisor<Name extends string, ToWorker, FromWorker extends { readonly type: string }> {
  readonly #deps: WorkerSupervisorDeps<Name, FromWorker>;
  readonly #threads: ReadonlyMap<Name, SupervisedThread<Name>>;
  #phase: 'starting' | 'running' | 'stopping' = 'starting';

  constructor(deps: WorkerSupervisorDeps<Name, FromWorker>) {
    this.#deps = deps;
    this.#threads = new Map(
      deps.specs.map(spec => [spec.name, { spec, current: undefined, restartTimer: undefined, restarts: 0 }]),
    );
  }

  /**
   * Starts all threads before it returns, so that they can be posted to at once; resolves when every thread is ready.
   * @throws the error of the first thread that could not start; the other threads are terminated
   */
  async start(): Promise<void> {
    const ready = [...this.#threads.values()].map(thread => this.#spawn(thread));
    try {
      await Promise.all(ready);
      if (this.#phase === 'starting') this.#phase = 'running';
    } catch (error) {
      this.#phase = 'stopping';
      await Promise.allSettled([...this.#threads.values()].map(({ current }) => current && terminate(current)));
      throw error;
    }
  }

  isAlive(name: Name): boolean {
    return this.#threadOf(name).current !== undefined;
  }

  /** It lives, and has said that it does its work. */
  isReady(name: Name): boolean {
    return this.#threadOf(name).current?.isReady ?? false;
  }

  restarts(name: Name): number {
    return this.#threadOf(name).restarts;
  }

  /** A message to a thread that is not ready yet waits for it; a message to a dead thread is lost. */
  post(name: Name, message: ToWorker, transfer: readonly Transferable[] = []): void {
    this.#threadOf(name).current?.worker.postMessage(message, transfer);
  }

  /** Ends a thread as a crash would; it is started again. For tests and emergencies. */
  async kill(name: Name): Promise<void> {
    const { current } = this.#threadOf(name);
    if (current !== undefined) await terminate(current);
  }

  /** Asks the named threads to stop, all at once, and waits until they have ended; terminates a thread that does not end in time. */
  async stop(names: readonly Name[], timeoutMs: number): Promise<void> {
    this.#phase = 'stopping';
    await Promise.all(names.map(name => this.#stopThread(this.#threadOf(name), timeoutMs)));
  }

  async #stopThread({ spec, current, restartTimer }: SupervisedThread<Name>, timeoutMs: number): Promise<void> {
    clearTimeout(restartTimer);
    if (current === undefined) return;
    current.worker.postMessage({ type: 'stop' });
    const timer = setTimeout(() => {
      this.#deps.log.warn(`thread ${spec.name} did not stop in time; terminated`);
      void terminate(current);
    }, timeoutMs);
    await current.exited;
    clearTimeout(timer);
  }

  #threadOf(name: Name): SupervisedThread<Name> {
    const thread = this.#threads.get(name);
    if (thread === undefined) throw new Error(`there is no thread ${name}`);
    return thread;
  }

  /** Starts an incarnation; resolves when it is ready, rejects when it ended before. */
  #spawn(thread: SupervisedThread<Name>): Promise<void> {
    const { spec } = thread;
    const setup = spec.setUp();
    const worker = new Worker(spec.script, { workerData: setup.workerData, name: spec.name });
    const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()));
    const startedMs = this.#deps.clock.monotonicMs();
    const incarnation: Incarnation = { worker, setup, startedMs, exited, isReady: false, lastError: undefined };
    thread.current = incarnation;
    return new Promise((resolve, reject) => {
      worker.on('error', error => {
        incarnation.lastError = threadStartError(spec.name, error instanceof Error ? error : new Error(String(error)));
      });
      worker.on('message', (message: FromWorker) => {
        this.#onMessage(spec.name, incarnation, message);
        if (incarnation.isReady) resolve();
      });
      void exited.then(() => {
        const error = incarnation.lastError ?? new Error(`thread ${spec.name} exited without an error`);
        reject(this.#deps.startError?.(spec.name, error) ?? error);
        this.#onExit(thread, incarnation, error);
      });
    });
  }

  #onMessage(name: Name, incarnation: Incarnation, message: FromWorker | WorkerMessage): void {
    const { log, onReady, onMessage } = this.#deps;
    if (isLog(message)) log[message.record.level](message.record.event, message.record.fields);
    else if (isStartupError(message)) {
      incarnation.lastError = new StartupError(message.code, message.message);
      // The thread would live on with what it has opened already, its ports to other threads for instance.
      void terminate(incarnation);
    } else if (message.type === 'ready') {
      incarnation.isReady = true;
      onReady?.(name, message as Extract<FromWorker, { readonly type: 'ready' }>);
    } else onMessage(name, message as OwnMessage<FromWorker>);
  }

  #onExit(thread: SupervisedThread<Name>, { isReady, startedMs }: Incarnation, error: Error): void {
    thread.current = undefined;
    if (this.#phase === 'stopping') return;
    // A thread that cannot start ends the start of all. A thread that was ready while others were starting is started again.
    if (this.#phase === 'starting' && !isReady) return;
    const { name, restartPolicy } = thread.spec;
    this.#deps.onDeath(name, error);
    const delayMs = restartPolicy.delayAfterDeath(this.#deps.clock.monotonicMs(), startedMs);
    if (delayMs !== undefined) {
      thread.restartTimer = setTimeout(() => this.#restart(thread), delayMs);
      return;
    }
    this.#phase = 'stopping';
    this.#deps.onRestartLimitReached?.(name, error);
  }

  #restart(thread: SupervisedThread<Name>): void {
    if (this.#phase === 'stopping') return;
    thread.restarts += 1;
    // A failure is handled in #onExit, as every death is.
    this.#spawn(thread).catch(() => undefined);
    this.#deps.onRestart(thread.spec.name);
  }
}

async function terminate({ worker, setup }: Incarnation): Promise<void> {
  await setup.whenTerminable?.();
  await worker.terminate();
}

function isLog(message: { readonly type: string }): message is Extract<WorkerMessage, { readonly type: 'log' }> {
  return message.type === 'log';
}

function isStartupError(message: {
  readonly type: string;
}): message is Extract<WorkerMessage, { readonly type: 'startup-error' }> {
  return message.type === 'startup-error';
}
