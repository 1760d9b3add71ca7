/** Supervises the agent's worker threads: connects each with those that it writes to, and gives up when one dies too often. */
import { MessageChannel } from 'node:worker_threads';
import type { Clock } from '@lars/runtime/clock';
import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import { LimitedRestarts } from '@lars/runtime/threads/restart-policy';
import { newTerminationLock, waitUntilTerminable } from '@lars/runtime/threads/termination-lock';
import { type WorkerSetup, WorkerSupervisor } from '@lars/runtime/threads/worker-supervisor';
import type { TransportFacts } from '../udp/transport.ts';
import { HEARTBEAT_MS, type HeartbeatChange, HeartbeatWatch, newHeartbeat } from './heartbeats.ts';
import type { MessageFromMain, MessageToMain, ShardQuery } from './messages.ts';
import type { ThreadData } from './thread.ts';

export interface ThreadSpec<Name extends string> {
  readonly name: Name;
  readonly script: URL;
  /** What the thread is given to start with; `lastPort` is the port that an earlier incarnation had bound, 0 = none. */
  data(lastPort: number): unknown;
}

export interface ReadyThread {
  readonly port: number;
  readonly transport: string;
  readonly facts: TransportFacts | undefined;
}

/** What the supervisor leaves to the agent. */
export type MessageForAgent = Extract<MessageToMain, { readonly type: 'route-memory' }>;

export interface SupervisorDeps<Name extends string> {
  readonly specs: readonly ThreadSpec<Name>[];
  /** Which threads write to which: one channel per pair. */
  readonly channels: readonly (readonly [Name, Name])[];
  readonly log: Logger;
  readonly clock: Clock;
  /** A message that is no answer; the threads' messages to main are in messages.ts. */
  readonly onMessage?: (message: MessageForAgent) => void;
  /** Called once when a thread dies too often; the reason names it and its last error. */
  readonly onRestartLimitReached: (reason: Error) => void;
}

const MAX_DEATHS = 5;
const DEATHS_WINDOW_MS = 60_000;
const RESTART_DELAY_MS = 50;
const ANSWER_TIMEOUT_MS = 1_000;
const HEARTBEATS = { silentMs: 3_000, replaceMs: 10_000, startMs: 60_000, maxStepMs: 2 * HEARTBEAT_MS } as const;

export class Supervisor<Name extends string> {
  readonly #deps: SupervisorDeps<Name>;
  readonly #workers: WorkerSupervisor<Name, MessageFromMain, MessageToMain>;
  readonly #ready = new Map<Name, ReadyThread>();
  readonly #requests = new Map<number, (answer: unknown) => void>();
  readonly #heartbeats = new HeartbeatWatch<Name>(HEARTBEATS);
  readonly #silences = new Map<Name, number>();
  #heartbeatTimer: NodeJS.Timeout | undefined;
  #lastRequestId = 0;

  constructor(deps: SupervisorDeps<Name>) {
    const { specs, log, clock } = deps;
    this.#deps = deps;
    this.#workers = new WorkerSupervisor({
      specs: specs.map(spec => ({
        name: spec.name,
        script: spec.script,
        restartPolicy: new LimitedRestarts({ maxDeaths: MAX_DEATHS, windowMs: DEATHS_WINDOW_MS, delayMs: RESTART_DELAY_MS }),
        setUp: () => this.#setUp(spec),
      })),
      log,
      clock,
      onReady: (name, { port, transport, facts }) => this.#ready.set(name, { port, transport, facts }),
      onMessage: (_, message) => this.#onMessage(message),
      onDeath: (name, error) => {
        this.#heartbeats.end(name);
        log.error(`thread ${name} died`, { error: messageOf(error) });
      },
      onRestart: name => this.#onRestart(name),
      onRestartLimitReached: (name, error) => this.#onRestartLimitReached(name, error),
    });
  }

  /**
   * Resolves when every thread is ready.
   * @throws {StartupError} the error of the first thread that could not start; the others are terminated
   */
  async start(): Promise<void> {
    const started = this.#workers.start();
    this.#heartbeatTimer = setInterval(() => this.#lookAtHeartbeats(), HEARTBEAT_MS).unref();
    for (const [a, b] of this.#deps.channels) this.#connectThreads(a, b);
    try {
      await started;
    } catch (error) {
      clearInterval(this.#heartbeatTimer);
      throw error;
    }
  }

  /** What the thread said when it last became ready; undefined before the first time. */
  readyThread(name: Name): ReadyThread | undefined {
    return this.#ready.get(name);
  }

  restarts(name: Name): number {
    return this.#workers.restarts(name);
  }

  /** How often the thread was silent for 3 s, as one that hangs is. */
  silences(name: Name): number {
    return this.#silences.get(name) ?? 0;
  }

  /** Whether no thread is silent. */
  get isAlive(): boolean {
    return this.#heartbeats.areAllWell;
  }

  /** The thread's answer to a query; undefined when it does not answer in time, because it is busy or being replaced. */
  async askThread(name: Name, query: ShardQuery): Promise<unknown> {
    if (!this.#workers.isAlive(name)) return undefined;
    this.#lastRequestId += 1;
    const id = this.#lastRequestId;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#requests.set(id, resolve);
    const timer = setTimeout(() => resolve(undefined), ANSWER_TIMEOUT_MS);
    this.#workers.post(name, { type: 'ask', id, query });
    const answer = await promise;
    clearTimeout(timer);
    this.#requests.delete(id);
    return answer;
  }

  /** A thread that is not alive does not get it: what it is started with must say the same. */
  post(name: Name, message: MessageFromMain): void {
    if (this.#workers.isAlive(name)) this.#workers.post(name, message);
  }

  /** Ends a thread as a crash would; it is started again. For tests and emergencies. */
  kill(name: Name): Promise<void> {
    return this.#workers.kill(name);
  }

  /** Asks the named threads to stop, all at once, and waits until they have ended; terminates a thread that does not end in time. */
  stop(names: readonly Name[], timeoutMs: number): Promise<void> {
    clearInterval(this.#heartbeatTimer);
    return this.#workers.stop(names, timeoutMs);
  }

  #setUp(spec: ThreadSpec<Name>): WorkerSetup {
    const lock = newTerminationLock();
    const heartbeat = newHeartbeat();
    this.#heartbeats.begin(spec.name, heartbeat);
    const data = spec.data(this.#ready.get(spec.name)?.port ?? 0);
    const workerData: ThreadData<unknown> = { name: spec.name as never, data, lock, heartbeat };
    return { workerData, whenTerminable: () => waitUntilTerminable(lock) };
  }

  #onMessage(message: MessageForAgent | Extract<MessageToMain, { readonly type: 'answer' }>): void {
    if (message.type === 'answer') this.#requests.get(message.id)?.(message.answer);
    else this.#deps.onMessage?.(message);
  }

  #lookAtHeartbeats(): void {
    for (const change of this.#heartbeats.look(this.#deps.clock.monotonicMs())) this.#onHeartbeat(change);
  }

  #onHeartbeat({ name, what, silentMs }: HeartbeatChange<Name>): void {
    const { log } = this.#deps;
    const seconds = Math.round(silentMs / 1_000);
    if (what === 'silent') {
      this.#silences.set(name, this.silences(name) + 1);
      log.warn(`thread ${name} is silent`, { seconds });
    } else if (what === 'back') log.info(`thread ${name} is back`, { silentSeconds: seconds });
    else if (what === 'replace') {
      log.error(`thread ${name} hangs; replaced`, { seconds });
      void this.kill(name);
    } else {
      // It hangs where nothing can end it, in a system call for instance; a new process is needed.
      this.#deps.onRestartLimitReached(new Error(`thread ${name} hangs and cannot be terminated`));
    }
  }

  #onRestart(name: Name): void {
    this.#deps.log.warn(`thread ${name} is started again`);
    for (const [a, b] of this.#deps.channels) if (a === name || b === name) this.#connectThreads(a, b);
  }

  #onRestartLimitReached(name: Name, error: Error): void {
    const times = `${MAX_DEATHS + 1} times within ${DEATHS_WINDOW_MS / 1_000} s`;
    this.#deps.onRestartLimitReached(new Error(`thread ${name} died ${times}, last: ${messageOf(error)}`, { cause: error }));
  }

  #connectThreads(a: Name, b: Name): void {
    if (!this.#workers.isAlive(a) || !this.#workers.isAlive(b)) return;
    const { port1, port2 } = new MessageChannel();
    this.#workers.post(a, { type: 'connect', thread: b as never, port: port1 }, [port1]);
    this.#workers.post(b, { type: 'connect', thread: a as never, port: port2 }, [port2]);
  }
}
