import { connect, type Socket } from 'node:net';
import type { Descriptors, SharedPage } from '@lars/reactor';
import { FrameSplitter, ProtocolError } from '@lars/reactor/number-frames';
import { type DispatcherFrame, decodeDispatcherFrame, encodeFrame, PROTOCOL_VERSION } from './protocol.ts';
import { WorkerStatus } from './shared-status.ts';

export interface DispatchLinkOptions {
  readonly socketPath: string;
  /** 0 = any number. */
  readonly maxConnections: number;
  /** What the dispatcher gave to the process that it started; 0 when somebody else started it. */
  readonly ticket: number;
}

/** @param isShutDown the remote was told the end before, in whichever process descriptors are open still */
export type ConnectionEnd = (isShutDown: boolean) => void;

export interface DispatchLinkDeps {
  readonly descriptors: Descriptors;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Uniform in [0, 1), for the jitter between attempts to connect. */
  readonly random: () => number;
  /** A connection is this worker's now. @param listener which listener of the dispatcher accepted it, counted from 0. @param onEnded to be called when its descriptor is closed */
  readonly onConnection: (fd: number, listener: number, onEnded: ConnectionEnd) => void;
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

interface Shared {
  readonly page: SharedPage;
  readonly status: WorkerStatus;
}

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;
/** A worker that a dispatcher has started ends when it cannot reach one for so long: nobody else would end it. */
const ORPHANED_MS = 10_000;
const NO_DESCRIPTOR = -1;

/**
 * The two connections of a worker to its dispatcher, and the page of memory in which each says what it has. A connection that comes is served only when it was taken there:
 * a dispatcher that has given up on this worker has closed the account before, and another worker has the connection.
 */
export class DispatchLink {
  readonly #options: DispatchLinkOptions;
  readonly #deps: DispatchLinkDeps;
  #socket: Socket | undefined;
  #splitter = new FrameSplitter();
  #descriptorSocket = NO_DESCRIPTOR;
  #shared: Shared | undefined;
  #attempt = 0;
  #retry: NodeJS.Timeout | undefined;
  /** The count of open connections is told soon. */
  #isCountDue = false;
  /** The dispatcher must be told with a frame: it holds back the end of a connection. */
  #isFrameDue = false;
  #isMoved = false;
  #leaving: 'no' | 'asked' | 'left' = 'no';
  #lastCame = false;
  #isReferenced = true;
  #isInTrouble = false;
  /** When the dispatcher began to send connections. */
  #attachedMs = 0;
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
    this.#lastCame = false;
    this.#isMoved = false;
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
    return this.#shared !== undefined;
  }

  #onData(socket: Socket, chunk: Uint8Array): void {
    try {
      this.#splitter.push(chunk, bytes => this.#onFrame(decodeDispatcherFrame(bytes)));
      this.#leaveIfDone();
    } catch (error) {
      socket.destroy(error as Error);
    }
  }

  #onFrame(frame: DispatcherFrame): void {
    switch (frame.kind) {
      case 'welcome':
        this.#attach(frame.version, frame.session);
        return;
      case 'look':
        this.#receive();
        return;
      case 'drain':
        this.#deps.onDrain();
        return;
      case 'last':
        this.#receive();
        this.#lastCame = true;
        return;
      case 'moved':
        this.#isMoved = true;
        return;
      default:
        throw new ProtocolError(`the dispatcher sends ${frame.kind}, which is not for a worker of this version`);
    }
  }

  #attach(version: number, session: number): void {
    const { descriptors } = this.#deps;
    if (this.#leaving !== 'no') {
      this.#socket?.destroy();
      return;
    }
    if (version !== PROTOCOL_VERSION)
      throw new ProtocolError(`the dispatcher speaks version ${version}, and this is ${PROTOCOL_VERSION}`);
    if (this.#descriptorSocket !== NO_DESCRIPTOR) throw new ProtocolError('the dispatcher says welcome twice');
    this.#descriptorSocket = descriptors.connect(this.#options.socketPath);
    if (!descriptors.sendBytes(this.#descriptorSocket, encodeFrame({ kind: 'attach', session })))
      throw new ProtocolError('the dispatcher is gone');
  }

  /** Takes what waits on the second connection. */
  #receive(): void {
    if (this.#descriptorSocket === NO_DESCRIPTOR)
      throw new ProtocolError('the dispatcher sends something before the second connection');
    for (;;) {
      const received = this.#deps.descriptors.receive(this.#descriptorSocket);
      // Where the second connection has ended, the first one ends too.
      if (received.kind !== 'message') return;
      const { fds, bytes } = received;
      if (this.#shared === undefined) this.#share(fds);
      else this.#take(this.#shared, fds, bytes);
      const missing = bytes.length - fds.length;
      // The dispatcher gives to others what was not taken.
      if (missing > 0)
        throw new ProtocolError(`${missing} connections came without a descriptor: this process has too many open`);
    }
  }

  /** The first message has the page in which both sides say what they have. */
  #share([fd, ...others]: readonly number[]): void {
    for (const other of others) this.#deps.descriptors.close(other);
    if (fd === undefined) throw new ProtocolError('no shared page came');
    if (this.#leaving !== 'no') {
      this.#deps.descriptors.close(fd);
      this.#socket?.destroy();
      return;
    }
    const page = this.#deps.descriptors.openPage(fd);
    this.#shared = { page, status: new WorkerStatus(page) };
    this.#attachedMs = this.#deps.nowMs();
    this.#isInTrouble = false;
    this.#deps.onAttached();
  }

  #take({ status }: Shared, fds: readonly number[], listeners: Uint8Array): void {
    const { descriptors, onConnection, countOpen } = this.#deps;
    const before = status.taken;
    if (!status.take(fds.length, countOpen() + fds.length)) {
      for (const fd of fds) descriptors.close(fd);
      throw new ProtocolError('the dispatcher has given up on this worker');
    }
    for (const [at, fd] of fds.entries()) {
      const number = before + 1 + at;
      try {
        onConnection(fd, listeners[at] as number, isShutDown => this.#onEnded(status, number, isShutDown));
      } catch (error) {
        // What a handler throws is the program's, as of any event; the other connections are served all the same.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    if (status.isAsked) this.#sendStatus();
  }

  /** A connection has ended, of this link or of an earlier one. */
  #onEnded(status: WorkerStatus, number: number, isShutDown: boolean): void {
    if (!isShutDown && this.#shared?.status === status && status.isKeptBack(number)) this.#isFrameDue = true;
    if (this.#isCountDue) return;
    this.#isCountDue = true;
    // Connections that end in one tick are told of together.
    setImmediate(this.#tellCount);
  }

  readonly #tellCount = (): void => {
    this.#isCountDue = false;
    const isFrameDue = this.#isFrameDue;
    this.#isFrameDue = false;
    const status = this.#shared?.status;
    if (status !== undefined) {
      status.tellOpen(this.#deps.countOpen());
      if (isFrameDue || status.isAsked) this.#sendStatus();
    }
    this.#endIfDone();
  };

  #sendStatus(): void {
    this.#send({ kind: 'status', taken: this.#shared?.status.taken ?? 0, open: this.#deps.countOpen() });
  }

  #send(frame: Parameters<typeof encodeFrame>[0]): void {
    this.#socket?.write(encodeFrame(frame));
  }

  /** Everything that was on the way has come and is served. */
  #leaveIfDone(): void {
    if (this.#leaving !== 'asked' || (this.#isAttached && !this.#lastCame)) return;
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
    if (this.#descriptorSocket !== NO_DESCRIPTOR) this.#deps.descriptors.close(this.#descriptorSocket);
    if (this.#shared !== undefined) {
      this.#lastAttachedMs = this.#deps.nowMs();
      // A worker whose link breaks with the first connections, for want of descriptors, is not to come ten times a second.
      if (this.#lastAttachedMs - this.#attachedMs >= RETRY_MAX_MS) this.#attempt = 0;
    }
    this.#shared?.page.close();
    this.#shared = undefined;
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
    if (this.#isMoved) return 0;
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
