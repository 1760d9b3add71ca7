/** Several threads that serve connections: each has an engine and a client of the agent of its own, and all listen on the same ports. */
import { createServer } from 'node:net';
import type { Clock } from '@lars/runtime/clock';
import type { SharedCounters } from '@lars/runtime/counters';
import { listenError, messageOf, StartupError } from '@lars/runtime/errors';
import type { ListenPlace } from '@lars/runtime/listen-place';
import type { Logger } from '@lars/runtime/log';
import { LimitedRestarts } from '@lars/runtime/threads/restart-policy';
import { WorkerSupervisor, workerScript } from '@lars/runtime/threads/worker-supervisor';
import type { ConnectionLimits } from '../connection-limits.ts';
import type { ProxyCounter, ProxyGauge } from '../counters.ts';
import type { ListenerRules } from '../listen/listener-rules.ts';
import type { CoreOptions, CoreStatus } from '../proxy-core.ts';
import type { MessageToMain, MessageToThread, ThreadData } from './messages.ts';

export interface CoreThreadsDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** One for each thread. */
  readonly counters: readonly SharedCounters<ProxyCounter>[];
  readonly gauges: readonly SharedCounters<ProxyGauge>[];
  readonly limits: ConnectionLimits;
}

type ThreadName = `proxy-${number}`;

const RESTARTS = { maxDeaths: 5, windowMs: 60_000, delayMs: 100 };
/** Beyond the drain, until a thread is terminated. */
const STOP_TIMEOUT_MS = 1_500;
const STATUS_TIMEOUT_MS = 1_000;

export class CoreThreads {
  /** Resolves when threads die too often. */
  readonly failed: Promise<Error>;
  readonly #names: readonly ThreadName[];
  readonly #supervisor: WorkerSupervisor<ThreadName, MessageToThread, MessageToMain>;
  readonly #drainMs: number;
  readonly #waiting = new Map<number, (status: CoreStatus) => void>();
  #places: readonly string[] = [];
  #number = 0;

  private constructor(options: CoreOptions, drainMs: number, deps: CoreThreadsDeps) {
    const { log, clock, counters, gauges, limits } = deps;
    const failed = Promise.withResolvers<Error>();
    this.failed = failed.promise;
    this.#drainMs = drainMs;
    this.#names = counters.map((_, thread): ThreadName => `proxy-${thread}`);
    this.#supervisor = new WorkerSupervisor({
      specs: this.#names.map((name, thread) => ({
        name,
        script: workerScript('./core-thread', import.meta.url),
        restartPolicy: new LimitedRestarts(RESTARTS),
        setUp: () => ({ workerData: threadData(thread, options, drainMs, deps) }),
      })),
      log,
      clock,
      onReady: (name, { places }) => {
        if (name === this.#names[0]) this.#places = places;
      },
      onMessage: (_, message) => this.#waiting.get(message.number)?.(message.status),
      onDeath: (name, error) => {
        const thread = this.#names.indexOf(name);
        limits.releaseThread(thread);
        const { definition } = gauges[thread] as SharedCounters<ProxyGauge>;
        for (const gauge of definition.names) gauges[thread]?.set(definition.at[gauge], 0);
        log.error('a thread has died, and its connections with it', { thread, error: messageOf(error) });
      },
      onRestart: name => log.warn('a thread is started again', { thread: this.#names.indexOf(name) }),
      onRestartLimitReached: (name, error) => failed.resolve(new Error(`thread ${name} dies again and again: ${error.message}`)),
      startError: (name, cause) =>
        cause instanceof StartupError
          ? cause
          : new StartupError('THREAD', `thread ${name} does not start: ${cause.message}`, { cause }),
    });
  }

  /**
   * Resolves when all threads accept.
   * @throws {StartupError} naming the place that cannot be opened
   */
  static async start(options: CoreOptions, drainMs: number, deps: CoreThreadsDeps): Promise<CoreThreads> {
    const places: ListenPlace[] = [];
    for (const rules of options.rules) places.push(await pickPlace(rules));
    const threads = new CoreThreads({ ...options, places, reusePort: true }, drainMs, deps);
    await threads.#supervisor.start();
    return threads;
  }

  get places(): readonly string[] {
    return this.#places;
  }

  /** Of the threads that answer in time. */
  async statuses(): Promise<readonly CoreStatus[]> {
    const answers = await Promise.all(this.#names.map(name => this.#statusOf(name)));
    return answers.filter(status => status !== undefined);
  }

  get deadThreads(): number {
    return this.#names.filter(name => !this.#supervisor.isAlive(name)).length;
  }

  stop(): Promise<void> {
    return this.#supervisor.stop(this.#names, this.#drainMs + STOP_TIMEOUT_MS);
  }

  async #statusOf(name: ThreadName): Promise<CoreStatus | undefined> {
    const number = this.#number++;
    const { promise, resolve } = Promise.withResolvers<CoreStatus | undefined>();
    this.#waiting.set(number, resolve);
    const timer = setTimeout(() => resolve(undefined), STATUS_TIMEOUT_MS);
    this.#supervisor.post(name, { type: 'tellStatus', number });
    const status = await promise;
    clearTimeout(timer);
    this.#waiting.delete(number);
    return status;
  }
}

function threadData(thread: number, options: CoreOptions, drainMs: number, deps: CoreThreadsDeps): ThreadData {
  const { counters, gauges, limits } = deps;
  return {
    thread,
    threads: counters.length,
    options: { ...options, listensOnPaths: thread === 0 },
    drainMs,
    counters: (counters[thread] as SharedCounters<ProxyCounter>).buffer,
    gauges: (gauges[thread] as SharedCounters<ProxyGauge>).buffer,
    limits: limits.buffer,
  };
}

/**
 * Sockets that share a port do not notice another process that shares it, too: so the port is opened once by a socket that shares nothing. It picks a free one
 * where the conf leaves that to the system.
 * @throws {StartupError} when it is taken
 */
async function pickPlace({ name, place }: ListenerRules): Promise<ListenPlace> {
  if ('path' in place) return place;
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(listenError(error, 'TCP port', place.host, place.port, `listener ${name}`)));
    server.listen({ host: place.host, port: place.port, exclusive: true }, resolve);
  });
  const { port } = server.address() as { readonly port: number };
  await new Promise(resolve => server.close(resolve));
  return { ...place, port };
}
