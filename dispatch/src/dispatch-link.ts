import { connect, type Socket } from 'node:net';
import type { Descriptors } from '@lars/reactor';
import {
  type DispatcherFrame,
  decodeDispatcherFrame,
  encodeFrame,
  FrameSplitter,
  PROTOCOL_VERSION,
  ProtocolError,
} from './protocol.ts';

export interface DispatchLinkOptions {
  readonly socketPath: string;
  /** 0 = any number. */
  readonly maxConnections: number;
  /** What the dispatcher gave to the process that it started; 0 when somebody else started it. */
  readonly ticket: number;
}

export interface DispatchLinkDeps {
  readonly descriptors: Descriptors;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Uniform in [0, 1), for the jitter between attempts to connect. */
  readonly random: () => number;
  /** A connection is this worker's now. @param listener which listener of the dispatcher accepted it, counted from 0 */
  readonly onConnection: (fd: number, listener: number) => void;
  /** How many connections are open that onConnection was told of. */
  readonly countOpen: () => number;
  /** The dispatcher sends connections from now on; called after each time that the link was lost, too. */
  readonly onAttached: () => void;
  /** The dispatcher wants the worker to finish, or the one that has started it is gone. */
  readonly onDrain: () => void;
  /** No connection comes any more, because `leave` was called. */
  readonly onLeft: () => void;
  /** Something that people should know; the link goes on by itself. */
  readonly onTrouble: (error: Error) => void;
}

interface Arrived {
  readonly fd: number;
  readonly listener: number;
}

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;
/** A worker that a dispatcher has started ends when it cannot reach one for so long: nobody else would end it. */
const ORPHANED_MS = 10_000;
const NO_DESCRIPTOR = -1;

/**
 * The two connections of a worker to its dispatcher. A connection that comes is served only when the word that it was taken has left: a dispatcher that has given up
 * on this worker has closed before, the word does not leave, and another worker has the connection.
 */
export class DispatchLink {
  readonly #options: DispatchLinkOptions;
  readonly #deps: DispatchLinkDeps;
  #socket: Socket | undefined;
  #splitter = new FrameSplitter();
  #descriptorSocket = NO_DESCRIPTOR;
  #arrived: Arrived[] = [];
  #taken = 0;
  /** Taken, and not yet told to `onConnection`. */
  #pending = 0;
  #attempt = 0;
  #retry: NodeJS.Timeout | undefined;
  #statusDue = false;
  #leaving: 'no' | 'asked' | 'left' = 'no';
  #lastCame = false;
  #isReferenced = true;
  #isInTrouble = false;
  #lastAttachedMs: number;

  constructor(options: DispatchLinkOptions, deps: DispatchLinkDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#lastAttachedMs = deps.nowMs();
  }

  open(): void {
    this.#retry = undefined;
    const socket = connect(this.#options.socketPath);
    if (!this.#isReferenced) socket.unref();
    this.#socket = socket;
    this.#splitter = new FrameSplitter();
    this.#taken = 0;
    this.#lastCame = false;
    socket.on('connect', () => {
      this.#send({
        kind: 'hello',
        version: PROTOCOL_VERSION,
        maxConnections: this.#options.maxConnections,
        ticket: this.#options.ticket,
      });
      this.#sendStatus();
    });
    socket.on('data', chunk => this.#onData(socket, chunk as Uint8Array));
    socket.on('error', error => this.#onTrouble(error));
    socket.on('close', () => this.#onClosed());
  }

  /** A connection has ended. */
  noteClosed(): void {
    if (this.#statusDue) return;
    this.#statusDue = true;
    // Connections that end in one tick are told of together.
    setImmediate(() => {
      this.#statusDue = false;
      if (this.#isAttached) this.#sendStatus();
      this.#endIfDone();
    });
  }

  /** Wants no more connections; those that are on the way come still, then `onLeft` is called. */
  leave(): void {
    if (this.#leaving !== 'no') return;
    this.#leaving = 'asked';
    if (this.#isAttached && !this.#lastCame) this.#send({ kind: 'leave' });
    this.#leaveIfDone();
  }

  ref(): void {
    this.#isReferenced = true;
    this.#socket?.ref();
    this.#retry?.ref();
  }

  unref(): void {
    this.#isReferenced = false;
    this.#socket?.unref();
    this.#retry?.unref();
  }

  get #isAttached(): boolean {
    return this.#descriptorSocket !== NO_DESCRIPTOR;
  }

  #onData(socket: Socket, chunk: Uint8Array): void {
    try {
      this.#splitter.push(chunk, bytes => this.#onFrame(decodeDispatcherFrame(bytes)));
      this.#takeArrived();
      this.#leaveIfDone();
    } catch (error) {
      for (const { fd } of this.#arrived.splice(0)) this.#deps.descriptors.close(fd);
      socket.destroy(error as Error);
    }
  }

  #onFrame(frame: DispatcherFrame): void {
    switch (frame.kind) {
      case 'welcome':
        this.#attach(frame.session);
        return;
      case 'connection':
        this.#receive(frame.number, frame.listener);
        return;
      case 'drain':
        this.#deps.onDrain();
        return;
      case 'last':
        this.#lastCame = true;
    }
  }

  #attach(session: number): void {
    const { descriptors } = this.#deps;
    if (this.#leaving !== 'no') {
      this.#socket?.destroy();
      return;
    }
    if (this.#isAttached) throw new ProtocolError('the dispatcher says welcome twice');
    this.#descriptorSocket = descriptors.connect(this.#options.socketPath);
    if (!descriptors.sendBytes(this.#descriptorSocket, encodeFrame({ kind: 'attach', session })))
      throw new ProtocolError('the dispatcher is gone');
    this.#attempt = 0;
    this.#isInTrouble = false;
    this.#deps.onAttached();
  }

  #receive(number: number, listener: number): void {
    const received = this.#deps.descriptors.receive(this.#descriptorSocket);
    if (received.kind !== 'descriptor') throw new ProtocolError(`connection ${number} came without a descriptor`);
    this.#taken = number;
    this.#arrived.push({ fd: received.fd, listener });
  }

  /** Says what was taken, and serves it when that has left. */
  #takeArrived(): void {
    const arrived = this.#arrived.splice(0);
    if (arrived.length === 0) return;
    this.#pending += arrived.length;
    this.#sendStatus(error => {
      this.#pending -= arrived.length;
      for (const { fd, listener } of arrived) {
        if (error) this.#deps.descriptors.close(fd);
        else this.#deps.onConnection(fd, listener);
      }
      this.#leaveIfDone();
    });
  }

  #sendStatus(onSent?: (error: Error | null | undefined) => void): void {
    this.#send({ kind: 'status', taken: this.#taken, open: this.#deps.countOpen() + this.#pending }, onSent);
  }

  #send(frame: Parameters<typeof encodeFrame>[0], onSent?: (error: Error | null | undefined) => void): void {
    this.#socket?.write(encodeFrame(frame), onSent);
  }

  /** Everything that was on the way has come and is served. */
  #leaveIfDone(): void {
    const isOver = (this.#lastCame || !this.#isAttached) && this.#arrived.length + this.#pending === 0;
    if (this.#leaving !== 'asked' || !isOver) return;
    this.#leaving = 'left';
    clearTimeout(this.#retry);
    this.#deps.onLeft();
    this.#endIfDone();
  }

  /** The dispatcher is told of connections until the last has ended. */
  #endIfDone(): void {
    if (this.#leaving === 'left' && this.#deps.countOpen() === 0) this.#socket?.destroy();
  }

  #onClosed(): void {
    if (this.#isAttached) {
      this.#deps.descriptors.close(this.#descriptorSocket);
      this.#lastAttachedMs = this.#deps.nowMs();
    }
    this.#descriptorSocket = NO_DESCRIPTOR;
    this.#socket = undefined;
    this.#leaveIfDone();
    if (this.#isOrphaned) this.#deps.onDrain();
    if (this.#leaving !== 'no') return;
    this.#retry = setTimeout(() => this.open(), this.#retryMs());
    if (!this.#isReferenced) this.#retry.unref();
  }

  get #isOrphaned(): boolean {
    return this.#options.ticket !== 0 && this.#deps.nowMs() - this.#lastAttachedMs >= ORPHANED_MS;
  }

  /** Doubles from RETRY_MIN_MS to RETRY_MAX_MS, less up to a half, so that workers do not come all at once. */
  #retryMs(): number {
    const ms = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    return ms * (1 - this.#deps.random() / 2);
  }

  /** Once for each time that the link is lost. */
  #onTrouble(error: Error): void {
    if (this.#isInTrouble || this.#leaving !== 'no') return;
    this.#isInTrouble = true;
    this.#deps.onTrouble(error);
  }
}
