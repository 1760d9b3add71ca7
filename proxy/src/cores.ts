import type { ListeningSockets } from './listen/listening-sockets.ts';
import { type CoreDeps, type CoreOptions, type CoreStatus, type ProxyCore, startCore } from './proxy-core.ts';

/** What serves connections: one core in this thread, or several in threads of their own (`threads/core-threads.ts`). */
export interface Cores {
  /** Where they listen, by the place of the rules, where the engine has opened that itself. */
  readonly places: readonly string[];
  statuses(): Promise<readonly CoreStatus[]>;
  /** Accepts from all sockets. */
  serve(): Promise<void>;
  /** Accepts no more from these sockets, whose queues are somebody else's now. */
  leave(sockets: ReadonlySet<number>): Promise<void>;
  /** Accepts from the socket that has come in the place of the one of that number. */
  renew(socket: number): Promise<void>;
  /** Where it stops, or is to stop: open connections have so long from now on, or from then on. */
  limitDrain(drainMs: number): void;
  /** Accepts what waits at the other sockets, and lets open connections end. */
  stop(drainMs: number): Promise<void>;
}

/** One core, in this thread. */
export class OneCore implements Cores {
  readonly #core: ProxyCore;
  readonly #sockets: ListeningSockets | undefined;

  private constructor(core: ProxyCore, sockets: ListeningSockets | undefined) {
    this.#core = core;
    this.#sockets = sockets;
  }

  /** @throws {StartupError} naming the place that cannot be opened */
  static async start(options: CoreOptions, deps: CoreDeps, sockets: ListeningSockets | undefined): Promise<OneCore> {
    return new OneCore(await startCore(options, deps), sockets);
  }

  get places(): readonly string[] {
    return this.#core.places;
  }

  async statuses(): Promise<readonly CoreStatus[]> {
    return [this.#core.status()];
  }

  async serve(): Promise<void> {
    const sockets = this.#sockets;
    if (sockets !== undefined) await this.#core.serve(sockets.shareOf(0).map(socket => sockets.copy(socket)));
  }

  async leave(sockets: ReadonlySet<number>): Promise<void> {
    this.#sockets?.closeCopies(this.#core.leave([...sockets]));
  }

  async renew(socket: number): Promise<void> {
    await this.leave(new Set([socket]));
    const copy = this.#sockets?.copy(socket);
    if (copy !== undefined) await this.#core.serve([copy]);
  }

  limitDrain(drainMs: number): void {
    this.#core.limitDrain(drainMs);
  }

  stop(drainMs: number): Promise<void> {
    return this.#core.stop(drainMs);
  }
}
