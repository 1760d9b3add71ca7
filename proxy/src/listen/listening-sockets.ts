import {
  type DescriptorAcceptor,
  type Descriptors,
  type Engine,
  type Listener,
  type ListenOptions,
  SocketFile,
} from '@lars/reactor';
import { listenError } from '@lars/runtime/errors';
import { listenOnPath } from '@lars/runtime/listen-on-path';
import { formatPlace } from '@lars/runtime/listen-place';
import type { Logger } from '@lars/runtime/log';
import { InheritedListeners } from '@lars/runtime/succession/inherited-listeners';
import type { ListenerRules } from './listener-rules.ts';
import { ACCEPTED_SOCKETS, pickPlace } from './open-listener.ts';

/** A descriptor from which a thread accepts. It is the thread's own, beside others of the same socket. Plain data: threads are given it. */
export interface ListeningDescriptor {
  /** Which of the process's listening sockets it is. */
  readonly socket: number;
  /** The place of its rules. */
  readonly listener: number;
  readonly fd: number;
}

export interface ListeningSocketsOptions {
  readonly threads: number;
  /** Descriptors that listen already: those at the place of a listener are used, the others are closed. */
  readonly inheritedFds: readonly number[];
  /** The files of UNIX sockets that were inherited go when they close; those of systemd do not. */
  readonly ownsInheritedPaths: boolean;
}

export interface ListeningSocketsDeps {
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly log: Logger;
}

interface ListeningSocket {
  readonly listener: number;
  readonly fd: number;
  /** Where it listens, as text. */
  readonly place: string;
  /** Its place among those that were inherited. */
  readonly origin: number | undefined;
  /** The file that goes when it closes. */
  readonly file: SocketFile | undefined;
}

/**
 * What the process listens to: of a port as many sockets as there are threads, among which the kernel spreads connections; of a UNIX socket one. They are the process's and not a
 * thread's, so that a thread that dies leaves its queue to another, and a process to its successor. Threads accept from descriptors of their own.
 */
export class ListeningSockets {
  readonly #rules: readonly ListenerRules[];
  readonly #options: ListeningSocketsOptions;
  readonly #deps: ListeningSocketsDeps;
  #sockets: ListeningSocket[] = [];

  private constructor(rules: readonly ListenerRules[], options: ListeningSocketsOptions, deps: ListeningSocketsDeps) {
    this.#rules = rules;
    this.#options = options;
    this.#deps = deps;
  }

  /** @throws {StartupError} naming the place that cannot be opened */
  static async open(
    rules: readonly ListenerRules[],
    options: ListeningSocketsOptions,
    deps: ListeningSocketsDeps,
  ): Promise<ListeningSockets> {
    const all = new ListeningSockets(rules, options, deps);
    const inherited = await InheritedListeners.inspect(options.inheritedFds, deps);
    try {
      // Any port is what the others leave.
      for (const isAnyPort of [false, true]) {
        for (const [listener, { place }] of rules.entries())
          if (('port' in place && place.port === 0) === isAnyPort) await all.#open(listener, inherited);
      }
    } catch (error) {
      all.abandon();
      throw error;
    } finally {
      inherited.close(options.ownsInheritedPaths);
    }
    return all;
  }

  /** By the place of their rules. */
  get places(): readonly string[] {
    return this.#rules.map((_, listener) => this.#sockets.find(one => one.listener === listener)?.place ?? '');
  }

  /** Of the UNIX sockets whose files are this process's. */
  get files(): readonly { readonly socket: number; readonly name: string; readonly file: SocketFile }[] {
    return this.#sockets.flatMap(({ listener, file }, socket) =>
      file === undefined ? [] : { socket, name: this.#rules[listener]?.name ?? '', file },
    );
  }

  get fds(): readonly number[] {
    return this.#sockets.map(({ fd }) => fd);
  }

  /** Which of the inherited descriptors are used, by their place among them. */
  get claims(): readonly number[] {
    return this.#sockets.flatMap(({ origin }) => origin ?? []);
  }

  /** The numbers of the sockets from which a thread accepts. Where a port has fewer sockets than there are threads, some accept from the same one; a UNIX socket has one thread. */
  shareOf(thread: number): readonly number[] {
    const { threads } = this.#options;
    return this.#rules.flatMap(({ place }, listener) => {
      const own = Array.from(this.#sockets.keys()).filter(socket => this.#sockets[socket]?.listener === listener);
      const shared = 'path' in place || thread < own.length ? undefined : own[thread % own.length];
      return shared === undefined ? own.filter((_, at) => at % threads === thread) : [shared];
    });
  }

  /** Another descriptor of it, which is the caller's. @throws {Error} as Node's, with `code` */
  copy(socket: number): ListeningDescriptor {
    const { fd, listener } = this.#sockets[socket] as ListeningSocket;
    return { socket, listener, fd: this.#deps.descriptors.duplicate(fd) };
  }

  /**
   * Lets another socket listen at the path of one whose file is gone. Threads have descriptors of the one before still.
   * @param isWanted whether it is so still, when that one listens
   * @returns its file
   * @throws {StartupError} when it cannot be opened
   */
  async replace(socket: number, isWanted: () => boolean): Promise<SocketFile | undefined> {
    const { listener, file, fd: oldFd } = this.#sockets[socket] as ListeningSocket;
    const path = file?.path ?? '';
    const fresh = await this.#listenOnPath(this.#rules[listener]?.name ?? '', path);
    if (!isWanted()) {
      await fresh.close();
      return undefined;
    }
    const own = new SocketFile(path);
    this.#sockets[socket] = { ...(this.#sockets[socket] as ListeningSocket), fd: fresh.detach(), origin: undefined, file: own };
    this.#deps.descriptors.close(oldFd);
    return own;
  }

  /** What `copy` gave, or others that are not used any more. */
  closeCopies(fds: readonly number[]): void {
    for (const fd of fds) this.#deps.descriptors.close(fd);
  }

  /** Closes the process's own descriptors: a socket ends when the last thread that accepts from it has closed its own. @param claimed those that another process has */
  close(claimed: ReadonlySet<number> = new Set()): void {
    for (const [socket, { fd, file }] of this.#sockets.entries()) {
      if (!claimed.has(socket)) file?.remove();
      this.#deps.descriptors.close(fd);
    }
    this.#sockets = [];
  }

  /** Closes what was not inherited, for a start that failed: what another process listens to is left to it. */
  abandon(): void {
    this.close(new Set(Array.from(this.#sockets.keys()).filter(socket => this.#sockets[socket]?.origin !== undefined)));
  }

  async #open(listener: number, inherited: InheritedListeners): Promise<void> {
    const rules = this.#rules[listener] as ListenerRules;
    const { place } = rules;
    const path = 'path' in place ? place.path : undefined;
    const taken = inherited.take(place);
    for (const { fd, origin, address } of taken) {
      const file = path !== undefined && this.#options.ownsInheritedPaths ? new SocketFile(path) : undefined;
      this.#sockets.push({ listener, fd, origin, file, place: formatPlace(path === undefined ? address : { path }) });
    }
    if (path !== undefined) {
      if (taken.length === 0) await this.#openPath(listener, rules.name, path);
    } else if (taken.length === 0) await this.#openPort(listener, rules);
    else await this.#openMore(listener, taken[0]?.address as { readonly host: string; readonly port: number }, taken.length);
  }

  async #openPath(listener: number, name: string, path: string): Promise<void> {
    const opened = await this.#listenOnPath(name, path);
    this.#sockets.push({
      listener,
      fd: opened.detach(),
      origin: undefined,
      file: new SocketFile(path),
      place: formatPlace({ path }),
    });
  }

  #listenOnPath(name: string, path: string): Promise<Listener> {
    const options = { path, name: `listener ${name}: UNIX socket`, mode: undefined, backlog: ACCEPTED_SOCKETS.backlog };
    return listenOnPath(options, place => this.#listen(place));
  }

  async #openPort(listener: number, rules: ListenerRules): Promise<void> {
    const { threads } = this.#options;
    let place = rules.place as { readonly host: string; readonly port: number };
    if (threads > 1) place = (await pickPlace(rules)) as typeof place;
    for (let at = 0; at < threads; at++) {
      try {
        this.#addPort(listener, await this.#listen({ ...place, reusePort: threads > 1 }));
      } catch (error) {
        throw listenError(error as NodeJS.ErrnoException, 'TCP port', place.host, place.port, `listener ${rules.name}`);
      }
    }
  }

  /** Where there are more threads than before. A port that one socket had alone is not shared afterwards. */
  async #openMore(listener: number, place: { readonly host: string; readonly port: number }, count: number): Promise<void> {
    const { host, port } = place;
    for (let at = count; at < this.#options.threads; at++) {
      try {
        this.#addPort(listener, await this.#listen({ host, port, reusePort: true }));
      } catch {
        return;
      }
    }
  }

  #addPort(listener: number, opened: Listener): void {
    const { address } = opened;
    this.#sockets.push({ listener, fd: opened.detach(), origin: undefined, file: undefined, place: formatPlace(address) });
  }

  #listen(options: ListenOptions): Promise<Listener> {
    return this.#deps.engine.acceptDescriptors({ ...ACCEPTED_SOCKETS, ...options }, UNUSED);
  }
}

/** Nothing is accepted before the descriptor is taken away. */
const UNUSED: DescriptorAcceptor = { onDescriptor: () => undefined, onAccepted: () => undefined };
