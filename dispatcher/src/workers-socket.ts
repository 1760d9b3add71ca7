import { type Connection, type Descriptors, type Engine, type EngineTimer, type Listener, SocketFile } from '@lars/reactor';
import { messageOf } from '@lars/runtime/errors';
import { listenOnPath } from '@lars/runtime/listen-on-path';
import type { Logger } from '@lars/runtime/log';

export interface WorkersSocketOptions {
  readonly path: string;
  readonly mode: number;
  readonly backlog: number;
}

export interface WorkersSocketDeps {
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly log: Logger;
  readonly onConnection: (connection: Connection) => void;
}

/** How often it is looked whether the file is there. */
const LOOK_MS = 1_000;

/** The UNIX socket to which workers connect, and a dispatcher that takes over. A file that somebody has taken away, as what clears /tmp does, is made anew: nobody could connect without. */
export class WorkersSocket {
  readonly #options: WorkersSocketOptions;
  readonly #deps: WorkersSocketDeps;
  #listener: Listener | undefined;
  #file: SocketFile | undefined;
  #timer: EngineTimer | undefined;
  #hasWarned = false;

  constructor(options: WorkersSocketOptions, deps: WorkersSocketDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** @param fd of the dispatcher before this one. @throws {StartupError} */
  async open(fd: number | undefined): Promise<void> {
    const { engine, onConnection } = this.#deps;
    this.#listener = fd === undefined ? await this.#listen() : await engine.listen({ fd }, onConnection);
    this.#file = new SocketFile(this.#options.path);
    this.#lookLater();
  }

  get fd(): number {
    return this.#listener?.fd ?? -1;
  }

  pause(): void {
    this.#listener?.pause();
  }

  resume(): void {
    this.#listener?.resume();
  }

  /** It is another dispatcher's now, with what waits in its queue. */
  leave(): void {
    this.#timer?.cancel();
    if (this.#listener !== undefined) this.#deps.descriptors.close(this.#listener.detach());
    this.#listener = undefined;
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    const listener = this.#listener;
    this.#listener = undefined;
    // The engine does not know of an inherited one's file.
    if (listener !== undefined) this.#file?.remove();
    await listener?.close();
  }

  #listen(): Promise<Listener> {
    const { engine, onConnection } = this.#deps;
    return listenOnPath({ ...this.#options, name: '--socket' }, place => engine.listen(place, onConnection));
  }

  #lookLater(): void {
    this.#timer = this.#deps.engine.after(LOOK_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    const state = this.#file?.state;
    const problem = { socket: this.#options.path };
    if (state === 'taken' && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#deps.log.error(
        'another file is at the path of the workers socket: no worker reaches this dispatcher any more',
        problem,
      );
    }
    // One that is paused is being offered to another dispatcher.
    if (state === 'gone' && !listener.isPaused) {
      try {
        await this.#replace(listener);
        this.#deps.log.warn('the file of the workers socket was taken away, and is made anew', problem);
      } catch (error) {
        if (!this.#hasWarned)
          this.#deps.log.error('the file of the workers socket was taken away', { ...problem, error: messageOf(error) });
        this.#hasWarned = true;
      }
    }
    if (this.#listener !== undefined) this.#lookLater();
  }

  /** @param old nobody can connect to it any more; who has done so before is accepted */
  async #replace(old: Listener): Promise<void> {
    const fresh = await this.#listen();
    if (this.#listener !== old || old.isPaused) {
      await fresh.close();
      return;
    }
    this.#listener = fresh;
    this.#file = new SocketFile(this.#options.path);
    this.#hasWarned = false;
    await old.close();
  }
}
