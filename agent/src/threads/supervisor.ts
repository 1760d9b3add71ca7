/**
 * Keeps the agent's worker threads alive: starts them, connects each with each, prints their logs, starts one again when it dies,
 * and gives up when one dies too often. Knows nothing of what the threads do.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { ModuleId } from '@lars/proto';
import type { Clock } from '@lars/runtime/clock';
import { messageOf, StartupError } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import type { TransportFacts } from '../udp/transport.ts';
import type { MessageFromMain, MessageToMain } from './messages.ts';
import { RestartPolicy } from './restart-policy.ts';
import { newTerminationLock, type TerminationLock, waitUntilTerminable } from './termination-lock.ts';
import type { ThreadData } from './thread.ts';

export interface ThreadSpec<Name extends string> {
  readonly name: Name;
  readonly module: URL;
  /** What the thread is given to start with; `lastPort` is what an earlier incarnation had bound, 0 = none. */
  data(lastPort: number): unknown;
}

export interface ReadyThread {
  readonly port: number;
  readonly transport: string;
  readonly facts: TransportFacts | undefined;
}

export interface SupervisorOptions<Name extends string> {
  readonly specs: readonly ThreadSpec<Name>[];
  /** Which threads write to which: one channel per pair. */
  readonly channels: readonly (readonly [Name, Name])[];
  readonly log: Logger;
  readonly clock: Clock;
  /** Called once when a thread dies too often; the reason names it and its last error. */
  readonly onGivenUp: (reason: Error) => void;
}

const MAX_DEATHS = 5;
const DEATHS_WINDOW_MS = 60_000;
const RESTART_DELAY_MS = 50;
const ANSWER_TIMEOUT_MS = 1_000;

interface Incarnation {
  readonly worker: Worker;
  readonly guard: TerminationLock;
  readonly exited: Promise<void>;
  /** It has said that it serves. */
  ready: boolean;
  lastError: Error | undefined;
}

interface Supervised<Name extends string> {
  readonly spec: ThreadSpec<Name>;
  readonly policy: RestartPolicy;
  current: Incarnation | undefined;
  ready: ReadyThread | undefined;
  restarts: number;
}

export class Supervisor<Name extends string> {
  readonly #options: SupervisorOptions<Name>;
  readonly #threads = new Map<Name, Supervised<Name>>();
  readonly #questions = new Map<number, (answer: unknown) => void>();
  #asked = 0;
  #phase: 'starting' | 'running' | 'stopping' = 'starting';

  constructor(options: SupervisorOptions<Name>) {
    this.#options = options;
    for (const spec of options.specs) {
      const policy = new RestartPolicy(MAX_DEATHS, DEATHS_WINDOW_MS);
      this.#threads.set(spec.name, { spec, policy, current: undefined, ready: undefined, restarts: 0 });
    }
  }

  /**
   * Resolves when every thread is ready.
   * @throws {StartupError} what the first thread that could not start says; the others are ended
   */
  async start(): Promise<void> {
    const ready = [...this.#threads.values()].map(thread => this.#spawn(thread));
    for (const [a, b] of this.#options.channels) this.#connect(this.#threadOf(a), this.#threadOf(b));
    try {
      await Promise.all(ready);
      if (this.#phase === 'starting') this.#phase = 'running';
    } catch (error) {
      this.#phase = 'stopping';
      await Promise.allSettled([...this.#threads.values()].map(({ current }) => current && end(current)));
      throw error;
    }
  }

  /** What the thread said when it last became ready; undefined before the first time. */
  readyThread(name: Name): ReadyThread | undefined {
    return this.#threadOf(name).ready;
  }

  restarts(name: Name): number {
    return this.#threadOf(name).restarts;
  }

  /** What the thread says of a module; undefined when it does not answer in time, because it is busy or being replaced. */
  async ask(name: Name, question: ModuleId): Promise<unknown> {
    const { current } = this.#threadOf(name);
    if (current === undefined) return undefined;
    this.#asked += 1;
    const id = this.#asked;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#questions.set(id, resolve);
    const timer = setTimeout(() => resolve(undefined), ANSWER_TIMEOUT_MS);
    this.#post(current.worker, { type: 'ask', id, question });
    const answer = await promise;
    clearTimeout(timer);
    this.#questions.delete(id);
    return answer;
  }

  /** The operating-system-independent end of one thread, as a crash would be: it is started again. For tests and emergencies. */
  async kill(name: Name): Promise<void> {
    const { current } = this.#threadOf(name);
    if (current !== undefined) await end(current);
  }

  /** Asks the named threads to stop, all at once, and waits until they have ended; one that does not end in time is ended. */
  async stop(names: readonly Name[], timeoutMs: number): Promise<void> {
    this.#phase = 'stopping';
    await Promise.all(names.map(name => this.#stopOne(this.#threadOf(name), timeoutMs)));
  }

  async #stopOne({ spec, current }: Supervised<Name>, timeoutMs: number): Promise<void> {
    if (current === undefined) return;
    this.#post(current.worker, { type: 'stop' });
    const timer = setTimeout(() => {
      this.#options.log.warn(`thread ${spec.name} did not stop in time; it is ended`);
      void end(current);
    }, timeoutMs);
    await current.exited;
    clearTimeout(timer);
  }

  #threadOf(name: Name): Supervised<Name> {
    const thread = this.#threads.get(name);
    if (thread === undefined) throw new Error(`there is no thread ${name}`);
    return thread;
  }

  /** Starts an incarnation; resolves when it is ready, rejects when it ended before. */
  #spawn(thread: Supervised<Name>): Promise<void> {
    const { spec } = thread;
    const guard = newTerminationLock();
    const workerData: ThreadData<unknown> = { name: spec.name as never, data: spec.data(thread.ready?.port ?? 0), guard };
    const worker = new Worker(spec.module, { workerData, name: spec.name });
    return new Promise((resolve, reject) => {
      const exited = new Promise<void>(done => worker.once('exit', () => done()));
      const incarnation: Incarnation = { worker, guard, exited, ready: false, lastError: undefined };
      thread.current = incarnation;
      worker.on('error', error => {
        incarnation.lastError = error instanceof Error ? error : new Error(String(error));
      });
      worker.on('message', (mail: MessageToMain) => {
        if (mail.type === 'log') this.#options.log[mail.record.level](mail.record.event, mail.record.fields);
        else if (mail.type === 'answer') this.#questions.get(mail.id)?.(mail.answer);
        else if (mail.type === 'startup-error') {
          incarnation.lastError = new StartupError(mail.code, mail.message);
          // By itself it would live on with whatever it had opened already, its ways to the other threads for instance.
          void end(incarnation);
        } else {
          incarnation.ready = true;
          thread.ready = { port: mail.port, transport: mail.transport, facts: mail.facts };
          resolve();
        }
      });
      void exited.then(() => {
        const error = incarnation.lastError ?? new Error(`thread ${spec.name} ended without a word`);
        reject(error);
        this.#onExit(thread, incarnation.ready, error);
      });
    });
  }

  #onExit(thread: Supervised<Name>, wasReady: boolean, error: Error): void {
    thread.current = undefined;
    if (this.#phase === 'stopping') return;
    // A thread that cannot start ends the start of all; one that served while others were starting is met like any other.
    if (this.#phase === 'starting' && !wasReady) return;
    const { spec, policy } = thread;
    this.#options.log.error(`thread ${spec.name} died`, { error: messageOf(error) });
    if (!policy.mayRestart(this.#options.clock.monotonicMs())) {
      const reason = `thread ${spec.name} died ${MAX_DEATHS + 1} times within ${DEATHS_WINDOW_MS / 1_000} s, last: ${messageOf(error)}`;
      this.#phase = 'stopping';
      this.#options.onGivenUp(new Error(reason, { cause: error }));
      return;
    }
    setTimeout(() => this.#restart(thread), RESTART_DELAY_MS);
  }

  #restart(thread: Supervised<Name>): void {
    if (this.#phase === 'stopping') return;
    thread.restarts += 1;
    this.#options.log.warn(`thread ${thread.spec.name} is started again`);
    // Its failure is met in #onExit, as every death is.
    this.#spawn(thread).catch(() => undefined);
    for (const [a, b] of this.#options.channels) {
      if (a === thread.spec.name || b === thread.spec.name) this.#connect(this.#threadOf(a), this.#threadOf(b));
    }
  }

  #connect(a: Supervised<Name>, b: Supervised<Name>): void {
    if (a.current === undefined || b.current === undefined) return;
    const { port1, port2 } = new MessageChannel();
    this.#post(a.current.worker, { type: 'connect', peer: b.spec.name as never, port: port1 }, [port1]);
    this.#post(b.current.worker, { type: 'connect', peer: a.spec.name as never, port: port2 }, [port2]);
  }

  #post(worker: Worker, mail: MessageFromMain, transfer: readonly MessageChannel['port1'][] = []): void {
    worker.postMessage(mail, [...transfer]);
  }
}

async function end({ worker, guard }: Incarnation): Promise<void> {
  await waitUntilTerminable(guard);
  await worker.terminate();
}
