import {
  type Connection,
  type Descriptors,
  type Engine,
  type HandlerFactory,
  type SocketOptions,
  startHandler,
} from '@lars/reactor';
import type { ConnectionEnd } from './dispatch-link.ts';
import { findDispatcher, openLink, type WorkerLink, type WorkerOptions, type WorkerPlace } from './worker-link.ts';

export interface EngineWorkerOptions extends Omit<SocketOptions, 'noDelay' | 'keepAliveMs'>, WorkerOptions {}

/** Connections of a dispatcher, served by an engine of `@lars/reactor`. */
export interface DispatchedService {
  /** How many are open. */
  readonly connections: number;
  /** Wants no more connections. @returns `closed` */
  close(): Promise<void>;
  /** Resolves when no more come and the last has ended, because of `close`, or because the dispatcher wants this worker to finish. The engine stays open. */
  readonly closed: Promise<void>;
}

/**
 * Serves connections that a dispatcher (`lars dispatch`) accepts by an engine of `@lars/reactor`, which takes less time for each than a socket of node:net. The dispatcher may come,
 * go and come back at any time.
 * @param socketPath where the dispatcher waits for workers; undefined: what LARS_DISPATCH_SOCKET says
 * @param createHandler called with each connection, as by a reactor server. What it throws is the program's, as of any event, and resets the connection
 * @returns as soon as connections come
 * @throws {Error} when this is not Linux, koffi is missing, or the path cannot be one
 */
export async function serveDispatchedOn(
  engine: Engine,
  socketPath: string | undefined,
  createHandler: HandlerFactory,
  options: EngineWorkerOptions = {},
): Promise<DispatchedService> {
  const service = new EngineService(await findDispatcher(socketPath), engine, createHandler, options);
  await service.attached;
  return service;
}

class EngineService implements DispatchedService {
  readonly closed: Promise<void>;
  readonly #descriptors: Descriptors;
  readonly #engine: Engine;
  readonly #createHandler: HandlerFactory;
  readonly #options: EngineWorkerOptions;
  readonly #worker: WorkerLink;
  readonly #onClosed: () => void;
  #connections = 0;
  #hasLeft = false;

  constructor(place: WorkerPlace, engine: Engine, createHandler: HandlerFactory, options: EngineWorkerOptions) {
    this.#descriptors = place.descriptors;
    this.#engine = engine;
    this.#createHandler = createHandler;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#onClosed = resolve;
    this.#worker = openLink(place, options, {
      onConnection: (fd, listener, onEnded) => this.#serve(fd, listener, onEnded),
      countOpen: () => this.#connections,
      onDrain: options.onDrain ?? (() => void this.close()),
      onLeft: () => this.#onLeft(),
    });
  }

  get attached(): Promise<void> {
    return this.#worker.attached;
  }

  get connections(): number {
    return this.#connections;
  }

  close(): Promise<void> {
    this.#worker.link.leave();
    return this.closed;
  }

  #serve(fd: number, listener: number, onEnded: ConnectionEnd): void {
    const connection = this.#adopt(fd, onEnded);
    this.#connections += 1;
    // What it throws is the program's, as of any event.
    startHandler(this.#createHandler, connection, listener, error => {
      throw error;
    });
  }

  #adopt(fd: number, onEnded: ConnectionEnd): Connection {
    const { writeHighBytes, writeLimitBytes } = this.#options;
    try {
      return this.#engine.adopt(fd, {
        // The dispatcher has made it what it is, and keeps it open until it knows that it was taken.
        isAcceptedHere: true,
        isShared: true,
        ...(writeHighBytes === undefined ? {} : { writeHighBytes }),
        ...(writeLimitBytes === undefined ? {} : { writeLimitBytes }),
        onGone: wasEndTold => this.#onEnded(onEnded, wasEndTold),
      });
    } catch (error) {
      // The engine was closed, and the connection is this worker's already.
      this.#descriptors.close(fd);
      onEnded(false);
      throw error;
    }
  }

  #onEnded(onEnded: ConnectionEnd, wasEndTold: boolean): void {
    this.#connections -= 1;
    onEnded(wasEndTold);
    this.#closeIfDone();
  }

  #onLeft(): void {
    this.#hasLeft = true;
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#hasLeft && this.#connections === 0) this.#onClosed();
  }
}
