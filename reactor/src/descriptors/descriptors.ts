import { Errno, systemError } from '@lars/syscalls/errno';
import { loadNative, type Native } from '@lars/syscalls/native';
import { bindSocketFunctions, type SocketFunctions } from '@lars/syscalls/socket-functions';

interface Calls extends SocketFunctions {
  sendmsg(fd: number, header: number, flags: number): number;
  recvmsg(fd: number, header: number, flags: number): number;
  send(fd: number, address: number, length: number, flags: number): number;
  shutdown(fd: number, how: number): number;
}

export type DescriptorsOutcome = { readonly descriptors: Descriptors } | { readonly unavailable: string };

/** sent: the remote process will get it. full: the socket takes no more at the moment. gone: the remote has closed. */
export type SendOutcome = 'sent' | 'full' | 'gone';
export type Received = { readonly kind: 'descriptor'; readonly fd: number } | { readonly kind: 'none' | 'gone' };

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4_000;
const SOCK_CLOEXEC = 0o2_000_000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const SHUT_RDWR = 2;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** struct msghdr, struct iovec and struct cmsghdr with one descriptor, on 64-bit Linux; then the byte that goes with it, and room for an address or some bytes. */
const MSGHDR = { at: 0, iovec: 16, iovecCount: 24, control: 32, controlLength: 40 } as const;
const IOVEC_AT = 56;
const CMSG = { at: 72, level: 80, type: 84, descriptor: 88, length: 20, space: 24 } as const;
const BYTE_AT = 96;
const ROOM_AT = 104;
const ROOM_BYTES = 128;
const PATH_BYTES_MAX = 107;

/**
 * Passes descriptors to other processes over UNIX stream sockets (SCM_RIGHTS), one with each message of one byte. Nothing here waits.
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
  };
}

export class Descriptors {
  readonly #calls: Calls;
  readonly #bytes = new Uint8Array(ROOM_AT + ROOM_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #address: number;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#address = calls.addressOf(this.#bytes.buffer);
    this.#putPointer(MSGHDR.iovec, IOVEC_AT);
    this.#putLength(MSGHDR.iovecCount, 1);
    this.#putPointer(MSGHDR.control, CMSG.at);
    this.#putPointer(IOVEC_AT, BYTE_AT);
    this.#putLength(IOVEC_AT + 8, 1);
  }

  /** Sends a descriptor; the caller's own stays open. @param socket a UNIX stream socket */
  send(socket: number, fd: number): SendOutcome {
    this.#putLength(CMSG.at, CMSG.length);
    this.#view.setUint32(CMSG.level, SOL_SOCKET, true);
    this.#view.setUint32(CMSG.type, SCM_RIGHTS, true);
    this.#view.setInt32(CMSG.descriptor, fd, true);
    this.#putLength(MSGHDR.controlLength, CMSG.space);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return this.#retry(() => this.#calls.sendmsg(socket, this.#address, flags)) === 1 ? 'sent' : this.#sendFailure();
  }

  /** Takes the next descriptor that has come; it is not inherited by programs that this one starts. */
  receive(socket: number): Received {
    this.#putLength(MSGHDR.controlLength, CMSG.space);
    const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
    const count = this.#retry(() => this.#calls.recvmsg(socket, this.#address, flags));
    if (count < 0) return { kind: this.#calls.errno() === Errno.EAGAIN ? 'none' : 'gone' };
    if (count === 0) return { kind: 'gone' };
    const isDescriptor =
      this.#view.getUint32(MSGHDR.controlLength, true) >= CMSG.length &&
      this.#view.getUint32(CMSG.level, true) === SOL_SOCKET &&
      this.#view.getUint32(CMSG.type, true) === SCM_RIGHTS;
    return isDescriptor ? { kind: 'descriptor', fd: this.#view.getInt32(CMSG.descriptor, true) } : { kind: 'none' };
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
    this.#view.setUint16(ROOM_AT, AF_UNIX, true);
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

  /** Ends both directions of a socket, whoever else has a descriptor of it. What the remote has sent before can be read still. */
  shutdown(socket: number): void {
    this.#calls.shutdown(socket, SHUT_RDWR);
  }

  close(fd: number): void {
    this.#calls.close(fd);
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

  #putPointer(at: number, to: number): void {
    this.#view.setBigUint64(at, BigInt(this.#address + to), true);
  }

  #putLength(at: number, length: number): void {
    this.#view.setBigUint64(at, BigInt(length), true);
  }
}

/** The process's user has as many descriptors on their way as he may have open. */
const ETOOMANYREFS = 109;
