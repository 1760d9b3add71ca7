import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import type { Counters } from '../stats.ts';

/** Resolves a name to one address of family 4 or 6. */
export type Lookup = (
  name: string,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
) => void;

/** IPv4 first: agents listen there, while `localhost` is often IPv6 by preference. */
export const systemLookup: Lookup = (name, callback) => lookup(name, { order: 'ipv4first' }, callback);

/** What a link tells its owner. None may throw. */
export interface AgentSocketEvents {
  onOpen(): void;
  /** The bytes are the receiver's. */
  onDatagram(datagram: Uint8Array): void;
  /** The socket failed and is gone. The next send opens a new one. */
  onFailure(error: Error): void;
}

/** Datagrams that may wait while a socket is being opened. Beyond it they are dropped, as the network would. */
const MAX_WAITING = 4096;

type SendCallback = (error: Error | null) => void;

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'opening'; readonly waiting: Uint8Array[]; readonly socket: Socket | undefined }
  | { readonly kind: 'open'; readonly socket: Socket; readonly onSent: SendCallback }
  | { readonly kind: 'closed' };

/**
 * One connected UDP socket to one port of the agent, opened by the first send. Connected, because the kernel then passes on
 * datagrams from that address alone, and says when nobody listens there. After any error the socket is closed, and the next send
 * opens a new one, which also resolves a name again.
 */
export class AgentSocket {
  readonly #host: string;
  readonly #deps: number;
  readonly #lookup: Lookup;
  readonly #events: AgentSocketEvents;
  readonly #counters: Counters;
  #state: State = { kind: 'idle' };
  #isReferenced = false;
  /** Datagrams given to the open socket that the kernel has not taken yet. */
  #unsent = 0;
  #onFlushed: (() => void) | undefined;

  constructor(host: string, port: number, lookup: Lookup, events: AgentSocketEvents, counters: Counters) {
    this.#host = host;
    this.#deps = port;
    this.#lookup = lookup;
    this.#events = events;
    this.#counters = counters;
  }

  /** Begins to open the socket if there is none. Never throws and never calls the events before it returns. */
  open(): void {
    if (this.#state.kind === 'idle') this.#openSocket();
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

  /** A held link keeps the process alive. */
  setRef(isReferenced: boolean): void {
    if (this.#isReferenced === isReferenced) return;
    this.#isReferenced = isReferenced;
    if ('socket' in this.#state && this.#state.socket !== undefined) applyRef(this.#state.socket, isReferenced);
  }

  /**
   * The agent has been silent for long. A name may stand for another address by now, and an address that nobody owns any more
   * answers with nothing, not even an error; so look it up again.
   */
  resolveAgain(): void {
    if (this.#state.kind !== 'open' || isIP(this.#host) !== 0) return;
    this.#counters.dropped += this.#unsent;
    this.#state.socket.close();
    this.#setState({ kind: 'idle' });
  }

  /** Waits up to `graceMs` until the kernel has everything, then closes for good. */
  async close(graceMs: number): Promise<void> {
    if (!this.#isFlushed()) await this.#flushed(graceMs);
    const state = this.#state;
    this.#counters.dropped += state.kind === 'opening' ? state.waiting.length : this.#unsent;
    this.#setState({ kind: 'closed' });
    if (!('socket' in state) || state.socket === undefined) return;
    const { socket } = state;
    await new Promise<void>(resolve => {
      // A socket that fails to bind while it waits to be closed says only 'error'.
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
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    applyRef(socket, this.#isReferenced);
    this.#setState({ kind: 'opening', waiting, socket });
    // The listeners stay after the link has let the socket go: an error without a listener would end the process.
    socket.on('error', error => this.#isCurrent(socket) && this.#fail(error));
    socket.on('message', datagram => this.#isCurrent(socket) && this.#events.onDatagram(datagram));
    socket.on('connect', () => this.#isCurrent(socket) && this.#onOpened(socket, waiting));
    socket.connect(this.#deps, address);
  }

  #onOpened(socket: Socket, waiting: readonly Uint8Array[]): void {
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
    this.#setState({ kind: 'idle' });
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

  #flushed(graceMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, graceMs);
      this.#onFlushed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function applyRef(socket: Socket, isReferenced: boolean): void {
  if (isReferenced) socket.ref();
  else socket.unref();
}
