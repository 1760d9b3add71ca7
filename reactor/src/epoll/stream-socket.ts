import { Errno, systemError } from '@lars/syscalls/errno';
import type { EngineCore } from '../engine-core.ts';
import { IdleTimer } from '../idle-timer.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR, SPLICE_FLAGS } from '../linux/constants.ts';
import type { Libc } from '../linux/libc.ts';
import { BUFFER_BYTES, type NativeMemory } from '../linux/memory.ts';
import { PIPE_BYTES, type Pipe, type PipePool } from '../linux/pipe-pool.ts';
import type { Sockets } from '../linux/sockets.ts';
import type { Hub } from './hub.ts';
import { Ready } from './readiness-set.ts';
import { SendQueue } from './send-queue.ts';

/** What the connections of an engine share. */
export interface EpollContext {
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
/** The system does not splice these, or not at all: some sandboxes forbid it. */
export const UNSUPPORTED = -3;

const NO_SPLICE: readonly number[] = [Errno.EINVAL, Errno.ENOSYS, Errno.EPERM];

/** A stream socket that does not block: reading, sending, and what is known of its readiness. It calls nobody. */
export class StreamSocket {
  readonly fd: number;
  /** Not before epoll said so does it make sense to try. */
  isReadable = false;
  isWritable = false;
  /** The remote has ended or reset it, so that an edge will not tell of more bytes. */
  isEnding = false;
  /** Both directions are over. */
  isHungUp = false;
  bytesRead = 0;
  bytesWritten = 0;
  lastActiveMs: number;
  error: NodeJS.ErrnoException | undefined;
  readonly queue = new SendQueue();
  readonly #context: EpollContext;
  #idle: IdleTimer | undefined;

  constructor(context: EpollContext, fd: number) {
    this.#context = context;
    this.fd = fd;
    this.lastActiveMs = context.core.nowMs;
  }

  /** @param ready a sum of Ready */
  note(ready: number): void {
    if ((ready & (Ready.remoteEnded | Ready.hangUp | Ready.error)) !== 0) this.isEnding = true;
    if ((ready & (Ready.readable | Ready.remoteEnded | Ready.hangUp | Ready.error)) !== 0) this.isReadable = true;
    if ((ready & Ready.hangUp) !== 0) this.isHungUp = true;
    if ((ready & Ready.writable) !== 0) this.isWritable = true;
  }

  /** Reads into the engine's memory, at most BUFFER_BYTES. @returns how many bytes, 0 at the end, AGAIN or BROKEN */
  receive(limit: number = BUFFER_BYTES): number {
    const { libc, memory } = this.#context;
    const count = libc.recv(this.fd, memory.incomingAddress, limit, MSG_DONTWAIT);
    if (count < limit && !(count > 0 && this.isEnding)) this.isReadable = false;
    return this.#noteRead(count, 'recv');
  }

  /** Moves bytes into an empty pipe. @returns as `receive`, or UNSUPPORTED */
  receiveInto(pipe: Pipe): number {
    const count = this.#context.libc.splice(this.fd, 0, pipe.writeFd, 0, PIPE_BYTES, SPLICE_FLAGS);
    if (count < 0 && NO_SPLICE.includes(this.#context.libc.errno())) return UNSUPPORTED;
    if (count <= 0) this.isReadable = false;
    else pipe.bytes = count;
    return this.#noteRead(count, 'splice');
  }

  /** Sends what lies at an address, not more than BUFFER_BYTES. @returns how many bytes the kernel took, AGAIN or BROKEN */
  send(address: number, length: number): number {
    const count = this.#context.libc.send(this.fd, address, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return this.#noteSent(count, length, 'send');
  }

  /** Moves the bytes of a pipe to the socket. @returns as `send` */
  sendFrom(pipe: Pipe): number {
    const count = this.#context.libc.splice(pipe.readFd, 0, this.fd, 0, pipe.bytes, SPLICE_FLAGS);
    // A short count does not mean that the socket is full: a pipe's bytes lie in pieces.
    const sent = this.#noteSent(count, 0, 'splice');
    if (sent > 0) {
      pipe.bytes -= sent;
      this.#context.core.counters.bytesSpliced += sent;
    }
    return sent;
  }

  /** Sends what is queued. @returns whether nothing is left, or BROKEN */
  flush(): boolean | typeof BROKEN {
    const { outgoing, outgoingAddress } = this.#context.memory;
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
    const { outgoing, outgoingAddress } = this.#context.memory;
    let done = 0;
    if (this.queue.bytes === 0) {
      while (done < bytes.length && this.isWritable) {
        const part = bytes.subarray(done, done + BUFFER_BYTES);
        outgoing.set(part);
        const sent = this.send(outgoingAddress, part.length);
        if (sent === BROKEN) return false;
        if (sent > 0) done += sent;
      }
    }
    if (done < bytes.length) this.queue.push(bytes.slice(done));
    return true;
  }

  /** Calls back when no byte has moved for so long; 0 = never. */
  setIdleTimeout(ms: number, onIdle: () => void): void {
    const { core, hub } = this.#context;
    core.look();
    this.lastActiveMs = core.nowMs;
    this.#idle ??= new IdleTimer(core, { lastActiveMs: () => this.lastActiveMs, onIdle });
    this.#idle.set(ms);
    hub.wake();
  }

  cancelIdleTimeout(): void {
    this.#idle?.cancel();
  }

  shutdown(): void {
    this.#context.libc.shutdown(this.fd, SHUT_WR);
  }

  /** The error that the kernel has noted, and will not tell again. */
  takeError(): NodeJS.ErrnoException | undefined {
    const errno = this.#context.sockets.pendingError(this.fd);
    return errno > 0 ? systemError('read', errno) : undefined;
  }

  #noteRead(count: number, syscall: string): number {
    if (count > 0) {
      this.bytesRead += count;
      this.#context.core.counters.bytesRead += count;
      this.lastActiveMs = this.#context.core.nowMs;
    }
    if (count >= 0) return count;
    // No edge comes for bytes that are there already.
    if (this.#context.libc.errno() === Errno.EINTR) this.isReadable = true;
    return this.#noteFailure(syscall);
  }

  #noteSent(count: number, wanted: number, syscall: string): number {
    if (count < wanted) this.isWritable = false;
    if (count < 0) {
      this.isWritable = this.#context.libc.errno() === Errno.EINTR;
      return this.#noteFailure(syscall);
    }
    this.bytesWritten += count;
    this.#context.core.counters.bytesWritten += count;
    this.lastActiveMs = this.#context.core.nowMs;
    return count;
  }

  #noteFailure(syscall: string): number {
    const errno = this.#context.libc.errno();
    if (errno === Errno.EAGAIN || errno === Errno.EINTR) return AGAIN;
    this.error ??= systemError(syscall, errno);
    return BROKEN;
  }
}
