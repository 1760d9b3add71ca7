import type { CloseReason, Connection, ConnectionHandler, Engine, EngineLog, EngineTimer } from '../engine.ts';
import type { HandlerFactory } from './handler-module.ts';
import { listenerOf } from './pass-tag.ts';
import type { SharedState } from './shared-state.ts';

export interface ConnectionOwnerDeps {
  readonly engine: Engine;
  readonly log: EngineLog;
  readonly shared: SharedState;
  readonly factory: HandlerFactory;
  readonly thread: number;
  readonly life: number;
}

/** How often a thread with connections says how busy it is, and looks for connections whose end it was not told. */
const METER_MS = 100;
/** How much of the figure is the last METER_MS. */
const FRESH_SHARE = 0.3;

/** The connections that one thread serves: it says in shared memory which it has, and how busy it is. */
export class ConnectionOwner {
  readonly #deps: ConnectionOwnerDeps;
  readonly #connections = new Map<number, Connection>();
  #meter: EngineTimer | undefined;
  #busy = 0;
  #last = { atMs: 0, cpuMs: 0 };

  constructor(deps: ConnectionOwnerDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Whether this thread was sent the descriptor, which is now taken. */
  readonly take = (fd: number, tag: number): boolean => {
    const { shared, thread, life } = this.#deps;
    // The number may have been closed and given out again before the sweep has seen it.
    const earlier = this.#connections.get(fd);
    if (!shared.take(fd, thread, life, tag)) return false;
    if (earlier !== undefined) this.#forget(fd);
    return true;
  };

  readonly serve = (connection: Connection, fd: number, tag: number): void => {
    const { factory, log } = this.#deps;
    this.#connections.set(fd, connection);
    try {
      connection.start(new OwnedHandler(factory(connection, listenerOf(tag)), this, fd));
    } catch (error) {
      log.error('no handler was made for a connection, which is reset', {
        error: error instanceof Error ? error.stack : String(error),
      });
      connection.reset();
      this.release(fd, connection);
    }
    this.#startMeter();
  };

  /** The connection is closed, or has gone elsewhere. */
  release(fd: number, connection = this.#connections.get(fd)): void {
    if (connection === undefined || this.#connections.get(fd) !== connection) return;
    const { shared, thread, life } = this.#deps;
    shared.noteClosed(fd, thread, life);
    this.#connections.delete(fd);
  }

  /** Its number is another's by now. */
  #forget(fd: number): void {
    this.#connections.delete(fd);
    this.#deps.shared.countClosed(this.#deps.thread);
  }

  #startMeter(): void {
    if (this.#meter !== undefined) return;
    this.#last = { atMs: performance.now(), cpuMs: threadCpuMs() };
    this.#meter = this.#deps.engine.after(METER_MS, this.#tick);
  }

  readonly #tick = (): void => {
    // One that was given to a relay, taken away or given another handler has ended without a word to its first handler.
    for (const [fd, connection] of this.#connections) if (!connection.isOpen) this.release(fd);
    const now = { atMs: performance.now(), cpuMs: threadCpuMs() };
    const share = (now.cpuMs - this.#last.cpuMs) / Math.max(1, now.atMs - this.#last.atMs);
    this.#busy += FRESH_SHARE * (Math.min(1, share) - this.#busy);
    this.#last = now;
    this.#meter = undefined;
    if (this.#connections.size > 0) this.#meter = this.#deps.engine.after(METER_MS, this.#tick);
    else this.#busy = 0;
    this.#deps.shared.setBusy(this.#deps.thread, Math.round(1_000 * this.#busy));
  };
}

/** A handler whose owner is told first that the connection is closed, before its descriptor is. */
class OwnedHandler implements ConnectionHandler {
  readonly #handler: ConnectionHandler;
  readonly #owner: ConnectionOwner;
  readonly #fd: number;

  constructor(handler: ConnectionHandler, owner: ConnectionOwner, fd: number) {
    this.#handler = handler;
    this.#owner = owner;
    this.#fd = fd;
  }

  onData(connection: Connection, bytes: Uint8Array): unknown {
    return this.#handler.onData(connection, bytes);
  }

  onEnd(connection: Connection): unknown {
    return this.#handler.onEnd === undefined ? connection.end() : this.#handler.onEnd(connection);
  }

  onDrain(connection: Connection): unknown {
    return this.#handler.onDrain?.(connection);
  }

  onClose(connection: Connection, reason: CloseReason, error: Error | undefined): void {
    this.#owner.release(this.#fd, connection);
    this.#handler.onClose?.(connection, reason, error);
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
