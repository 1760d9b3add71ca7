import { SocketAddress } from 'node:net';
import type { Address, DescriptorAcceptor, Descriptors, Engine } from '@lars/reactor';
import { messageOf, StartupError } from '../errors.ts';
import { formatPlace, type ListenPlace } from '../listen-place.ts';
import type { Logger } from '../log.ts';

/** A listening descriptor that somebody else has opened: the process before this one, or systemd. */
export interface InheritedListener {
  readonly fd: number;
  readonly address: Address;
  /** Its place among all that were inherited. */
  readonly origin: number;
}

export interface InheritedListenersDeps {
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly log: Logger;
}

/** Descriptors that listen already, until a place is found that they are at. */
export class InheritedListeners {
  readonly #descriptors: Descriptors;
  readonly #log: Logger;
  #left: readonly InheritedListener[];

  private constructor({ descriptors, log }: InheritedListenersDeps, all: readonly InheritedListener[]) {
    this.#descriptors = descriptors;
    this.#log = log;
    this.#left = all;
  }

  /** @throws {StartupError} when one is no listening socket */
  static async inspect(fds: readonly number[], deps: InheritedListenersDeps): Promise<InheritedListeners> {
    const all: InheritedListener[] = [];
    for (const [origin, fd] of fds.entries()) all.push({ fd, origin, address: await addressOf(deps.engine, fd) });
    return new InheritedListeners(deps, all);
  }

  /** Takes those at a place, which are several where they share a port; with port 0 those at the first port of that address. @param max so many at most */
  take(place: ListenPlace, max = Number.POSITIVE_INFINITY): readonly InheritedListener[] {
    const first = this.#left.find(({ address }) => isAt(address, place));
    if (first === undefined) return [];
    const isSame = ({ address: { host, port } }: InheritedListener) => host === first.address.host && port === first.address.port;
    const taken = this.#left.filter(isSame).slice(0, max);
    this.#left = this.#left.filter(one => !taken.includes(one));
    return taken;
  }

  /**
   * Closes those that nobody has taken. Whoever wonders why a port is taken that systemd has opened finds in the log that it was opened for another address.
   * @param isTakeover they are those of the process before this one
   */
  close(isTakeover: boolean): void {
    for (const { fd, address } of this.#left) {
      const fields = { address: placeOf(address) };
      if (isTakeover)
        this.#log.info('a listening socket of the process before is at no place to listen at, and is closed', fields);
      else
        this.#log.warn('a listening socket was inherited (LISTEN_FDS) that is at no place to listen at, and is closed', fields);
      this.#descriptors.close(fd);
    }
    this.#left = [];
  }
}

/** As text. */
export function placeOf({ family, host, port }: Address): string {
  return formatPlace(family === 'unix' ? { path: host } : { host, port });
}

/** An engine tells it when it listens there; nothing is accepted. */
async function addressOf(engine: Engine, fd: number): Promise<Address> {
  try {
    const probe = await engine.acceptDescriptors({ fd, noDelay: false }, UNUSED);
    const { address } = probe;
    probe.detach();
    return address;
  } catch (error) {
    throw new StartupError('EINVAL', `descriptor ${fd} was inherited, and cannot be used: ${messageOf(error)}`);
  }
}

const UNUSED: DescriptorAcceptor = { onDescriptor: () => undefined, onAccepted: () => undefined };

/** Port 0 is any port of that address. */
function isAt({ family, host, port }: Address, place: ListenPlace): boolean {
  if ('path' in place) return family === 'unix' && host === place.path;
  return family !== 'unix' && (place.port === 0 || place.port === port) && canonical(host) === canonical(place.host);
}

function canonical(host: string): string {
  return new SocketAddress({ address: host, family: host.includes(':') ? 'ipv6' : 'ipv4' }).address;
}
