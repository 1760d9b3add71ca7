import type { Connection, Descriptors, Engine, Listener } from '@lars/reactor';
import { listenOnPath, removeFile } from './listen-on-path.ts';

export interface WorkersSocketOptions {
  readonly path: string;
  readonly mode: number;
  readonly backlog: number;
}

export interface WorkersSocketDeps {
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly onConnection: (connection: Connection) => void;
}

/** The UNIX socket to which workers connect, and a dispatcher that takes over. */
export class WorkersSocket {
  readonly #options: WorkersSocketOptions;
  readonly #deps: WorkersSocketDeps;
  #listener: Listener | undefined;
  #isInherited = false;

  constructor(options: WorkersSocketOptions, deps: WorkersSocketDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** @param fd of the dispatcher before this one. @throws {StartupError} */
  async open(fd: number | undefined): Promise<void> {
    const { engine, onConnection } = this.#deps;
    this.#isInherited = fd !== undefined;
    this.#listener =
      fd === undefined
        ? await listenOnPath({ ...this.#options, option: '--socket' }, place => engine.listen(place, onConnection))
        : await engine.listen({ fd }, onConnection);
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
    if (this.#listener !== undefined) this.#deps.descriptors.close(this.#listener.detach());
    this.#listener = undefined;
  }

  async close(): Promise<void> {
    if (this.#listener === undefined) return;
    await this.#listener.close();
    if (this.#isInherited) removeFile(this.#options.path);
  }
}
