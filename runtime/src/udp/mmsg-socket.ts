/** A UDP socket that takes and sends datagrams in batches, one system call for many. IPv4, Linux. */
import { closeSync, openSync } from 'node:fs';
import { Errno, systemError } from '@lars/syscalls/errno';
import type { Libc } from './libc.ts';
import { MmsgMemory } from './mmsg-memory.ts';
import { SocketCalls } from './socket-calls.ts';
import { SocketPoll, SocketPollLoop } from './socket-poll.ts';

export interface MmsgSocketOptions {
  readonly ip: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Connects the socket: it takes datagrams of this address alone, and sends to no other. */
  readonly remote?: { readonly ip: string; readonly port: number };
  /** The receive buffer that the kernel is asked for; 0 = the system's default. */
  readonly receiveBufferBytes: number;
  /** How many datagrams one system call takes, or sends, at most. */
  readonly slots?: number;
  /** Called for every datagram that could not be sent. */
  readonly onSendError: () => void;
}

const DEFAULT_SLOTS = 64;
/** While a batch of this size is handled, more come: to look for them at once is cheaper than to wait for them, which takes a turn of the event loop. */
const BUSY_DATAGRAMS = 16;
const MSG_DONTWAIT = 0x40;
const O_CLOEXEC = 0o2000000;
/** The send buffer is full only for as long as the network card is busy; after this time the socket gives up waiting. */
const SEND_WAIT_MS = 5;

export class MmsgSocket {
  /** The bytes of the datagrams that were taken, and of those to be sent. */
  readonly bytes: Uint8Array;
  readonly port: number;
  /** The size of the receive buffer, as the kernel tells it. */
  readonly receiveBufferBytes: number;
  /** -1 once the socket is closed, because another file may have the number then. */
  #fd: number;
  readonly #loop: number;
  readonly #libc: Libc;
  readonly #calls: SocketCalls;
  readonly #poll: SocketPoll;
  readonly #memory: MmsgMemory;
  readonly #slots: number;
  readonly #onSendError: () => void;
  #received = 0;
  #pollLoop: SocketPollLoop | undefined;

  /** @throws {Error} with `code` and `syscall`, as node:dgram's: EADDRINUSE, EADDRNOTAVAIL, … */
  constructor(libc: Libc, options: MmsgSocketOptions) {
    this.#libc = libc;
    this.#slots = options.slots ?? DEFAULT_SLOTS;
    this.#memory = new MmsgMemory(this.#slots, options.remote !== undefined, buffer => libc.addressOf(buffer));
    this.bytes = this.#memory.bytes;
    this.#onSendError = options.onSendError;
    this.#calls = new SocketCalls(libc, this.#memory);
    this.#poll = new SocketPoll(libc, this.#memory);
    this.#loop = libc.loopDescriptor();
    this.#fd = openDescriptor(libc, this.#calls);
    try {
      this.#calls.bind(this.#fd, options.ip, options.port);
      if (options.remote !== undefined) this.#calls.connect(this.#fd, options.remote.ip, options.remote.port);
      if (options.receiveBufferBytes > 0) this.#calls.setReceiveBuffer(this.#fd, options.receiveBufferBytes);
      this.port = this.#calls.boundPort(this.#fd);
      this.receiveBufferBytes = this.#calls.receiveBuffer(this.#fd);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** Takes the datagrams that have come, without waiting. @returns how many slots are filled now */
  receive(): number {
    const count = this.#libc.recvmmsg(this.#fd, this.#memory.incomingHeaders, this.#slots, MSG_DONTWAIT, 0);
    // -1: there was no datagram; or an earlier one could not be delivered, which a connected socket is told here, once.
    this.#received = Math.max(0, count);
    return this.#received;
  }

  /** Where the datagram of a slot begins in `bytes`. Like its length and sender it is valid until the next receive. */
  startOf(slot: number): number {
    return this.#memory.startOf(slot);
  }

  lengthOf(slot: number): number {
    return this.#memory.lengthOf(slot);
  }

  /** The sender's address as a number, to be given to commit, now or later. */
  senderOf(slot: number): number {
    return this.#memory.senderOf(slot);
  }

  /** The sender's IPv4 address, unsigned. */
  senderIpOf(slot: number): number {
    return this.#memory.senderIpOf(slot);
  }

  /** Where in `bytes` the next datagram to send is to be written; there is room for the largest. May flush. */
  outgoingStart(): number {
    if (!this.#memory.hasRoom) this.flush();
    return this.#memory.outgoingEnd;
  }

  /** Queues what was written at outgoingStart() as a datagram for the next flush. A connected socket needs no `address`. */
  commit(length: number, address = 0): void {
    this.#memory.commit(length, address);
  }

  /** Sends what was committed. A datagram that cannot be sent does not delay the ones behind it. */
  flush(): void {
    const memory = this.#memory;
    const count = memory.outgoingCount;
    if (count === 0) return;
    const sent = this.#libc.sendmmsg(this.#fd, memory.outgoingHeader(0), count, MSG_DONTWAIT);
    if (sent < count) this.#sendRest(sent, count);
    memory.clearOutgoing();
  }

  /**
   * Calls back when there is something to receive, and flushes before each wait. From now on this thread waits for this socket, and for
   * its event loop beside it, so that messages come at once; timers, and other such sockets of the thread, may be served up to 200 ms
   * late. The process stays alive until close.
   */
  onReadable(callback: () => void): void {
    this.#pollLoop?.stop();
    this.#pollLoop = new SocketPollLoop({
      poll: timeoutMs => {
        this.flush();
        return this.#poll.wait(this.#fd, this.#loop, timeoutMs);
      },
      onReady: () => {
        callback();
        return this.#received >= Math.min(this.#slots, BUSY_DATAGRAMS);
      },
    });
  }

  /** Ends onReadable. */
  pause(): void {
    this.#pollLoop?.stop();
    this.#pollLoop = undefined;
  }

  /** How many datagrams the kernel has dropped because its buffer was full, since the socket was opened. */
  kernelDrops(): number {
    return this.#calls.drops(this.#fd);
  }

  /** Closes at once; what was committed and not flushed is lost. */
  close(): void {
    if (this.#fd < 0) return;
    this.pause();
    closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Sends the datagrams from number `sent` on. Where a call sends none, the first of its datagrams is the cause. */
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
      // After one wait in vain, this flush waits no more.
      if (!this.#poll.waitWritable(this.#fd, SEND_WAIT_MS)) patience.waits = 0;
      return true;
    }
    // The error concerns a datagram that left before, and is reported once.
    if (errno === Errno.ECONNREFUSED && patience.retries > 0) {
      patience.retries = 0;
      return true;
    }
    patience.retries = 1;
    return false;
  }
}

/**
 * Opens a descriptor that Node closes when this thread ends, even when it is terminated: a socket that outlived its thread would keep
 * the port. Node closes the files that it has opened itself, so the socket takes the descriptor of such a file.
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
