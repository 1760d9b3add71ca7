import { type DescriptorAcceptor, type Descriptors, type Engine, type Listener, SocketFile } from '@lars/reactor';
import { listenError } from '@lars/runtime/errors';
import { listenOnPath } from '@lars/runtime/listen-on-path';
import type { ListenPlace } from '@lars/runtime/listen-place';
import type { Logger } from '@lars/runtime/log';
import { InheritedListeners, placeOf } from '@lars/runtime/succession/inherited-listeners';

export interface ListenersDeps {
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly log: Logger;
  /** @param listener counted from 0 */
  readonly acceptorOf: (listener: number) => DescriptorAcceptor;
}

interface OpenListener {
  readonly listener: Listener;
  /** The file that goes with it, where the engine does not know of it. */
  readonly file: SocketFile | undefined;
}

/** What clients connect to: opened here, or inherited, which loses no connection that waits in the kernel's queue. */
export class Listeners {
  readonly #deps: ListenersDeps;
  readonly #open: OpenListener[] = [];
  /** For each listener the place among those that were inherited, or undefined. */
  readonly #origins: (number | undefined)[] = [];

  constructor(deps: ListenersDeps) {
    this.#deps = deps;
  }

  get places(): readonly string[] {
    return this.#open.map(({ listener }) => placeOf(listener.address));
  }

  get fds(): readonly number[] {
    return this.#open.map(({ listener }) => listener.fd ?? -1);
  }

  /** Which of the inherited descriptors are used, by their place among them. */
  get claims(): readonly number[] {
    return this.#origins.filter(origin => origin !== undefined);
  }

  /** The numbers of the listeners that were inherited. */
  get inherited(): ReadonlySet<number> {
    return new Set(this.#origins.flatMap((origin, index) => (origin === undefined ? [] : [index])));
  }

  /** The listener that has this of the inherited descriptors, or the first one. */
  claimantOf(origin: number): number {
    return Math.max(0, this.#origins.indexOf(origin));
  }

  /**
   * Opens all places; those of which there is an inherited descriptor with that. The other descriptors are closed.
   * @param isTakeover they are those of the dispatcher before: nothing is accepted before `resume`, and the files of UNIX sockets go when they close; systemd keeps its own
   * @throws {StartupError}
   */
  async open(
    places: readonly ListenPlace[],
    backlog: number,
    inheritedFds: readonly number[],
    isTakeover: boolean,
  ): Promise<void> {
    const inherited = await InheritedListeners.inspect(inheritedFds, this.#deps);
    try {
      for (const [index, place] of places.entries()) {
        const [taken] = inherited.take(place, 1);
        this.#origins.push(taken?.origin);
        const listener = await this.#listen(place, index, backlog, taken?.fd);
        if (isTakeover) listener.pause();
        const file = isTakeover && taken !== undefined && 'path' in place ? new SocketFile(place.path) : undefined;
        this.#open.push({ listener, file });
      }
    } finally {
      inherited.close(isTakeover);
    }
  }

  resume(): void {
    for (const { listener } of this.#open) listener.resume();
  }

  /** Accepts what waits, and closes. */
  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map(one => this.#close(one)));
  }

  /** Lets go of those that a successor has, queue and all, and closes the others. @param claimed their numbers */
  async leaveTo(claimed: ReadonlySet<number>): Promise<void> {
    await Promise.all(
      this.#open.splice(0).map(async (one, index) => {
        if (claimed.has(index)) this.#deps.descriptors.close(one.listener.detach());
        else await this.#close(one);
      }),
    );
  }

  async #close({ listener, file }: OpenListener): Promise<void> {
    file?.remove();
    await listener.close();
  }

  async #listen(place: ListenPlace, index: number, backlog: number, fd: number | undefined): Promise<Listener> {
    const { engine, acceptorOf } = this.#deps;
    const acceptor = acceptorOf(index);
    // Whether small writes leave at once is for the worker to say.
    const common = { backlog, noDelay: false };
    if (fd !== undefined) return engine.acceptDescriptors({ fd, ...common }, acceptor);
    if ('path' in place) {
      const options = { path: place.path, name: '--listen', mode: undefined, backlog };
      return listenOnPath(options, path => engine.acceptDescriptors(path, acceptor));
    }
    try {
      return await engine.acceptDescriptors({ ...place, ...common }, acceptor);
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, 'TCP port', place.host, place.port, '--listen');
    }
  }
}
