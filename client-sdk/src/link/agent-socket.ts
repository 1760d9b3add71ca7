import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import type { Counters } from '../stats.ts';

/** Resolves a name to one address of family 4 or 6. */
export type Lookup = (
  name: string,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
) => void;

/** Prefers IPv4: agents listen there, while `localhost` is often resolved to IPv6 first. */
export const systemLookup: Lookup = (name, callback) => lookup(name, { order: 'ipv4first' }, callback);

/** What a socket calls its owner for. No handler may throw. */
export interface AgentSocketEvents {
  onOpen(): void;
  /** The bytes belong to the receiver. */
  onDatagram(datagram: Uint8Array): void;
  /** The socket failed and is gone. The next send opens a new one. */
  onFailure(error: Error): void;
}

/** Datagrams that wait at most while a socket is being opened. Those beyond it are dropped, as the network would drop them. */
const MAX_WAITING = 4096;

type SendCallback = (error: Error | null) => void;

type State =
  | { readonly kind: 'unopened' }
  | { readonly kind: 'opening'; readonly waiting: Uint8Array[]; readonly socket: Socket | undefined }
  | { readonly kind: 'open'; readonly socket: Socket; readonly onSent: SendCallback }
  | { readonly kind: 'closed' };

/**
 * One connected UDP socket to one port of the agent, opened by the first send. It is connected because the kernel then passes on
 * datagrams from that address alone, and reports when no process listens there. After any error the socket is closed, and the next send
 * opens a new one, which also resolves a name again.
 */
export class AgentSocket {
  readonly #host: string;
  readonly #port: number;
  readonly #lookup: Lookup;
  readonly #events: AgentSocketEvents;
  readonly #counters: Counters;
  #state: State = { kind: 'unopened' };
  #isReferenced = false;
  /** Datagrams given to the open socket that the kernel has not taken yet. */
  #unsent = 0;
  #onFlushed: (() => void) | undefined;

  constructor(host: string, port: number, lookup: Lookup, events: AgentSocketEvents, counters: Counters) {
    this.#host = host;
    this.#port = port;
    this.#lookup = lookup;
    this.#events = events;
    this.#counters = counters;
  }

  /** Begins to open the socket if there is none. Never throws and never calls the events before it returns. */
  open(): void {
    if (this.#state.kind === 'unopened') this.#openSocket();
  }

  get isOpen(): boolean {
    return this.#state.kind === 'open';
  }

  /** Sends, or keeps the datagram until the socket is open. Never throws and never calls the events before it returns. */
  send(datagram: Uint8Array): void {
    this.open();
    const state = this.#state;
    if (state.kind === 'open') this.#transmit(state.socket, datagram, state.onSent);
    else if (state.kind === 'opening' && state.waiting.length < MAX_WAITING) state.waiting.push(datagram);
    else this.#counters.dropped += 1;
  }

  /** A socket that is referenced keeps the process alive. */
  setRef(isReferenced: boolean): void {
    if (this.#isReferenced === isReferenced) return;
    this.#isReferenced = isReferenced;
    if ('socket' in this.#state && this.#state.socket !== undefined) applyRef(this.#state.socket, isReferenced);
  }

  /**
   * Closes the socket, so that the next send resolves the agent's name again. To be called when the agent has not answered for long: its
   * name may stand for another address by now, and an address that is not in use any more answers with nothing, not even an error.
   */
  resolveAgain(): void {
    if (this.#state.kind !== 'open' || isIP(this.#host) !== 0) return;
    this.#counters.dropped += this.#unsent;
    this.#state.socket.close();
    this.#setState({ kind: 'unopened' });
  }

  /**
   * Gives the kernel what waits for the socket to open, for the process is about to end. It must be connected already but for the event that says so:
   * what waits for a name to be resolved is lost.
   */
  flushNow(): void {
    if (this.#state.kind !== 'opening' || this.#state.socket === undefined) return;
    for (const datagram of this.#state.waiting.splice(0)) sendUnlessUnconnected(this.#state.socket, datagram);
  }

  /** Waits up to `graceMs` until the kernel has everything, then closes for good. */
  async close(graceMs: number): Promise<void> {
    if (!this.#isFlushed()) await this.#waitUntilFlushed(graceMs);
    const state = this.#state;
    this.#counters.dropped += state.kind === 'opening' ? state.waiting.length : this.#unsent;
    this.#setState({ kind: 'closed' });
    if (!('socket' in state) || state.socket === undefined) return;
    const { socket } = state;
    await new Promise<void>(resolve => {
      // A socket that fails to bind while it waits to be closed emits 'error' and no 'close'.
      socket.once('error', () => resolve());
      socket.close(() => resolve());
    });
  }

  #openSocket(): void {
    this.#setState({ kind: 'opening', waiting: [], socket: undefined });
    const attempt = this.#state;
    const family = isIP(this.#host);
    if (family !== 0) {
      this.#connect(this.#host, family);
      return;
    }
    this.#lookup(this.#host, (error, address, family) => {
      if (this.#state !== attempt) return;
      if (error === null) this.#connect(address, family);
      else this.#fail(error);
    });
  }

  #connect(address: string, family: number): void {
    if (this.#state.kind !== 'opening') return;
    const { waiting } = this.#state;
    const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', lookup: takeLiterally });
    applyRef(socket, this.#isReferenced);
    this.#setState({ kind: 'opening', waiting, socket });
    // The listeners stay after this object has let the socket go: an error without a listener would end the process.
    // Such an error may come before connect() returns, and the events must not.
    socket.on('error', error => process.nextTick(() => this.#isCurrent(socket) && this.#fail(error)));
    socket.on('message', datagram => this.#isCurrent(socket) && this.#events.onDatagram(datagram));
    socket.on('connect', () => this.#isCurrent(socket) && this.#onConnect(socket, waiting));
    socket.connect(this.#port, address);
  }

  #onConnect(socket: Socket, waiting: readonly Uint8Array[]): void {
    this.#counters.socketsOpened += 1;
    const onSent: SendCallback = error => this.#isCurrent(socket) && this.#onSent(error);
    this.#setState({ kind: 'open', socket, onSent });
    for (const datagram of waiting) this.#transmit(socket, datagram, onSent);
    this.#events.onOpen();
    this.#notifyIfFlushed();
  }

  #transmit(socket: Socket, datagram: Uint8Array, onSent: SendCallback): void {
    this.#unsent += 1;
    socket.send(datagram, onSent);
  }

  #onSent(error: NodeJS.ErrnoException | null): void {
    this.#unsent -= 1;
    if (error === null) this.#counters.sent += 1;
    else {
      this.#counters.dropped += 1;
      if (error.code !== 'ENOBUFS') this.#fail(error);
    }
    this.#notifyIfFlushed();
  }

  #fail(error: Error): void {
    const state = this.#state;
    this.#counters.dropped += state.kind === 'opening' ? state.waiting.length : this.#unsent;
    this.#counters.socketFailures += 1;
    this.#setState({ kind: 'unopened' });
    if ('socket' in state) state.socket?.close();
    this.#notifyIfFlushed();
    this.#events.onFailure(error);
  }

  #setState(state: State): void {
    this.#state = state;
    if (state.kind !== 'open') this.#unsent = 0;
  }

  #isCurrent(socket: Socket): boolean {
    return 'socket' in this.#state && this.#state.socket === socket;
  }

  #isFlushed(): boolean {
    return this.#unsent === 0 && this.#state.kind !== 'opening';
  }

  #notifyIfFlushed(): void {
    if (this.#isFlushed()) this.#onFlushed?.();
  }

  #waitUntilFlushed(graceMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, graceMs);
      this.#onFlushed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/**
 * All addresses that a socket is given here are resolved. Node.js would look them up all the same, some ticks later; with this function the socket is
 * connected at once, and takes reports in the very tick in which the process ends.
 */
function takeLiterally(
  address: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  callback(null, address, isIP(address));
}

function sendUnlessUnconnected(socket: Socket, datagram: Uint8Array): void {
  try {
    socket.send(datagram);
  } catch {
    // Nobody is left who could do anything about it.
  }
}

function applyRef(socket: Socket, isReferenced: boolean): void {
  if (isReferenced) socket.ref();
  else socket.unref();
}
