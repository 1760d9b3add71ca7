import { type Connection, type Descriptors, type Engine, type Listener, SocketFile } from '@lars/reactor';
import { listenOnPath } from './listen-on-path.ts';
import type { Logger } from './log.ts';
import { SocketFileWatch } from './socket-file-watch.ts';

export interface UnixListenerOptions {
  readonly path: string;
  readonly mode: number;
  readonly backlog: number;
  /** What names the path in errors: an option or a conf key. */
  readonly name: string;
  /** What it is, in the log: 'the workers socket'. */
  readonly title: string;
}

export interface UnixListenerDeps {
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly log: Logger;
  readonly onConnection: (connection: Connection) => void;
}

/** A UNIX socket that listens as long as its process wants, also where its file is taken away, and that another process may take over. */
export class UnixListener {
  readonly #options: UnixListenerOptions;
  readonly #deps: UnixListenerDeps;
  #listener: Listener | undefined;
  #watch: SocketFileWatch | undefined;

  constructor(options: UnixListenerOptions, deps: UnixListenerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** @param fd of the process before this one. @throws {StartupError} */
  async open(fd: number | undefined): Promise<void> {
    const { engine, log, onConnection } = this.#deps;
    this.#listener = fd === undefined ? await this.#listen() : await engine.listen({ fd }, onConnection);
    this.#watch = new SocketFileWatch(this.#options.title, new SocketFile(this.#options.path), {
      after: (ms, callback) => engine.after(ms, callback),
      log,
      replace: () => this.#replace(),
    });
  }

  get fd(): number {
    return this.#listener?.fd ?? -1;
  }

  /** Nothing is accepted: it is another process's for a moment, or about to be. */
  get isPaused(): boolean {
    return this.#listener?.isPaused ?? false;
  }

  pause(): void {
    this.#listener?.pause();
  }

  resume(): void {
    this.#listener?.resume();
  }

  /** It is another process's now, with what waits in its queue. */
  leave(): void {
    this.#watch?.stop();
    if (this.#listener !== undefined) this.#deps.descriptors.close(this.#listener.detach());
    this.#listener = undefined;
  }

  async close(): Promise<void> {
    this.#watch?.stop();
    const listener = this.#listener;
    this.#listener = undefined;
    // The engine does not know of an inherited one's file.
    if (listener !== undefined) this.#watch?.file.remove();
    await listener?.close();
  }

  #listen(): Promise<Listener> {
    const { engine, onConnection } = this.#deps;
    return listenOnPath(this.#options, place => engine.listen(place, onConnection));
  }

  /** Nobody can connect to the one before any more; who has done so is accepted. One that is paused is being offered to another process. */
  async #replace(): Promise<SocketFile | undefined> {
    const old = this.#listener;
    if (old === undefined || old.isPaused) return undefined;
    const fresh = await this.#listen();
    if (this.#listener !== old || old.isPaused) {
      await fresh.close();
      return undefined;
    }
    this.#listener = fresh;
    const file = new SocketFile(this.#options.path);
    await old.close();
    return file;
  }
}
