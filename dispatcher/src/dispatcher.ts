import { type Connection, createEngine, type Descriptors, type Engine, loadDescriptors } from '@lars/reactor';
import { ProtocolError } from '@lars/reactor/number-frames';
import { type Clock, systemClock } from '@lars/runtime/clock';
import { keepCompiledCode } from '@lars/runtime/compiled-code';
import { SharedCounters } from '@lars/runtime/counters';
import { StartupError } from '@lars/runtime/errors';
import type { HealthServer } from '@lars/runtime/http/health-server';
import type { Logger } from '@lars/runtime/log';
import { HandOver } from '@lars/runtime/succession/hand-over';
import { Predecessor, withoutPredecessor } from '@lars/runtime/succession/predecessor';
import { Succession } from '@lars/runtime/succession/succession';
import { UnixListener } from '@lars/runtime/unix-listener';
import { dispatcherCounters } from './counters.ts';
import { serveHttp } from './dispatcher-http.ts';
import { type WorkerDocument, workerDocuments } from './dispatcher-metrics.ts';
import { closeGone } from './gone-clients.ts';
import { leaveToSuccessor } from './leave-to-successor.ts';
import { Listeners } from './listeners.ts';
import { type DispatcherDeps, type DispatcherOptions, neededFiles } from './options.ts';
import { checkProgram } from './program-file.ts';
import type { RunningDispatcher } from './running-dispatcher.ts';
import { TICK_MS, waitUntil } from './tick.ts';
import type { Accepted } from './worker-account.ts';
import { WorkerConnection } from './worker-connection.ts';
import { WorkerPool } from './worker-pool.ts';
import { WorkerProcesses } from './worker-processes.ts';

const WORKERS_SOCKET = { name: '--socket', title: 'the workers socket' };
/** What stopping takes beside waiting and draining. */
const STOP_SLACK_MS = 3_000;

/**
 * Starts the dispatcher: it accepts connections and passes each to the worker with the fewest.
 * @throws {StartupError} when descriptors cannot be passed here, or a place is taken
 */
export async function startDispatcher(options: DispatcherOptions, deps: DispatcherDeps): Promise<RunningDispatcher> {
  keepCompiledCode();
  const outcome = await loadDescriptors();
  if ('unavailable' in outcome)
    throw new StartupError('UNAVAILABLE', `descriptors cannot be passed here: ${outcome.unavailable}`);
  const { log, clock = systemClock } = deps;
  const engine = await createEngine({}, { log, nowMs: () => clock.monotonicMs() });
  if (engine.kind === 'node') throw new StartupError('UNAVAILABLE', `descriptors cannot be passed here: ${engine.reason}`);
  const dispatcher = new Dispatcher(options, engine, outcome.descriptors, deps);
  try {
    await dispatcher.start(deps.stopping);
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
  readonly #listeners: Listeners;
  readonly #workersSocket: UnixListener;
  readonly handOver = new HandOver();
  /** The dispatcher from which this one takes over, until that has released what it listened to. */
  #predecessor: Predecessor | undefined;
  #succession: Succession | undefined;
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
      closeGone: (connections, forNewcomer) => closeGone(descriptors, connections, forNewcomer),
      refuse: connection => this.#refuse(connection),
      isWanted: ticket => ticket === 0 || (this.#processes?.isWanted(ticket) ?? false),
      onReady: ticket => this.#processes?.onReady(ticket),
      onLeaving: ticket => this.#processes?.onLeaving(ticket),
      onGone: ticket => this.#processes?.onGone(ticket),
    });
    this.#listeners = new Listeners({
      engine,
      descriptors,
      log,
      acceptorOf: listener => ({
        onDescriptor: fd => this.#onDescriptor(fd, listener),
        onAccepted: () => this.#onAccepted(),
      }),
      isOffering: () => this.#succession !== undefined,
    });
    this.#workersSocket = new UnixListener(
      { ...WORKERS_SOCKET, path: options.socketPath, mode: options.socketMode, backlog: options.backlog },
      { engine, descriptors, log, onConnection: connection => this.#onWorker(connection) },
    );
    if (options.processes !== undefined) {
      this.#processes = new WorkerProcesses(options.processes, {
        log,
        random,
        nowMs: () => clock.monotonicMs(),
        socketPath: options.socketPath,
        drain: ticket => this.#pool.drainTicket(ticket, this.#nowMs()),
      });
    }
  }

  async start(stopping?: AbortSignal): Promise<void> {
    const { listen, backlog, inheritedFds = [], takesOver = false, socketPath, http, processes } = this.#options;
    if (processes !== undefined) checkProgram(processes.command[0], process.env['PATH']);
    const met = takesOver
      ? await Predecessor.meet(
          { descriptors: this.#descriptors, log: this.#log },
          { service: 'dispatcher', path: socketPath, stopping },
        )
      : undefined;
    this.#predecessor = met?.predecessor;
    const [workersFd, ...fds] = met?.fds ?? [];
    await this.#workersSocket.open(workersFd);
    const opening = this.#listeners.open(listen, backlog, met === undefined ? inheritedFds : fds, met !== undefined);
    await (takesOver && met === undefined
      ? opening.catch(error => Promise.reject(withoutPredecessor(error, socketPath)))
      : opening);
    this.#places = this.#listeners.places;
    if (met !== undefined) await this.#takeOver(met.predecessor);
    if (http !== undefined) this.#http = await this.#serveHttp(http, takesOver);
    this.#log.info('dispatcher ready', { listen: this.#places.join(' '), workers: socketPath, engine: this.engine });
    if (met === undefined) this.#processes?.start();
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

  abandon(): void {
    this.#processes?.abandon();
  }

  /** What was accepted is handed over before the workers drain. */
  async #stop(): Promise<void> {
    // What the dispatcher before this one has is its own, as long as it was not released.
    if (this.#predecessor !== undefined) {
      await this.#listeners.leaveTo(this.#listeners.inherited);
      this.#workersSocket.leave();
      this.#predecessor.close();
    }
    // Who is about to take over has what is listened to already, is left the files, and sees that this process is gone.
    if (this.#succession !== undefined) {
      await this.#listeners.leaveTo(new Set(this.#listeners.fds.keys()));
      this.#workersSocket.leave();
      this.#succession.close();
    }
    await this.#listeners.close();
    await this.#waitUntil(() => !this.#pool.isHandingOver, this.#options.lastWaitMs);
    await this.#end();
  }

  async #end(): Promise<void> {
    await this.#processes?.stop();
    await this.#workersSocket.close();
    this.#pool.close(this.#nowMs());
    await Promise.all([this.#engine.close(), this.#http?.close()]);
  }

  /** Begins to accept when the workers that are started here are ready. @throws {StartupError} when none is; the other dispatcher goes on then */
  async #takeOver(predecessor: Predecessor): Promise<void> {
    const { processes } = this.#options;
    this.#processes?.start();
    const readyCount = () => this.#pool.sessions.filter(({ kind }) => kind === 'ready').length;
    if (processes !== undefined) {
      await this.#waitUntil(() => predecessor.isForbidden || readyCount() >= processes.count, processes.startMs);
      if (readyCount() === 0 && !predecessor.isForbidden)
        throw new StartupError('TAKEOVER', 'no worker became ready, and the dispatcher before goes on');
    }
    this.handOver.watchdogMs = await predecessor.release(this.#listeners.claims);
    this.#predecessor = undefined;
    this.#listeners.resume();
    void predecessor.takeRest(
      (fd, origin) => this.#onDescriptor(fd, this.#listeners.claimantOf(origin)),
      () => this.#onAccepted(),
    );
  }

  /** Another dispatcher asks for what this one listens to, and is offered it. Workers that connect meanwhile wait, for whoever is there in the end. */
  #beginSuccession(connection: Connection, fd: number): Succession {
    if (this.#succession !== undefined || this.#stopping !== undefined) throw new ProtocolError('another one takes over already');
    const succession = new Succession(
      { service: 'dispatcher', fd },
      {
        engine: this.#engine,
        connection,
        descriptors: this.#descriptors,
        offers: () => [this.#workersSocket.fd, ...this.#listeners.fds],
        onReady: claimed => {
          this.#stopping ??= this.#leaveTo(succession, claimed);
        },
        onAbandoned: () => {
          if (this.#stopping !== undefined) return;
          this.#succession = undefined;
          this.#workersSocket.resume();
          this.#log.warn('the dispatcher that was to take over went away: this one goes on');
        },
      },
    );
    this.#log.info('another dispatcher asks to take over', { successor: succession.pid });
    this.#succession = succession;
    this.#workersSocket.pause();
    return succession;
  }

  async #leaveTo(succession: Succession, claimed: ReadonlySet<number>): Promise<void> {
    await leaveToSuccessor(succession, claimed, this.#options.lastWaitMs, {
      log: this.#log,
      listeners: this.#listeners,
      workersSocket: this.#workersSocket,
      pool: this.#pool,
      waitUntil: (isTrue, limitMs) => this.#waitUntil(isTrue, limitMs),
      closeHttp: async () => this.#http?.close(),
      handOver: this.handOver,
      onMoved: ({ fd }) => {
        this.counters.add(dispatcherCounters.at.movedOn);
        this.#descriptors.close(fd);
      },
      refuse: one => this.#refuse(one),
    });
    await this.#end();
    this.#log.info('handed over');
    this.handOver.finish();
  }

  #waitUntil(isTrue: () => boolean, limitMs: number): Promise<void> {
    return waitUntil(isTrue, limitMs, { engine: this.#engine, nowMs: () => this.#nowMs() });
  }

  #onDescriptor(fd: number, listener: number): void {
    const nowMs = this.#nowMs();
    this.#pool.onAccept({ fd, listener, acceptedMs: nowMs }, nowMs);
  }

  #onAccepted(): void {
    this.#pool.onAccepted(this.#nowMs());
    this.#keepTicking();
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
        onSuccessor: (connection, fd) => this.#beginSuccession(connection, fd),
      },
      accepted,
    );
    this.#workerConnections.add(connection);
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

  #serveHttp(place: { readonly ip: string; readonly port: number }, takesOver: boolean): Promise<HealthServer> {
    return serveHttp(place, takesOver, {
      log: this.#log,
      pool: this.#pool,
      counters: this.counters,
      places: { listen: this.#places.join(' '), socket: this.#options.socketPath, engine: this.engine },
      neededFiles: neededFiles(this.#options),
      upMs: () => this.#nowMs() - this.#startedMs,
      isDraining: () => this.#stopping !== undefined,
      wait: ms => this.#waitUntil(() => false, ms),
    });
  }

  #nowMs(): number {
    return this.#clock.monotonicMs();
  }
}
