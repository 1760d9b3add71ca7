import { type DescriptorAcceptor, type Descriptors, type Engine, type Listener, SocketFile } from '@lars/reactor';
import { listenError } from '@lars/runtime/errors';
import { listenOnPath } from '@lars/runtime/listen-on-path';
import { formatPlace, type ListenPlace } from '@lars/runtime/listen-place';
import type { Logger } from '@lars/runtime/log';
import { SocketFileWatch } from '@lars/runtime/socket-file-watch';
import { InheritedListeners, placeOf } from '@lars/runtime/succession/inherited-listeners';

export interface ListenersDeps {
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly log: Logger;
  /** @param listener counted from 0 */
  readonly acceptorOf: (listener: number) => DescriptorAcceptor;
  /** Another process has been offered what is listened to, and may have it in a moment. */
  readonly isOffering: () => boolean;
}

interface OpenListener {
  readonly listener: Listener;
  /** Of the file that goes with it; systemd keeps its own. */
  readonly watch: SocketFileWatch | undefined;
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
        const isOwnFile = isTakeover || taken === undefined;
        this.#open.push({ listener, watch: 'path' in place && isOwnFile ? this.#watch(place, index, backlog) : undefined });
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
        if (!claimed.has(index)) return this.#close(one);
        one.watch?.stop();
        this.#deps.descriptors.close(one.listener.detach());
      }),
    );
  }

  async #close({ listener, watch }: OpenListener): Promise<void> {
    watch?.stop();
    // The engine does not know of an inherited one's file.
    watch?.file.remove();
    await listener.close();
  }

  #watch(place: { readonly path: string }, index: number, backlog: number): SocketFileWatch {
    const { engine, log } = this.#deps;
    return new SocketFileWatch(`--listen ${formatPlace(place)}`, new SocketFile(place.path), {
      after: (ms, callback) => engine.after(ms, callback),
      log,
      replace: () => this.#replace(place, index, backlog),
    });
  }

  /** Nobody can connect to the one before any more; who has done so is accepted. */
  async #replace(place: { readonly path: string }, index: number, backlog: number): Promise<SocketFile | undefined> {
    const old = this.#open[index];
    if (old === undefined || old.listener.isPaused || this.#deps.isOffering()) return undefined;
    const listener = await this.#listen(place, index, backlog, undefined);
    if (this.#open[index] !== old || this.#deps.isOffering()) {
      await listener.close();
      return undefined;
    }
    this.#open[index] = { ...old, listener };
    this.#origins[index] = undefined;
    const file = new SocketFile(place.path);
    await old.listener.close();
    return file;
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
