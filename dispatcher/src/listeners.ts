import { SocketAddress } from 'node:net';
import { type Address, type DescriptorAcceptor, type Descriptors, type Engine, type Listener, SocketFile } from '@lars/reactor';
import { listenError, messageOf, StartupError } from '@lars/runtime/errors';
import { formatPlace, type ListenPlace } from '@lars/runtime/listen-place';
import type { Logger } from '@lars/runtime/log';
import { listenOnPath } from './listen-on-path.ts';

export interface ListenersDeps {
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly log: Logger;
  /** @param listener counted from 0 */
  readonly acceptorOf: (listener: number) => DescriptorAcceptor;
}

/** A listening descriptor that somebody else has opened: an earlier dispatcher, or systemd. */
interface Inherited {
  readonly fd: number;
  readonly address: Address;
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
   * @param isPaused nothing is accepted before `resume`
   * @throws {StartupError}
   */
  async open(places: readonly ListenPlace[], backlog: number, inheritedFds: readonly number[], isPaused: boolean): Promise<void> {
    const inherited: (Inherited | undefined)[] = [];
    for (const fd of inheritedFds) inherited.push(await this.#inspect(fd));
    try {
      for (const [index, place] of places.entries()) {
        const origin = inherited.findIndex(one => one !== undefined && isAt(one.address, place));
        const { fd } = inherited[origin] ?? {};
        if (origin >= 0) inherited[origin] = undefined;
        this.#origins.push(origin >= 0 ? origin : undefined);
        const listener = await this.#listen(place, index, backlog, fd);
        if (isPaused) listener.pause();
        this.#open.push({ listener, file: fd !== undefined && 'path' in place ? new SocketFile(place.path) : undefined });
      }
    } finally {
      for (const one of inherited) if (one !== undefined) this.#closeUnwanted(one, isPaused);
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

  /** Whoever wonders why a port is taken that systemd has opened finds here that it was opened for another address. */
  #closeUnwanted({ fd, address }: Inherited, isTakeover: boolean): void {
    const { log, descriptors } = this.#deps;
    const fields = { address: placeOf(address) };
    if (isTakeover) log.info('a listening socket of the dispatcher before is at no place of --listen, and is closed', fields);
    else log.warn('a listening socket was inherited (LISTEN_FDS) that is at no place of --listen, and is closed', fields);
    descriptors.close(fd);
  }

  /** @throws {StartupError} when it is no listening socket */
  async #inspect(fd: number): Promise<Inherited> {
    try {
      const probe = await this.#deps.engine.acceptDescriptors({ fd, noDelay: false }, UNUSED);
      return { address: probe.address, fd: probe.detach() };
    } catch (error) {
      throw new StartupError('EINVAL', `descriptor ${fd} was inherited, and cannot be used: ${messageOf(error)}`);
    }
  }

  async #listen(place: ListenPlace, index: number, backlog: number, fd: number | undefined): Promise<Listener> {
    const { engine, acceptorOf } = this.#deps;
    const acceptor = acceptorOf(index);
    // Whether small writes leave at once is for the worker to say.
    const common = { backlog, noDelay: false };
    if (fd !== undefined) return engine.acceptDescriptors({ fd, ...common }, acceptor);
    if ('path' in place) {
      const options = { path: place.path, option: '--listen', mode: undefined, backlog };
      return listenOnPath(options, path => engine.acceptDescriptors(path, acceptor));
    }
    try {
      return await engine.acceptDescriptors({ ...place, ...common }, acceptor);
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, 'TCP port', place.host, place.port, '--listen');
    }
  }
}

const UNUSED: DescriptorAcceptor = { onDescriptor: () => undefined, onAccepted: () => undefined };

function placeOf({ family, host, port }: Address): string {
  return formatPlace(family === 'unix' ? { path: host } : { host, port });
}

/** Port 0 is any port of that address. */
function isAt({ family, host, port }: Address, place: ListenPlace): boolean {
  if ('path' in place) return family === 'unix' && host === place.path;
  return family !== 'unix' && (place.port === 0 || place.port === port) && canonical(host) === canonical(place.host);
}

function canonical(host: string): string {
  return new SocketAddress({ address: host, family: host.includes(':') ? 'ipv6' : 'ipv4' }).address;
}
