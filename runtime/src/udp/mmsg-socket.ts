/** A UDP socket that takes and sends datagrams in batches, one system call for many. IPv4, Linux. */
import { closeSync, openSync } from 'node:fs';
import { Errno, systemError } from './errno.ts';
import type { Libc } from './libc.ts';
import { MmsgMemory } from './mmsg-memory.ts';
import { SocketCalls } from './socket-calls.ts';
import { WaitLoop } from './socket-poll-loop.ts';

export interface MmsgSocketOptions {
  readonly ip: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Connects: takes datagrams of this peer alone, and sends to no other. */
  readonly peer?: { readonly ip: string; readonly port: number };
  /** What the kernel is asked to hold; 0 = the system's default. */
  readonly receiveBufferBytes: number;
  /** So many datagrams are taken by one call at most, and as many sent. */
  readonly slots?: number;
  /** Called for every datagram that could not be sent. */
  readonly onSendError: () => void;
}

const DEFAULT_SLOTS = 64;
const MSG_DONTWAIT = 0x40;
const O_CLOEXEC = 0o2000000;
/** The sender's own buffer is full only for as long as the network card is busy; who waits longer for it gives up. */
const SEND_WAIT_MS = 5;

export class MmsgSocket {
  /** Where datagrams lie: those taken, and those to send. */
  readonly bytes: Uint8Array;
  readonly port: number;
  /** What the kernel says that it holds. */
  readonly receiveBufferBytes: number;
  /** -1 once it is closed: another file may have the number then. */
  #fd: number;
  readonly #loop: number;
  readonly #libc: Libc;
  readonly #calls: SocketCalls;
  readonly #memory: MmsgMemory;
  readonly #slots: number;
  readonly #onSendError: () => void;
  #received = 0;
  #waiting: WaitLoop | undefined;

  /** @throws {Error} with `code` and `syscall`, as node:dgram's: EADDRINUSE, EADDRNOTAVAIL, … */
  constructor(libc: Libc, options: MmsgSocketOptions) {
    this.#libc = libc;
    this.#slots = options.slots ?? DEFAULT_SLOTS;
    this.#memory = new MmsgMemory(this.#slots, options.peer !== undefined, buffer => libc.addressOf(buffer));
    this.bytes = this.#memory.bytes;
    this.#onSendError = options.onSendError;
    this.#calls = new SocketCalls(libc, this.#memory);
    this.#loop = libc.loopDescriptor();
    this.#fd = openDescriptor(libc, this.#calls);
    try {
      this.#calls.bind(this.#fd, options.ip, options.port);
      if (options.peer !== undefined) this.#calls.connect(this.#fd, options.peer.ip, options.peer.port);
      if (options.receiveBufferBytes > 0) this.#calls.setReceiveBuffer(this.#fd, options.receiveBufferBytes);
      this.port = this.#calls.boundPort(this.#fd);
      this.receiveBufferBytes = this.#calls.receiveBuffer(this.#fd);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** Takes what has come, without waiting. @returns how many datagrams lie in the slots now */
  receive(): number {
    const count = this.#libc.recvmmsg(this.#fd, this.#memory.incomingHeaders, this.#slots, MSG_DONTWAIT, 0);
    // There was none; or an earlier datagram could not be delivered, which the socket of a client is told here, once.
    this.#received = Math.max(0, count);
    return this.#received;
  }

  /** Where the datagram of a slot begins in `bytes`. Like its length and peer it stands until the next receive. */
  startOf(slot: number): number {
    return this.#memory.startOf(slot);
  }

  lengthOf(slot: number): number {
    return this.#memory.lengthOf(slot);
  }

  /** Who sent it: a number to give to commit, now or later. */
  peerOf(slot: number): number {
    return this.#memory.peerOf(slot);
  }

  /** Where in `bytes` the next datagram to send is written: there is room for the largest. May send what waits. */
  outgoingStart(): number {
    if (!this.#memory.hasRoom) this.flush();
    return this.#memory.outgoingEnd;
  }

  /** What was written at outgoingStart() is a datagram and leaves with the next flush. A connected socket needs no peer. */
  commit(length: number, peer = 0): void {
    this.#memory.commit(length, peer);
  }

  /** Sends what was committed. A datagram that cannot be sent does not hold up those behind it. */
  flush(): void {
    const memory = this.#memory;
    const count = memory.outgoingCount;
    if (count === 0) return;
    const sent = this.#libc.sendmmsg(this.#fd, memory.outgoingHeader(0), count, MSG_DONTWAIT);
    if (sent < count) this.#sendRest(sent, count);
    memory.clearOutgoing();
  }

  /**
   * Calls back when there is something to receive, and sends before each wait what was committed. This thread waits for this socket from
   * now on and for its event loop beside it, so that mail comes at once; timers, and other such sockets of the thread, may be served up
   * to 200 ms late. The process stays alive until close.
   */
  onReadable(callback: () => void): void {
    this.#waiting?.stop();
    this.#waiting = new WaitLoop({
      wait: timeoutMs => {
        this.flush();
        return this.#calls.wait(this.#fd, this.#loop, timeoutMs);
      },
      onReady: () => {
        callback();
        // A full batch: there is more.
        return this.#received === this.#slots;
      },
    });
  }

  /** Ends onReadable. */
  pause(): void {
    this.#waiting?.stop();
    this.#waiting = undefined;
  }

  /** How many datagrams the kernel has dropped because its buffer was full, since the socket was opened. */
  kernelDrops(): number {
    return this.#calls.drops(this.#fd);
  }

  /** At once; what was committed and not flushed is lost. */
  close(): void {
    if (this.#fd < 0) return;
    this.pause();
    closeSync(this.#fd);
    this.#fd = -1;
  }

  /** The call before sent `sent` of `count` datagrams. Where a call sends none, the first of them is why. */
  #sendRest(sent: number, count: number): void {
    const patience = { waits: count, retries: 1 };
    let next = Math.max(0, sent);
    let failed = sent < 0;
    while (next < count) {
      if (failed && !this.#mayRetry(patience)) {
        next += 1;
        this.#onSendError();
        if (next === count) return;
      }
      const result = this.#libc.sendmmsg(this.#fd, this.#memory.outgoingHeader(next), count - next, MSG_DONTWAIT);
      failed = result < 0;
      if (!failed) {
        next += result;
        patience.retries = 1;
      }
    }
  }

  #mayRetry(patience: { waits: number; retries: number }): boolean {
    const errno = this.#libc.errno();
    if (errno === Errno.EINTR) return true;
    if (errno === Errno.EAGAIN && patience.waits > 0) {
      patience.waits -= 1;
      // Whoever waited in vain waits no more in this flush.
      if (!this.#calls.waitWritable(this.#fd, SEND_WAIT_MS)) patience.waits = 0;
      return true;
    }
    // It concerns a datagram that left before, and is told once.
    if (errno === Errno.ECONNREFUSED && patience.retries > 0) {
      patience.retries = 0;
      return true;
    }
    patience.retries = 1;
    return false;
  }
}

/**
 * A descriptor that Node closes when this thread ends, even when it is terminated: a socket that outlived its thread would keep the
 * port. Node does so with what it has opened itself, so the socket takes the place of a file.
 */
function openDescriptor(libc: Libc, calls: SocketCalls): number {
  const socket = calls.open();
  const fd = openSync('/dev/null', 'r');
  const replaced = libc.dup3(socket, fd, O_CLOEXEC);
  const errno = libc.errno();
  libc.close(socket);
  if (replaced >= 0) return fd;
  closeSync(fd);
  throw systemError('dup3', errno);
}
