/** Several threads that serve connections: each has an engine and a client of the agent of its own. */
import type { Clock } from '@lars/runtime/clock';
import type { SharedCounters } from '@lars/runtime/counters';
import { messageOf, StartupError } from '@lars/runtime/errors';
import type { ListenPlace } from '@lars/runtime/listen-place';
import type { Logger } from '@lars/runtime/log';
import { LimitedRestarts } from '@lars/runtime/threads/restart-policy';
import { newTerminationLock, waitUntilTerminable } from '@lars/runtime/threads/termination-lock';
import { WorkerSupervisor, workerScript } from '@lars/runtime/threads/worker-supervisor';
import type { ConnectionLimits } from '../connection-limits.ts';
import type { Cores } from '../cores.ts';
import {
  type ProxyCounter,
  type ProxyGauge,
  type ThreadCounter,
  type ThreadGauge,
  threadCounters,
  threadGauges,
} from '../counters.ts';
import { pickPlace } from '../listen/open-listener.ts';
import type { CoreOptions, CoreStatus } from '../proxy-core.ts';
import type { Answer, MessageToMain, MessageToThread, ThreadData } from './messages.ts';
import type { SocketShares } from './socket-shares.ts';

export interface CoreThreadsDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** One for each thread. */
  readonly counters: readonly SharedCounters<ProxyCounter>[];
  readonly gauges: readonly SharedCounters<ProxyGauge>[];
  readonly limits: ConnectionLimits;
  readonly threadCounters: readonly SharedCounters<ThreadCounter>[];
  readonly threadGauges: readonly SharedCounters<ThreadGauge>[];
  /** Which thread accepts from which socket; undefined: each opens what it listens to itself, on ports that they share. */
  readonly shares: SocketShares | undefined;
  /** Threads die too often. */
  readonly onFailed: (error: Error) => void;
}

type ThreadName = `proxy-${number}`;
type Asking = Extract<MessageToThread, { readonly number: number }>;

const RESTARTS = { maxDeaths: 5, windowMs: 60_000, delayMs: 100 };
/** Beyond the drain, until a thread is terminated. */
const STOP_TIMEOUT_MS = 1_500;
const ANSWER_TIMEOUT_MS = 1_000;

export class CoreThreads implements Cores {
  readonly #names: readonly ThreadName[];
  readonly #supervisor: WorkerSupervisor<ThreadName, MessageToThread, MessageToMain>;
  readonly #deps: CoreThreadsDeps;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #places: readonly string[] = [];
  #number = 0;
  #isAccepting = false;

  private constructor(options: CoreOptions, deps: CoreThreadsDeps) {
    const { log, clock, counters, onFailed } = deps;
    this.#deps = deps;
    this.#names = counters.map((_, thread): ThreadName => `proxy-${thread}`);
    this.#supervisor = new WorkerSupervisor({
      specs: this.#names.map((name, thread) => ({
        name,
        script: workerScript('./core-thread', import.meta.url),
        restartPolicy: new LimitedRestarts(RESTARTS),
        setUp: () => {
          const lock = newTerminationLock();
          const workerData = { ...threadData(thread, options, deps), lock } satisfies ThreadData;
          return { workerData, whenTerminable: () => waitUntilTerminable(lock) };
        },
      })),
      log,
      clock,
      onReady: (name, { places }) => {
        const thread = this.#names.indexOf(name);
        if (thread === 0) this.#places = places;
        deps.threadGauges[thread]?.set(threadGauges.at.threadDead, 0);
        if (this.#isAccepting) void this.#reassign();
      },
      onMessage: (_, message) => this.#waiting.get(message.number)?.(message),
      onDeath: (name, error) => this.#onDeath(this.#names.indexOf(name), error),
      onRestart: name => {
        const thread = this.#names.indexOf(name);
        deps.threadCounters[thread]?.add(threadCounters.at.threadRestarts);
        log.warn('a thread is started again', { thread });
      },
      onRestartLimitReached: (name, error) => onFailed(new Error(`thread ${name} dies again and again: ${error.message}`)),
      startError: (name, cause) =>
        cause instanceof StartupError
          ? cause
          : new StartupError('THREAD', `thread ${name} does not start: ${cause.message}`, { cause }),
    });
  }

  /**
   * Resolves when all threads are there; without `shares` they accept.
   * @throws {StartupError} naming the place that cannot be opened
   */
  static async start(options: CoreOptions, deps: CoreThreadsDeps): Promise<CoreThreads> {
    const places: ListenPlace[] = [];
    if (options.opensListeners) for (const rules of options.rules) places.push(await pickPlace(rules));
    const threads = new CoreThreads({ ...options, places, reusePort: true }, deps);
    await threads.#supervisor.start();
    return threads;
  }

  get places(): readonly string[] {
    return this.#places;
  }

  /** Of the threads that answer in time. */
  async statuses(): Promise<readonly CoreStatus[]> {
    const answers = await Promise.all(this.#names.map(name => this.#ask(name, { type: 'tellStatus', number: this.#number++ })));
    return answers.flatMap(answer => (answer?.type === 'status' ? answer.status : []));
  }

  async serve(): Promise<void> {
    this.#isAccepting = true;
    await this.#reassign();
  }

  async leave(sockets: ReadonlySet<number>): Promise<void> {
    this.#isAccepting = false;
    await Promise.all(this.#names.map((_, thread) => this.#takeBack(thread, [...sockets])));
  }

  async renew(socket: number): Promise<void> {
    const { shares } = this.#deps;
    await Promise.all((shares?.threadsOf(socket) ?? []).map(thread => this.#takeBack(thread, [socket])));
    await this.#reassign();
  }

  limitDrain(drainMs: number): void {
    for (const name of this.#names) this.#supervisor.post(name, { type: 'limitDrain', drainMs });
  }

  async stop(drainMs: number): Promise<void> {
    this.#isAccepting = false;
    this.limitDrain(drainMs);
    await this.#supervisor.stop(this.#names, drainMs + STOP_TIMEOUT_MS);
  }

  /** Gives each living thread what it is to accept from, and takes back what it had for one that was dead. */
  async #reassign(): Promise<void> {
    const { shares } = this.#deps;
    if (shares === undefined) return;
    const living = this.#names.flatMap((name, thread) => (this.#supervisor.isReady(name) ? [thread] : []));
    const changes = shares.reassign(living);
    await Promise.all(
      changes.map(async ({ thread, descriptors }) => {
        const name = this.#names[thread] as ThreadName;
        await this.#ask(name, { type: 'serve', number: this.#number++, descriptors });
      }),
    );
    await Promise.all(shares.surplus(living).map(({ thread, sockets }) => this.#takeBack(thread, sockets)));
  }

  async #takeBack(thread: number, sockets: readonly number[]): Promise<void> {
    const answer = await this.#ask(this.#names[thread] as ThreadName, { type: 'leave', number: this.#number++, sockets });
    if (answer?.type === 'done') this.#deps.shares?.takeBack(thread, sockets, answer.fds);
  }

  /** What waits at its sockets, and what comes to them, is accepted by another thread until it is there again. */
  #onDeath(thread: number, error: Error): void {
    const { log, limits, gauges, shares } = this.#deps;
    limits.releaseThread(thread);
    this.#deps.threadGauges[thread]?.set(threadGauges.at.threadDead, 1);
    const { definition } = gauges[thread] as SharedCounters<ProxyGauge>;
    for (const gauge of definition.names) gauges[thread]?.set(definition.at[gauge], 0);
    const connections = shares?.bury(thread);
    if (this.#isAccepting) void this.#reassign();
    log.error('a thread has died, and its connections with it; the others accept for it', {
      thread,
      error: messageOf(error),
      ...(connections === undefined ? {} : { connections }),
    });
  }

  /** @returns undefined when the thread does not answer in time */
  async #ask(name: ThreadName, message: Asking): Promise<Answer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    this.#waiting.set(message.number, resolve);
    const timer = setTimeout(() => resolve(undefined), ANSWER_TIMEOUT_MS);
    this.#supervisor.post(name, message);
    const answer = await promise;
    clearTimeout(timer);
    this.#waiting.delete(message.number);
    return answer;
  }
}

function threadData(thread: number, options: CoreOptions, deps: CoreThreadsDeps): Omit<ThreadData, 'lock'> {
  const { counters, gauges, limits, shares } = deps;
  return {
    thread,
    threads: counters.length,
    options: { ...options, isFirst: thread === 0 },
    counters: (counters[thread] as SharedCounters<ProxyCounter>).buffer,
    gauges: (gauges[thread] as SharedCounters<ProxyGauge>).buffer,
    limits: limits.buffer,
    ledger: shares?.ledgerOf(thread).buffer,
  };
}
