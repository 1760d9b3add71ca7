import type { Connection, EngineLog } from '../engine.ts';
import type { DescriptorWatcher } from '../passing.ts';
import { type HandlerFactory, startHandler } from './handler-module.ts';
import { listenerOf } from './pass-tag.ts';
import type { SharedState } from './shared-state.ts';

export interface ConnectionOwnerDeps {
  readonly log: EngineLog;
  readonly shared: SharedState;
  readonly thread: number;
  readonly life: number;
}

/** How often a thread with connections says how busy it is, and that it does not hang. */
const METER_MS = 100;
/** How much of the figure is the last METER_MS. */
const FRESH_SHARE = 0.3;

/** The connections that one thread serves: it says in shared memory which descriptors the thread has, those that its handlers opened too, and how busy it is. */
export class ConnectionOwner implements DescriptorWatcher {
  readonly #deps: ConnectionOwnerDeps;
  /** Descriptors of the connections that were passed to this thread. */
  readonly #served = new Set<number>();
  #meter: NodeJS.Timeout | undefined;
  #busy = 0;
  #last = { atMs: 0, cpuMs: 0 };

  constructor(deps: ConnectionOwnerDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#served.size;
  }

  /** Whether this thread was sent the descriptor, which is now taken. */
  readonly take = (fd: number, tag: number): boolean => {
    const { shared, thread, life } = this.#deps;
    if (!shared.take(fd, thread, life, tag)) return false;
    this.#served.add(fd);
    return true;
  };

  /** @param factory makes the handlers of its connections */
  serve(factory: HandlerFactory, connection: Connection, tag: number): void {
    startHandler(factory, connection, listenerOf(tag), error =>
      this.#deps.log.error('no handler was made for a connection, which is reset', { error: error.stack }),
    );
    this.#startMeter();
  }

  onOwned(fd: number): void {
    this.#deps.shared.noteOwned(fd, this.#deps.life);
  }

  onGone(fd: number): void {
    const { shared, thread, life } = this.#deps;
    shared.noteGone(fd, life);
    if (this.#served.delete(fd)) shared.countClosed(thread);
  }

  #startMeter(): void {
    if (this.#meter !== undefined) return;
    this.#last = { atMs: performance.now(), cpuMs: threadCpuMs() };
    // Not a timer of the engine, for which an idle thread would wake every 10 ms.
    this.#meter = setTimeout(this.#tick, METER_MS).unref();
  }

  readonly #tick = (): void => {
    const { shared, thread } = this.#deps;
    const now = { atMs: performance.now(), cpuMs: threadCpuMs() };
    const share = (now.cpuMs - this.#last.cpuMs) / Math.max(1, now.atMs - this.#last.atMs);
    this.#busy += FRESH_SHARE * (Math.min(1, share) - this.#busy);
    this.#last = now;
    this.#meter = undefined;
    if (this.#served.size > 0) this.#meter = setTimeout(this.#tick, METER_MS).unref();
    else this.#busy = 0;
    shared.setBusy(thread, Math.round(1_000 * this.#busy));
    shared.beat(thread);
  };
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
