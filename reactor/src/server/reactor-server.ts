import { checkMs, checkWhole } from '../check-options.ts';
import { createPassingEngine } from '../create-engine.ts';
import { type Address, type Engine, EngineError, type EngineLog, type Listener } from '../engine.ts';
import { asError } from '../engine-core.ts';
import type { Passing } from '../passing.ts';
import { chooseThread, type ThreadLoad } from './choose-thread.ts';
import type { PoolWay } from './messages.ts';
import { checkServerOptions, type ReactorServerOptions } from './server-options.ts';
import { SharedState } from './shared-state.ts';
import { TaskPool } from './task-pool.ts';
import type { ThreadEvent } from './thread-health.ts';
import { ThreadSlot } from './thread-slot.ts';

export interface ReactorServerDeps {
  readonly log?: EngineLog;
  /** Monotonic; default: performance.now. */
  readonly nowMs?: () => number;
  /** Told of threads that start, die or hang, beside the log. What it throws is logged. */
  readonly onThread?: (event: ThreadEvent) => void;
}

export interface ReactorThread {
  readonly isReady: boolean;
  /** It has connections, and has served none of them for seconds. */
  readonly isHanging: boolean;
  readonly connections: number;
  /** The share of the last half second or so that it has computed, from 0 to 1. */
  readonly busy: number;
  readonly deaths: number;
}

export interface ReactorServer {
  /** In the order of `listen`, with the ports that the system has picked. */
  readonly addresses: readonly Address[];
  /** Resolves with the reason when no thread is left: each died too often. Never rejects. */
  readonly failed: Promise<Error>;
  threads(): readonly ReactorThread[];
  /** Ends a thread as if it had died: its connections are reset, the others and new ones are served, and it is started again. For tests and for threads that hang. */
  killThread(thread: number): Promise<void>;
  /** Accepts nothing more, and lets open connections end within `graceMs`; default: 0. What is open then is closed; a thread that hangs is ended 5 s later. */
  close(graceMs?: number): Promise<void>;
}

const MAX_WAITING = 1_000;
/** How often it looks whether there is room again, or a thread to take what waits. */
const LOOK_MS = 20;
/** How often it looks whether a thread hangs. */
const HEALTH_MS = 500;
const SILENT: EngineLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * A server of several threads: this one accepts, and each connection goes to the thread that has the fewest.
 * @throws {EngineError} BAD_OPTION; UNAVAILABLE where descriptors cannot be passed between threads: off Linux, and without koffi
 * @throws {Error} with the system's `code` when a place is taken; what loading the handler module throws
 */
export async function createReactorServer(options: ReactorServerOptions, deps: ReactorServerDeps = {}): Promise<ReactorServer> {
  checkServerOptions(options);
  const { log = SILENT, nowMs = () => performance.now(), onThread = () => undefined } = deps;
  const { engine, passing } = await createPassingEngine({ log, nowMs });
  const server = new MainReactor(options, engine, passing, { log, nowMs, onThread });
  try {
    await server.start();
  } catch (error) {
    await server.close();
    const { name, message } = asError(error);
    if (name === 'DataCloneError') throw new EngineError('BAD_OPTION', `data cannot be passed to a thread: ${message}`);
    throw error;
  }
  return server;
}

class MainReactor implements ReactorServer {
  readonly #options: ReactorServerOptions;
  readonly #engine: Engine;
  readonly #passing: Passing;
  readonly #shared: SharedState;
  readonly #slots: readonly ThreadSlot[];
  readonly #loads: (ThreadLoad | undefined)[] = [];
  readonly #maxConnections: number;
  readonly #pool: TaskPool | undefined;
  readonly #health: NodeJS.Timeout;
  readonly #failure = Promise.withResolvers<Error>();
  readonly failed = this.#failure.promise;
  #listeners: Listener[] = [];
  #addresses: readonly Address[] = [];
  /** By descriptor; stays when it is closed. */
  readonly #listenerOf: number[] = [];
  #isPaused = false;
  #closing: Promise<void> | undefined;

  constructor(options: ReactorServerOptions, engine: Engine, passing: Passing, deps: Required<ReactorServerDeps>) {
    const { log, nowMs, onThread } = deps;
    const { threads, handler, data, maxConnections = Number.POSITIVE_INFINITY, hangLimitMs = 0 } = options;
    const shared = new SharedState(threads);
    const slotDeps = {
      shared,
      passing,
      log,
      nowMs,
      hangLimitMs,
      script: scriptOf('reactor-thread'),
      connectPool: () => this.#pool?.connectAll() ?? [],
      data: {
        threads,
        maxWaiting: options.pool?.maxWaiting ?? MAX_WAITING,
        shared: shared.buffer,
        handler: String(handler),
        data,
      },
      onDeath: (_: number, left: { readonly taken: readonly number[]; readonly sent: readonly number[] }) => this.#onDeath(left),
      onEvent: (event: ThreadEvent) => {
        try {
          onThread(event);
        } catch (error) {
          log.error('onThread threw', { error: asError(error).stack });
        }
      },
    };
    this.#options = options;
    this.#engine = engine;
    this.#passing = passing;
    this.#shared = shared;
    this.#maxConnections = maxConnections;
    if (options.pool !== undefined) {
      this.#pool = new TaskPool(options.pool, {
        log,
        script: scriptOf('pool-thread'),
        onStarted: connect => this.#connectSlots(connect),
      });
    }
    this.#slots = Array.from({ length: threads }, (_, thread) => new ThreadSlot(thread, slotDeps));
    // Not a timer of the engine, which would wake for it every 10 ms.
    this.#health = setInterval(() => {
      for (const slot of this.#slots) slot.look();
    }, HEALTH_MS).unref();
  }

  async start(): Promise<void> {
    await this.#pool?.start();
    await Promise.all(this.#slots.map(slot => slot.start()));
    for (const [index, place] of this.#options.listen.entries()) {
      this.#listeners.push(await this.#passing.accept(place, fd => this.#onAccept(fd, index)));
    }
    this.#addresses = this.#listeners.map(({ address }) => address);
  }

  get addresses(): readonly Address[] {
    return this.#addresses;
  }

  threads(): readonly ReactorThread[] {
    return this.#slots.map((slot, thread) => ({
      isReady: slot.isReady,
      isHanging: slot.isHanging,
      connections: slot.load()?.connections ?? 0,
      busy: this.#shared.busy(thread) / 1_000,
      deaths: slot.deaths,
    }));
  }

  async killThread(thread: number): Promise<void> {
    checkWhole('thread', thread, 0, this.#slots.length - 1);
    await this.#slots[thread]?.terminate();
  }

  async close(graceMs = 0): Promise<void> {
    checkMs('graceMs', graceMs);
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    clearInterval(this.#health);
    await Promise.all(this.#listeners.map(listener => listener.close()));
    await Promise.all(this.#slots.map(slot => slot.stop(graceMs)));
    await this.#pool?.close();
    await this.#engine.close();
  }

  #connectSlots(connect: () => PoolWay): void {
    for (const slot of this.#slots) slot.addPool(connect);
  }

  #onAccept(fd: number, listener: number): void {
    this.#listenerOf[fd] = listener;
    const isGiven = this.#give(fd);
    if (!isGiven || this.#maxConnections !== Number.POSITIVE_INFINITY) this.#pauseIfFull();
  }

  /** @returns false where it was reset, for want of a thread */
  #give(fd: number): boolean {
    const slots = this.#slots;
    for (let thread = 0; thread < slots.length; thread++) this.#loads[thread] = slots[thread]?.load();
    const slot = slots[chooseThread(this.#loads)];
    if (slot?.send(fd, this.#listenerOf[fd] ?? 0) === true) return true;
    this.#engine.adopt(fd).reset();
    return false;
  }

  /** A connection is reset; listeners, pipes, and what the thread waited by, are no connections. */
  #closeLeft(fd: number): void {
    try {
      this.#engine.adopt(fd).reset();
    } catch {
      this.#passing.closeLeft(fd);
    }
  }

  /** Those that the thread had are lost; those that it had not taken are served elsewhere. */
  #onDeath({ taken, sent }: { readonly taken: readonly number[]; readonly sent: readonly number[] }): void {
    for (const fd of taken) this.#closeLeft(fd);
    for (const fd of sent) this.#give(fd);
    if (this.#slots.every(slot => slot.isGivenUp))
      this.#failure.resolve(new Error('each thread of the server has died too often'));
    this.#pauseIfFull();
  }

  /** Stops accepting while there are too many connections, or no thread is there to take one. */
  #pauseIfFull(): void {
    if (this.#isPaused || !this.#isFull()) return;
    this.#isPaused = true;
    for (const listener of this.#listeners) listener.pause();
    this.#engine.after(LOOK_MS, this.#look);
  }

  readonly #look = (): void => {
    if (this.#closing !== undefined) return;
    if (this.#isFull()) {
      this.#engine.after(LOOK_MS, this.#look);
      return;
    }
    this.#isPaused = false;
    for (const listener of this.#listeners) listener.resume();
  };

  #isFull(): boolean {
    let connections = 0;
    let serves = false;
    for (const slot of this.#slots) {
      const load = slot.load();
      if (load === undefined) continue;
      serves = true;
      connections += load.connections;
    }
    return !serves || connections >= this.#maxConnections;
  }
}

/** A script beside this file: compiled as this is, or a source as this is. */
function scriptOf(name: string): URL {
  return new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
