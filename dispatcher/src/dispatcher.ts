import {
  type Connection,
  createEngine,
  type DescriptorAcceptor,
  type Descriptors,
  type Engine,
  type Listener,
  loadDescriptors,
} from '@lars/reactor';
import { type Clock, systemClock } from '@lars/runtime/clock';
import { SharedCounters } from '@lars/runtime/counters';
import { messageOf, StartupError } from '@lars/runtime/errors';
import { type HealthServer, startHealthServer } from '@lars/runtime/http/health-server';
import type { Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { type DispatcherCounter, dispatcherCounters } from './counters.ts';
import { dispatcherHealth, dispatcherMetrics, type WorkerDocument, workerDocuments } from './dispatcher-metrics.ts';
import { type DispatcherOptions, formatPlace, type ListenPlace } from './options.ts';
import type { Accepted } from './worker-account.ts';
import { WorkerConnection } from './worker-connection.ts';
import { WorkerPool } from './worker-pool.ts';
import { WorkerProcesses } from './worker-processes.ts';
import { listenOnPath } from './workers-socket.ts';

export interface DispatcherDeps {
  readonly log: Logger;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

export interface RunningDispatcher extends Service {
  /** Where it accepts, with the ports that the system has picked. */
  readonly places: readonly string[];
  readonly httpPort: number;
  /** Which engine accepts. */
  readonly engine: string;
  readonly counters: SharedCounters<DispatcherCounter>;
  workers(): readonly WorkerDocument[];
  /** Replaces the workers that it has started, one after the other: the new one is there before the old one drains. */
  roll(): Promise<void>;
}

/** How often what has a time limit is looked at, while there is such. */
const TICK_MS = 20;
/** What stopping takes beside waiting and draining. */
const STOP_SLACK_MS = 3_000;

/**
 * Starts the dispatcher: it accepts connections and passes each to the worker with the fewest.
 * @throws {StartupError} when descriptors cannot be passed here, or a place is taken
 */
export async function startDispatcher(options: DispatcherOptions, deps: DispatcherDeps): Promise<RunningDispatcher> {
  const outcome = await loadDescriptors();
  if ('unavailable' in outcome)
    throw new StartupError('UNAVAILABLE', `descriptors cannot be passed here: ${outcome.unavailable}`);
  const { log, clock = systemClock } = deps;
  const engine = await createEngine({}, { log, nowMs: () => clock.monotonicMs() });
  if (engine.kind === 'node') throw new StartupError('UNAVAILABLE', `descriptors cannot be passed here: ${engine.reason}`);
  const dispatcher = new Dispatcher(options, engine, outcome.descriptors, deps);
  try {
    await dispatcher.start();
  } catch (error) {
    await dispatcher.stop();
    throw error;
  }
  return dispatcher;
}

class Dispatcher implements RunningDispatcher {
  readonly name = 'dispatcher';
  /** Never resolves: an error while it runs concerns one connection or one worker. */
  readonly failed = new Promise<Error>(() => {});
  readonly counters = new SharedCounters(dispatcherCounters);
  readonly stopDeadlineMs: number;
  readonly #options: DispatcherOptions;
  readonly #engine: Engine;
  readonly #descriptors: Descriptors;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #pool: WorkerPool;
  readonly #processes: WorkerProcesses | undefined;
  readonly #workerConnections = new Set<WorkerConnection>();
  #listeners: Listener[] = [];
  #places: readonly string[] = [];
  #http: HealthServer | undefined;
  #isTicking = false;
  #stopping: Promise<void> | undefined;

  constructor(options: DispatcherOptions, engine: Engine, descriptors: Descriptors, deps: DispatcherDeps) {
    const { log, clock = systemClock, random = Math.random } = deps;
    this.#options = options;
    this.#engine = engine;
    this.#descriptors = descriptors;
    this.#log = log;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.stopDeadlineMs = STOP_SLACK_MS + options.lastWaitMs + (options.processes?.drainMs ?? 0);
    this.#pool = new WorkerPool(options.pool, {
      log,
      counters: this.counters,
      random,
      onTaken: ({ fd }) => descriptors.close(fd),
      refuse: connection => this.#refuse(connection),
      isWanted: ticket => ticket === 0 || (this.#processes?.isWanted(ticket) ?? false),
      onReady: ticket => this.#processes?.onReady(ticket),
      onLeaving: ticket => this.#processes?.onLeaving(ticket),
    });
    if (options.processes !== undefined) {
      this.#processes = new WorkerProcesses(options.processes, {
        log,
        random,
        nowMs: () => clock.monotonicMs(),
        socketPath: options.socketPath,
        drain: ticket => this.#drain(ticket),
      });
    }
  }

  async start(): Promise<void> {
    const { http, socketPath, socketMode } = this.#options;
    const control = { path: socketPath, option: '--socket', mode: socketMode, backlog: this.#options.backlog };
    const workers = await listenOnPath(control, place => this.#engine.listen(place, connection => this.#onWorker(connection)));
    for (const [index, place] of this.#options.listen.entries()) {
      this.#listeners.push(await this.#listen(place, index));
    }
    this.#places = this.#listeners.map(({ address: { family, host, port } }) =>
      formatPlace(family === 'unix' ? { path: host } : { host, port }),
    );
    this.#listeners.push(workers);
    if (http !== undefined) this.#http = await this.#serveHttp(http);
    this.#log.info('dispatcher ready', { listen: this.#places.join(' '), workers: socketPath, engine: this.engine });
    this.#processes?.start();
  }

  get places(): readonly string[] {
    return this.#places;
  }

  get httpPort(): number {
    return this.#http?.port ?? 0;
  }

  get engine(): string {
    return this.#engine.kind;
  }

  workers(): readonly WorkerDocument[] {
    this.#pool.readStatus();
    return workerDocuments(this.#pool);
  }

  async roll(): Promise<void> {
    if (this.#processes === undefined) this.#log.info('no workers were started here, so there are none to replace');
    else await this.#processes.roll();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** What was accepted is handed over before the workers drain. */
  async #stop(): Promise<void> {
    const workersListener = this.#listeners.pop();
    await Promise.all(this.#listeners.map(listener => listener.close()));
    await this.#handOverRest();
    await this.#processes?.stop();
    await workersListener?.close();
    this.#pool.close(this.#nowMs());
    await Promise.all([this.#engine.close(), this.#http?.close()]);
  }

  async #handOverRest(): Promise<void> {
    const deadlineMs = this.#nowMs() + this.#options.lastWaitMs;
    while (this.#pool.isHandingOver && this.#nowMs() < deadlineMs) {
      await new Promise<void>(resolve => {
        this.#engine.after(TICK_MS, resolve);
      });
    }
  }

  async #listen(place: ListenPlace, index: number): Promise<Listener> {
    const { backlog } = this.#options;
    const acceptor: DescriptorAcceptor = {
      onDescriptor: fd => {
        const nowMs = this.#nowMs();
        this.#pool.onAccept({ fd, listener: index, acceptedMs: nowMs }, nowMs);
      },
      onAccepted: () => {
        this.#pool.onAccepted(this.#nowMs());
        this.#keepTicking();
      },
    };
    if ('path' in place) {
      const options = { path: place.path, option: '--listen', mode: undefined, backlog };
      return listenOnPath(options, path => this.#engine.acceptDescriptors(path, acceptor));
    }
    try {
      // Whether small writes leave at once is for the worker to say.
      return await this.#engine.acceptDescriptors({ ...place, backlog, noDelay: false }, acceptor);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'LISTEN_FAILED';
      throw new StartupError(code, `--listen ${formatPlace(place)} cannot be opened: ${messageOf(error)}`, { cause: error });
    }
  }

  #onWorker(accepted: Connection): void {
    // Each worker has two.
    if (this.#workerConnections.size >= 2 * this.#options.pool.maxWorkers) {
      this.counters.add(dispatcherCounters.at.workersRefused);
      accepted.destroy();
      return;
    }
    const connection = new WorkerConnection(
      {
        engine: this.#engine,
        descriptors: this.#descriptors,
        pool: this.#pool,
        log: this.#log,
        nowMs: () => this.#nowMs(),
        onRefused: () => this.counters.add(dispatcherCounters.at.workersRefused),
        onChange: () => this.#keepTicking(),
        onClosed: closed => this.#workerConnections.delete(closed),
      },
      accepted,
    );
    this.#workerConnections.add(connection);
  }

  #drain(ticket: number): boolean {
    const session = this.#pool.sessions.find(one => one.ticket === ticket);
    if (session === undefined) return false;
    this.#pool.drain(session, this.#nowMs());
    return true;
  }

  #refuse({ fd }: Accepted): void {
    const connection = this.#engine.adopt(fd);
    if (this.#options.refuseBy === 'reset') connection.reset();
    else connection.destroy();
  }

  #keepTicking(): void {
    if (this.#isTicking || !this.#pool.isBusy) return;
    this.#isTicking = true;
    this.#engine.after(TICK_MS, () => {
      this.#isTicking = false;
      this.#pool.tick(this.#nowMs());
      this.#keepTicking();
    });
  }

  #serveHttp(http: { readonly ip: string; readonly port: number }): Promise<HealthServer> {
    const places = { listen: this.#places.join(' '), socket: this.#options.socketPath, engine: this.engine };
    return startHealthServer({
      ...http,
      confKey: '--http',
      health: () => {
        this.#pool.readStatus();
        return dispatcherHealth(this.#pool, this.#nowMs() - this.#startedMs, places);
      },
      registry: async () => {
        this.#pool.readStatus();
        return dispatcherMetrics(this.counters, this.#pool);
      },
      document: async path => (path === '/workers' ? { workers: this.workers() } : undefined),
    });
  }

  #nowMs(): number {
    return this.#clock.monotonicMs();
  }
}
