import { Errno, systemError } from '@lars/syscalls/errno';
import { DEFAULTS, type Endpoint } from '../check-options.ts';
import { type Address, type ConnectOptions, EngineError, type ListenOptions, type SocketOptions } from '../engine.ts';
import type { DescriptorWatcher } from '../passing.ts';
import {
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  O_NONBLOCK,
  SO_ACCEPTCONN,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_TYPE,
  SOCK_NONBLOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_INFO,
  TCP_KEEPIDLE,
  TCP_NODELAY,
  TCP_QUICKACK,
} from './constants.ts';
import type { Libc } from './libc.ts';
import type { NativeMemory } from './memory.ts';
import { ADDRESS_BYTES_MAX, compactAddress, familyOf, putAddress, type RemoteAddress, readAddress } from './socket-address.ts';

/** Behind the longest address. */
const LENGTH_AT = 128;
/** Of tcpi_rtt, microseconds, in struct tcp_info. */
const ROUND_TRIP_AT = 68;
/** struct linger */
const LINGER_BYTES = 8;

/** Opens sockets, sets their options and asks for their state: what happens once in a connection's life. */
export class Sockets {
  readonly #libc: Libc;
  readonly #memory: NativeMemory;
  /** Told of a socket as soon as it is open: its thread may be ended before it is of use. */
  watcher: DescriptorWatcher | undefined;

  constructor(libc: Libc, memory: NativeMemory) {
    this.#libc = libc;
    this.#memory = memory;
  }

  /** @throws {Error} as Node's, with `code` */
  openListener(endpoint: Endpoint, options: ListenOptions): number {
    const where = endpoint.kind === 'path' ? endpoint.path : `${endpoint.host}:${endpoint.port}`;
    const fd = this.#open(endpoint, where);
    try {
      if (endpoint.kind === 'inet') {
        this.#set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (options.reusePort === true) this.#check(this.#set(fd, SOL_SOCKET, SO_REUSEPORT, 1), 'setsockopt', where);
        if (endpoint.host.includes(':')) this.#set(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only === true ? 1 : 0);
      }
      // What is accepted inherits these.
      this.configure(fd, options);
      const length = putAddress(this.#memory.scratchBytes, endpoint);
      this.#check(this.#libc.bind(fd, this.#memory.scratchAddress, length), 'bind', where);
      this.#check(this.#libc.listen(fd, options.backlog ?? DEFAULTS.backlog), 'listen', where);
    } catch (error) {
      this.watcher?.onGone(fd);
      this.#libc.close(fd);
      throw error;
    }
    return fd;
  }

  /** @param connectsLater somebody else does that. @returns a descriptor that connects, or is connected already. @throws {Error} as Node's, with `code` */
  openConnection(endpoint: Endpoint, { localHost, writesAtOnce = false }: ConnectOptions, connectsLater: boolean): number {
    const where = endpoint.kind === 'path' ? endpoint.path : `${endpoint.host}:${endpoint.port}`;
    const fd = this.#open(endpoint, where);
    try {
      if (localHost !== undefined) {
        const local = putAddress(this.#memory.scratchBytes, { kind: 'inet', host: localHost, port: 0 });
        this.#check(this.#libc.bind(fd, this.#memory.scratchAddress, local), 'bind', localHost);
      }
      // Otherwise the kernel acknowledges at once, in a segment of its own.
      if (writesAtOnce) this.#set(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
      if (connectsLater) return fd;
      const length = putAddress(this.#memory.scratchBytes, endpoint);
      const result = this.#libc.connect(fd, this.#memory.scratchAddress, length);
      if (result < 0 && this.#libc.errno() !== Errno.EINPROGRESS) this.#check(result, 'connect', where);
      return fd;
    } catch (error) {
      this.watcher?.onGone(fd);
      this.#libc.close(fd);
      throw error;
    }
  }

  /** @throws {EngineError} BAD_OPTION unless the descriptor is a stream socket that listens, or does not, as wanted */
  takeOver(fd: number, wantsListening: boolean): void {
    const isStream = this.#get(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM;
    if (!isStream || (this.#get(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1) !== wantsListening) {
      throw new EngineError('BAD_OPTION', `descriptor ${fd} is no ${wantsListening ? 'listening' : 'connected'} stream socket`);
    }
    this.#libc.fcntl(fd, F_SETFL, this.#libc.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
    this.#libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  }

  /** Options of TCP fail on UNIX sockets, which does not matter. */
  configure(fd: number, { noDelay = true, keepAliveMs = 0 }: SocketOptions): void {
    if (noDelay) this.setNoDelay(fd);
    if (keepAliveMs > 0) this.setKeepAlive(fd, keepAliveMs);
  }

  setNoDelay(fd: number): void {
    this.#set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  }

  setKeepAlive(fd: number, ms: number): void {
    this.#set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    this.#set(fd, IPPROTO_TCP, TCP_KEEPIDLE, Math.max(1, Math.round(ms / 1_000)));
  }

  /** The error that the kernel has noted for the socket, 0 for none; asking clears it. */
  pendingError(fd: number): number {
    return this.#get(fd, SOL_SOCKET, SO_ERROR);
  }

  /** Of TCP; undefined where nothing was measured. */
  roundTripMs(fd: number): number | undefined {
    const { scratch, scratchAddress } = this.#memory;
    scratch.setUint32(ROUND_TRIP_AT, 0, true);
    scratch.setUint32(LENGTH_AT, ROUND_TRIP_AT + 4, true);
    this.#libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, scratchAddress, scratchAddress + LENGTH_AT);
    const us = scratch.getUint32(ROUND_TRIP_AT, true);
    return us === 0 ? undefined : us / 1_000;
  }

  /** From now on closing it sends a reset. */
  resetOnClose(fd: number): void {
    const { scratch, scratchAddress } = this.#memory;
    scratch.setInt32(0, 1, true);
    scratch.setInt32(4, 0, true);
    this.#libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, scratchAddress, LINGER_BYTES);
  }

  /** Accepts a connection, and notes its remote. @returns its descriptor, which does not block, or -1 */
  accept(fd: number): number {
    const { scratch, scratchAddress } = this.#memory;
    scratch.setUint32(LENGTH_AT, ADDRESS_BYTES_MAX, true);
    return this.#libc.accept4(fd, scratchAddress, scratchAddress + LENGTH_AT, SOCK_NONBLOCK_CLOEXEC);
  }

  /** The remote of the connection that was accepted last, right after that. */
  acceptedRemote(): RemoteAddress {
    const { scratch, scratchBytes } = this.#memory;
    return compactAddress(scratchBytes, scratch.getUint32(LENGTH_AT, true));
  }

  localAddress(fd: number): Address | undefined {
    return this.#address(fd, this.#libc.getsockname);
  }

  remoteAddress(fd: number): Address | undefined {
    return this.#address(fd, this.#libc.getpeername);
  }

  #address(fd: number, ask: Libc['getsockname']): Address | undefined {
    const { scratch, scratchBytes, scratchAddress } = this.#memory;
    scratchBytes.fill(0, 0, ADDRESS_BYTES_MAX);
    scratch.setUint32(LENGTH_AT, ADDRESS_BYTES_MAX, true);
    if (ask(fd, scratchAddress, scratchAddress + LENGTH_AT) < 0) return undefined;
    return readAddress(scratchBytes, scratch.getUint32(LENGTH_AT, true));
  }

  #open(endpoint: Endpoint, where: string): number {
    const family = familyOf(endpoint);
    const fd = this.#check(this.#libc.socket(family, SOCK_STREAM | SOCK_NONBLOCK_CLOEXEC, 0), 'socket', where);
    this.watcher?.onOwned(fd);
    return fd;
  }

  #set(fd: number, level: number, name: number, value: number): number {
    this.#memory.scratch.setInt32(0, value, true);
    return this.#libc.setsockopt(fd, level, name, this.#memory.scratchAddress, 4);
  }

  #get(fd: number, level: number, name: number): number {
    const { scratch, scratchAddress } = this.#memory;
    scratch.setInt32(0, 0, true);
    scratch.setUint32(LENGTH_AT, 4, true);
    return this.#libc.getsockopt(fd, level, name, scratchAddress, scratchAddress + LENGTH_AT) < 0
      ? -1
      : scratch.getInt32(0, true);
  }

  #check(result: number, syscall: string, where: string): number {
    if (result < 0) throw systemError(syscall, this.#libc.errno(), where);
    return result;
  }
}
