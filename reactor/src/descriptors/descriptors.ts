import { Errno, systemError } from '@lars/syscalls/errno';
import { loadNative, type Native } from '@lars/syscalls/native';
import { bindSocketFunctions, type SocketFunctions } from '@lars/syscalls/socket-functions';
import { AF_UNIX, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, SOCK_STREAM, SOL_SOCKET } from '../linux/constants.ts';
import type { Mapping } from '../resource-ledger.ts';
import { type PageCalls, SharedPage } from './shared-page.ts';

interface Calls extends SocketFunctions, PageCalls {
  sendmsg(fd: number, header: number, flags: number): number;
  recvmsg(fd: number, header: number, flags: number): number;
  send(fd: number, address: number, length: number, flags: number): number;
  shutdown(fd: number, how: number): number;
  recv(fd: number, address: number, length: number, flags: number): number;
  poll(address: number, count: number, timeoutMs: number): number;
}

export type DescriptorsOutcome = { readonly descriptors: Descriptors } | { readonly unavailable: string };

/** sent: the remote process will get it. full: the socket takes no more at the moment. gone: the remote has closed. */
export type SendOutcome = 'sent' | 'full' | 'gone';
/**
 * A message that has come: its bytes, and its descriptors, which are the receiver's. They are fewer than were sent when this process may not have more open.
 * none: nothing has come. gone: the remote has closed.
 */
export type Received =
  | { readonly kind: 'message'; readonly fds: readonly number[]; readonly bytes: Uint8Array }
  | { readonly kind: 'none' | 'gone' };

/** How many descriptors, and bytes, a message may have. Linux allows 253 (SCM_MAX_FD). */
export const MESSAGE_MAX = 64;

const SOCK_NONBLOCK = 0o4_000;
const SOCK_CLOEXEC = 0o2_000_000;
const SCM_RIGHTS = 1;
const SHUT_RDWR = 2;
const F_DUPFD_CLOEXEC = 1_030;
/** Behind the standard streams. */
const FIRST_COPY = 3;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** struct msghdr, struct iovec and struct cmsghdr with descriptors, on 64-bit Linux, in words of 32 bits; then the bytes that go with them, and room for an address or some bytes. */
const MSGHDR = { iovec: 4, iovecCount: 6, control: 8, controlLength: 10 } as const;
const IOVEC = { address: 14, length: 16 } as const;
const CMSG = { length: 18, level: 20, type: 21, descriptors: 22 } as const;
const CMSG_HEADER_BYTES = 16;
const BYTES_AT = 4 * CMSG.descriptors + 4 * MESSAGE_MAX;
const ROOM_AT = BYTES_AT + MESSAGE_MAX;
const ROOM_BYTES = 128;
const UCRED_BYTES = 12;
const SO_PEERCRED = 17;
const PATH_BYTES_MAX = 107;
/** struct pollfd; errors and hang-ups are told always. */
const POLL_BYTES = 8;
const POLL_WANTED = 4;
const POLL_TOLD = 6;
const POLLERR = 8;
const POLLHUP = 0x10;
const POLLRDHUP = 0x2000;

/**
 * Passes descriptors to other processes over UNIX stream sockets (SCM_RIGHTS), with messages of a few bytes. Nothing here waits.
 * @returns why it does not run here, in one line, where it does not
 */
export async function loadDescriptors(): Promise<DescriptorsOutcome> {
  const outcome = await loadNative(bindCalls);
  return 'unavailable' in outcome ? outcome : { descriptors: new Descriptors(outcome.bound) };
}

function bindCalls(native: Native): Calls {
  return {
    ...bindSocketFunctions(native),
    sendmsg: native.define('sendmsg', 'int', 'uintptr_t', 'int'),
    recvmsg: native.define('recvmsg', 'int', 'uintptr_t', 'int'),
    send: native.define('send', 'int', 'uintptr_t', 'ulong', 'int'),
    shutdown: native.define('shutdown', 'int', 'int'),
    recv: native.define('recv', 'int', 'uintptr_t', 'ulong', 'int'),
    poll: native.define('poll', 'uintptr_t', 'ulong', 'int'),
    memfdCreate: native.define('memfd_create', 'uintptr_t', 'uint32_t'),
    fcntl: native.define('fcntl', 'int', 'int', 'long'),
    mmap: native.defineMapping('mmap', 'uintptr_t', 'ulong', 'int', 'int', 'int', 'long'),
    munmap: native.define('munmap', 'uintptr_t', 'ulong'),
    view: native.view,
  };
}

export class Descriptors {
  readonly #calls: Calls;
  readonly #bytes = new Uint8Array(ROOM_AT + ROOM_BYTES);
  readonly #words = new Int32Array(this.#bytes.buffer);
  readonly #address: number;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#address = calls.addressOf(this.#bytes.buffer);
    this.#putPointer(MSGHDR.iovec, 4 * IOVEC.address);
    this.#words[MSGHDR.iovecCount] = 1;
    this.#putPointer(MSGHDR.control, 4 * CMSG.length);
    this.#putPointer(IOVEC.address, BYTES_AT);
  }

  /**
   * Sends descriptors in one message, all or none; the caller's own stay open.
   * @param socket a UNIX stream socket
   * @param bytes what goes with them, from 1 to MESSAGE_MAX
   */
  send(socket: number, fds: readonly number[], bytes: ArrayLike<number>): SendOutcome {
    const words = this.#words;
    for (let at = 0; at < fds.length; at++) words[CMSG.descriptors + at] = fds[at] as number;
    for (let at = 0; at < bytes.length; at++) this.#bytes[BYTES_AT + at] = bytes[at] as number;
    words[IOVEC.length] = bytes.length;
    words[CMSG.length] = CMSG_HEADER_BYTES + 4 * fds.length;
    words[CMSG.level] = SOL_SOCKET;
    words[CMSG.type] = SCM_RIGHTS;
    words[MSGHDR.controlLength] = CMSG_HEADER_BYTES + 8 * Math.ceil(fds.length / 2);
    const sent = this.#retry(() => this.#calls.sendmsg(socket, this.#address, MSG_DONTWAIT | MSG_NOSIGNAL));
    return sent === bytes.length ? 'sent' : this.#sendFailure();
  }

  /** Takes the next message that has come; its descriptors are not inherited by programs that this one starts. */
  receive(socket: number): Received {
    const words = this.#words;
    words[IOVEC.length] = MESSAGE_MAX;
    words[MSGHDR.controlLength] = CMSG_HEADER_BYTES + 4 * MESSAGE_MAX;
    const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
    const count = this.#retry(() => this.#calls.recvmsg(socket, this.#address, flags));
    if (count < 0) return { kind: this.#calls.errno() === Errno.EAGAIN ? 'none' : 'gone' };
    if (count === 0) return { kind: 'gone' };
    return { kind: 'message', fds: this.#receivedDescriptors(), bytes: this.#bytes.slice(BYTES_AT, BYTES_AT + count) };
  }

  /** Makes a page of memory to be shared. @returns its descriptor too, which is the caller's. @throws {Error} as Node's, with `code` */
  createPage(): { readonly page: SharedPage; readonly fd: number } {
    return SharedPage.create(this.#calls);
  }

  /** @param fd of a page of another process; it is closed. @throws {Error} when it is none */
  openPage(fd: number): SharedPage {
    return SharedPage.open(this.#calls, fd);
  }

  /**
   * Connects to a UNIX socket.
   * @returns the descriptor, which is the caller's
   * @throws {Error} with the system's `code`: ENOENT, ECONNREFUSED, EAGAIN when too many wait to be accepted there, …
   */
  connect(path: string): number {
    const bytes = Buffer.from(path);
    if (bytes.length === 0 || bytes.length > PATH_BYTES_MAX) {
      throw new RangeError(
        `the path of a UNIX socket has from 1 to ${PATH_BYTES_MAX} bytes, and this has ${bytes.length}: ${path.slice(0, 200)}`,
      );
    }
    const socket = this.#calls.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket < 0) throw systemError('socket', this.#calls.errno());
    this.#bytes.fill(0, ROOM_AT);
    this.#bytes[ROOM_AT] = AF_UNIX;
    this.#bytes.set(bytes, ROOM_AT + 2);
    if (this.#retry(() => this.#calls.connect(socket, this.#address + ROOM_AT, 2 + bytes.length + 1)) === 0) return socket;
    const error = systemError('connect', this.#calls.errno(), path);
    this.#calls.close(socket);
    throw error;
  }

  /** Sends a few bytes, all or none. @returns whether they left */
  sendBytes(socket: number, bytes: Uint8Array): boolean {
    if (bytes.length > ROOM_BYTES) throw new RangeError(`${bytes.length} bytes, at most ${ROOM_BYTES}`);
    this.#bytes.set(bytes, ROOM_AT);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return this.#retry(() => this.#calls.send(socket, this.#address + ROOM_AT, bytes.length, flags)) === bytes.length;
  }

  /** Who is at the other end of a UNIX socket: who has connected, or who listens there. Numbers of the process and its user, each -1 where the system does not tell. */
  remoteProcess(socket: number): { readonly pid: number; readonly user: number } {
    const lengthAt = ROOM_AT + UCRED_BYTES;
    this.#words[lengthAt / 4] = UCRED_BYTES;
    const result = this.#calls.getsockopt(socket, SOL_SOCKET, SO_PEERCRED, this.#address + ROOM_AT, this.#address + lengthAt);
    const [pid = -1, user = -1] = this.#words.subarray(ROOM_AT / 4);
    return result < 0 ? { pid: -1, user: -1 } : { pid, user };
  }

  /**
   * Of some connected stream sockets those with which nobody can do anything any more: the remote has reset it, or has closed it altogether and all that it sent was read.
   * A remote that has ended its own direction may wait for an answer. Of TCP it cannot be told whether such a one is still there: it counts as if it were.
   * @param withSilent and those whose remote has ended its direction without a byte that was not read: hardly anybody waits so
   */
  findGone(sockets: readonly number[], withSilent = false): readonly number[] {
    const { poll, addressOf } = this.#calls;
    const polled = new DataView(new ArrayBuffer(POLL_BYTES * Math.max(1, sockets.length)));
    for (const [at, socket] of sockets.entries()) {
      polled.setInt32(POLL_BYTES * at, socket, true);
      polled.setInt16(POLL_BYTES * at + POLL_WANTED, withSilent ? POLLRDHUP : 0, true);
    }
    if (poll(addressOf(polled.buffer), sockets.length, 0) <= 0) return [];
    return sockets.filter((socket, at) => {
      const told = polled.getInt16(POLL_BYTES * at + POLL_TOLD, true);
      return (told & POLLERR) !== 0 || ((told & (POLLHUP | POLLRDHUP)) !== 0 && !this.#hasBytes(socket));
    });
  }

  /** Ends both directions of a socket, whoever else has a descriptor of it. What the remote has sent before can be read still. */
  shutdown(socket: number): void {
    this.#calls.shutdown(socket, SHUT_RDWR);
  }

  /** @returns another descriptor of the same socket, which is not inherited by programs. @throws {Error} as Node's, with `code` */
  duplicate(fd: number): number {
    const copy = this.#calls.fcntl(fd, F_DUPFD_CLOEXEC, FIRST_COPY);
    if (copy < 0) throw systemError('fcntl', this.#calls.errno());
    return copy;
  }

  close(fd: number): void {
    this.#calls.close(fd);
  }

  /** Nobody may look at it any more. */
  unmap({ address, length }: Mapping): void {
    this.#calls.munmap(address, length);
  }

  #hasBytes(socket: number): boolean {
    return this.#retry(() => this.#calls.recv(socket, this.#address + ROOM_AT, 1, MSG_PEEK | MSG_DONTWAIT)) > 0;
  }

  #sendFailure(): SendOutcome {
    const errno = this.#calls.errno();
    return errno === Errno.EAGAIN || errno === ETOOMANYREFS || errno === Errno.ENOBUFS || errno === Errno.ENOMEM
      ? 'full'
      : 'gone';
  }

  #retry(call: () => number): number {
    for (;;) {
      const result = call();
      if (result !== -1 || this.#calls.errno() !== Errno.EINTR) return result;
    }
  }

  #receivedDescriptors(): readonly number[] {
    const words = this.#words;
    const hasDescriptors =
      (words[MSGHDR.controlLength] as number) > CMSG_HEADER_BYTES &&
      words[CMSG.level] === SOL_SOCKET &&
      words[CMSG.type] === SCM_RIGHTS;
    if (!hasDescriptors) return [];
    const count = ((words[CMSG.length] as number) - CMSG_HEADER_BYTES) / 4;
    return Array.from(words.subarray(CMSG.descriptors, CMSG.descriptors + count));
  }

  /** @param at in words. @param to in bytes */
  #putPointer(at: number, to: number): void {
    new BigUint64Array(this.#bytes.buffer, 4 * at, 1)[0] = BigInt(this.#address + to);
  }
}

/** The process's user has as many descriptors on their way as he may have open. */
const ETOOMANYREFS = 109;
