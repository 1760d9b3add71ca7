import { Errno, systemError } from '@lars/syscalls/errno';
import { checkBytes, checkMs, type Endpoint } from '../check-options.ts';
import type { Address } from '../engine.ts';
import type { EngineCore } from '../engine-core.ts';
import { IdleTimer } from '../idle-timer.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR, SPLICE_FLAGS } from '../linux/constants.ts';
import type { Libc } from '../linux/libc.ts';
import { BUFFER_BYTES, type NativeMemory } from '../linux/memory.ts';
import { PIPE_BYTES, type Pipe, type PipePool } from '../linux/pipe-pool.ts';
import { expandAddress, type RemoteAddress } from '../linux/socket-address.ts';
import type { Sockets } from '../linux/sockets.ts';
import type { Hub } from './hub.ts';
import { ALL_EDGES, READ_EDGES, Ready } from './readiness-set.ts';
import { SendQueue } from './send-queue.ts';

/** What the connections of an engine share. */
export interface SocketContext {
  readonly core: EngineCore;
  readonly hub: Hub;
  readonly libc: Libc;
  readonly memory: NativeMemory;
  readonly sockets: Sockets;
  readonly pipes: PipePool;
}

/** Instead of a count of bytes: nothing can be done now, and epoll will tell when; or the socket is broken, and `error` says why. */
export const AGAIN = -1;
export const BROKEN = -2;
/** So much leaves at once as one segment, whatever the socket's options are: nothing was sent before that it could wait for. */
const SEGMENT_BYTES = 512;
/** The system does not splice these, or not at all: some sandboxes forbid it. */
export const UNSUPPORTED = -3;
/** What `readArrived` reads at most. */
const ARRIVED_BYTES = 4_096;
const NOTHING: readonly Uint8Array[] = [];

const NO_SPLICE: readonly number[] = [Errno.EINVAL, Errno.ENOSYS, Errno.EPERM];

/** A stream socket that does not block: reading, sending, and what is known of its readiness. It calls nobody. */
export class StreamSocket {
  readonly fd: number;
  /** Not before epoll said so does it make sense to try. */
  isReadable = false;
  isWritable = false;
  /** The remote has ended or reset it, so that an edge will not tell of more bytes. */
  isEnding = false;
  /** An urgent byte is among what waits: reading stops in front of it, though more is there, and splicing does not pass it. */
  isUrgent = false;
  /** Both directions are over. */
  isHungUp = false;
  error: NodeJS.ErrnoException | undefined;
  readonly queue = new SendQueue();
  /** Small writes are to leave at once, which the kernel is told when it matters: many connections send one message. */
  isNoDelayDue = false;
  /** Where the receiver is to connect it to, as soon as it is watched. */
  connectsTo: Endpoint | undefined;
  /** What `receive` has read, until the next one or the end of the turn. */
  received: Uint8Array;
  /** A read has failed whose error nobody will tell again. */
  protected hasFailed = false;
  protected readonly context: SocketContext;
  protected readBytes = 0;
  protected writtenBytes = 0;
  protected activeMs: number;
  /** Epoll tells when it is writable; before it is watched, nothing has to be changed. */
  #isWriteWatched = true;
  readonly #isWrittenWhole: boolean;
  #idle: IdleTimer | undefined;
  #remote: RemoteAddress | undefined;
  #local: Address | undefined;
  #hasLeft = false;

  /**
   * @param isWrittenWhole what the kernel does not take at once breaks it
   * @param remote where it is known already
   */
  constructor(context: SocketContext, fd: number, isWrittenWhole: boolean, remote: RemoteAddress | undefined) {
    this.context = context;
    this.#isWrittenWhole = isWrittenWhole;
    this.#remote = remote;
    this.fd = fd;
    this.received = context.memory.incoming;
    this.activeMs = context.core.nowMs;
  }

  get bytesRead(): number {
    return this.readBytes;
  }

  get bytesWritten(): number {
    return this.writtenBytes;
  }

  /** When bytes moved last, or might have. */
  get lastActiveMs(): number {
    return this.activeMs;
  }

  /** The receiver of another socket sends here. */
  get isForwarding(): boolean {
    return false;
  }

  /** Time that was idle before does not count. */
  noteActive(): void {
    this.activeMs = this.context.core.nowMs;
  }

  /** Undefined when the descriptor was left before anybody asked. */
  get remoteAddress(): Address | undefined {
    if (!this.#hasLeft) this.#remote ??= this.context.sockets.remoteAddress(this.fd);
    return this.#remote === undefined ? undefined : expandAddress(this.#remote);
  }

  get localAddress(): Address | undefined {
    if (!this.#hasLeft) this.#local ??= this.context.sockets.localAddress(this.fd);
    return this.#local;
  }

  /** @param ready a sum of Ready */
  note(ready: number): void {
    if ((ready & (Ready.remoteEnded | Ready.hangUp | Ready.error)) !== 0) this.isEnding = true;
    if ((ready & (Ready.readable | Ready.remoteEnded | Ready.hangUp | Ready.error)) !== 0) this.isReadable = true;
    if ((ready & Ready.hangUp) !== 0) this.isHungUp = true;
    if ((ready & Ready.urgent) !== 0) this.isUrgent = true;
    if ((ready & Ready.writable) !== 0) this.isWritable = true;
  }

  /** Reads at most BUFFER_BYTES: `received`. @returns how many bytes, 0 at the end, AGAIN or BROKEN */
  receive(limit: number = BUFFER_BYTES): number {
    if (this.hasFailed) return BROKEN;
    const { libc, memory } = this.context;
    const count = libc.recv(this.fd, memory.incomingAddress, limit, MSG_DONTWAIT);
    if (count < limit && !(count > 0 && (this.isEnding || this.isUrgent))) this.isReadable = false;
    if (count <= 0) this.isUrgent = false;
    const read = this.noteRead(count, 'recv');
    if (read > 0) this.received = memory.incomingView(read);
    return read;
  }

  /** Tries to read, though nothing was told of the socket yet. What is no bytes is told by the next read. */
  readArrived(): Uint8Array {
    const { libc, memory } = this.context;
    const count = libc.recv(this.fd, memory.incomingAddress, ARRIVED_BYTES, MSG_DONTWAIT);
    if (count > 0) return memory.incomingView(this.noteRead(count, 'recv'));
    if (count < 0 && this.noteRead(count, 'recv') === BROKEN) this.hasFailed = true;
    return memory.incomingView(0);
  }

  /** What is to be told of the socket. */
  watchedEvents(_isConnected: boolean): number {
    this.#isWriteWatched = !this.isWritable;
    return this.#isWriteWatched ? ALL_EDGES : READ_EDGES;
  }

  /** It is watched now: what a receiver does, it begins to do. */
  beginConnecting(): void {}

  /** It is connected now. */
  beginReceiving(): void {}

  /** From now on bytes are read with calls, whatever a receiver has done. @returns what was received, and nobody has read */
  readByCalls(): readonly Uint8Array[] {
    return NOTHING;
  }

  /** A receiver receives nothing more. @returns what has come meanwhile */
  stopReceiving(): readonly Uint8Array[] {
    return NOTHING;
  }

  /** Sends on what a receiver has here, without a call. @returns as `receive`, or UNSUPPORTED where bytes are to be received and sent with calls */
  forwardTo(_to: StreamSocket): number {
    return UNSUPPORTED;
  }

  /** A receiver sends on what it will have here from the first byte on, where it can; nothing else is to be sent there. */
  sendOnTo(_to: StreamSocket): void {}

  /** Looks what became of what was forwarded here. @returns whether it is over, or BROKEN */
  finishForwarding(): boolean | typeof BROKEN {
    return true;
  }

  /** The descriptor is not the engine's any more. */
  leave(): void {
    this.#hasLeft = true;
    this.cancelIdleTimeout();
  }

  /** Moves bytes into an empty pipe. @returns as `receive`, or UNSUPPORTED; 0 also in front of an urgent byte when the remote has ended */
  receiveInto(pipe: Pipe): number {
    if (this.hasFailed) return BROKEN;
    const count = this.context.libc.splice(this.fd, 0, pipe.writeFd, 0, PIPE_BYTES, SPLICE_FLAGS);
    if (count < 0 && NO_SPLICE.includes(this.context.libc.errno())) return UNSUPPORTED;
    if (count < 0) this.isReadable = false;
    else if (count === 0) this.isEnding = true;
    else pipe.bytes = count;
    return this.noteRead(count, 'splice');
  }

  /** Sends what lies at an address, not more than BUFFER_BYTES. @returns how many bytes the kernel took, AGAIN or BROKEN */
  send(address: number, length: number): number {
    this.leaveAtOnce(length);
    const count = this.context.libc.send(this.fd, address, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return this.#noteSent(count, length, 'send');
  }

  protected leaveAtOnce(length: number): void {
    if (this.isNoDelayDue && (this.bytesWritten > 0 || length > SEGMENT_BYTES)) this.setNoDelay();
  }

  /** Moves the bytes of a pipe to the socket. @returns as `send` */
  sendFrom(pipe: Pipe): number {
    if (this.isNoDelayDue) this.setNoDelay();
    const count = this.context.libc.splice(pipe.readFd, 0, this.fd, 0, pipe.bytes, SPLICE_FLAGS);
    // A short count does not mean that the socket is full: a pipe's bytes lie in pieces.
    const sent = this.#noteSent(count, 0, 'splice');
    if (sent > 0) {
      pipe.bytes -= sent;
      this.context.core.counters.bytesSpliced += sent;
    }
    return sent;
  }

  /** Sends what is queued. @returns whether nothing is left, or BROKEN */
  flush(): boolean | typeof BROKEN {
    const { outgoing, outgoingAddress } = this.context.memory;
    while (this.queue.bytes > 0) {
      if (!this.isWritable) return false;
      const length = this.queue.peek(outgoing);
      const sent = this.send(outgoingAddress, length);
      if (sent === BROKEN) return BROKEN;
      if (sent > 0) this.queue.drop(sent);
    }
    return true;
  }

  /** Sends bytes, and queues a copy of those that the kernel does not take. @returns whether it is well */
  write(bytes: Uint8Array): boolean {
    checkBytes(bytes);
    const { outgoing, outgoingAddress } = this.context.memory;
    let done = 0;
    if (this.queue.bytes === 0) {
      while (done < bytes.length && this.isWritable) {
        // Even the view of a part costs as much as a small message.
        const part = bytes.length <= BUFFER_BYTES && done === 0 ? bytes : bytes.subarray(done, done + BUFFER_BYTES);
        outgoing.set(part);
        const sent = this.send(outgoingAddress, part.length);
        if (sent === BROKEN) return false;
        if (sent > 0) done += sent;
      }
    }
    if (done === bytes.length) return true;
    if (this.#isWrittenWhole) return false;
    // Not bytes.slice: that of a Buffer copies nothing.
    this.queue.push(new Uint8Array(bytes.subarray(done)));
    return true;
  }

  /** Calls back when no byte has moved for so long; 0 = never. */
  setIdleTimeout(ms: number, onIdle: () => void): void {
    checkMs('ms', ms);
    const { core, hub } = this.context;
    core.look();
    this.noteActive();
    this.#idle ??= new IdleTimer(core, { lastMoveMs: () => this.lastActiveMs, onIdle });
    this.#idle.set(ms);
    hub.wake();
  }

  cancelIdleTimeout(): void {
    this.#idle?.cancel();
  }

  setNoDelay(): void {
    this.isNoDelayDue = false;
    this.context.sockets.setNoDelay(this.fd);
  }

  setKeepAlive(ms: number): void {
    this.context.sockets.setKeepAlive(this.fd, ms);
  }

  shutdown(): void {
    this.context.libc.shutdown(this.fd, SHUT_WR);
  }

  /** The error that the kernel has noted, and will not tell again. */
  takeError(syscall = 'read'): NodeJS.ErrnoException | undefined {
    const errno = this.pendingError();
    return errno > 0 ? systemError(syscall, errno) : undefined;
  }

  /** An error number, 0 for none. */
  protected pendingError(): number {
    return this.context.sockets.pendingError(this.fd);
  }

  protected noteRead(count: number, syscall: string): number {
    if (count > 0) {
      this.readBytes += count;
      this.context.core.counters.bytesRead += count;
      this.noteActive();
    }
    if (count >= 0) return count;
    // No edge comes for bytes that are there already.
    if (this.context.libc.errno() === Errno.EINTR) this.isReadable = true;
    return this.#noteFailure(syscall);
  }

  #noteSent(count: number, wanted: number, syscall: string): number {
    if (count < wanted) {
      this.isWritable = false;
      this.watchWrites();
    }
    if (count < 0) {
      this.isWritable = this.context.libc.errno() === Errno.EINTR;
      return this.#noteFailure(syscall);
    }
    this.writtenBytes += count;
    this.context.core.counters.bytesWritten += count;
    this.noteActive();
    return count;
  }

  /** Most connections never have to wait until they are writable, and are not told of it until then. */
  protected watchWrites(): void {
    if (this.#isWriteWatched) return;
    this.#isWriteWatched = true;
    this.context.hub.change(this.fd, ALL_EDGES);
  }

  #noteFailure(syscall: string): number {
    const errno = this.context.libc.errno();
    if (errno === Errno.EAGAIN || errno === Errno.EINTR) return AGAIN;
    this.error ??= systemError(syscall, errno);
    return BROKEN;
  }
}
