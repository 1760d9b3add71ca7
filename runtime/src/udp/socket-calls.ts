/** The system calls that open a socket and ask for its state, with their small arguments and their errors. */
import { parseIpv4 } from '@lars/proto/host-address';
import { systemError } from '@lars/syscalls/errno';
import type { Libc } from './libc.ts';
import type { MmsgMemory } from './mmsg-memory.ts';

/** Linux. */
const AF_INET = 2;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SO_MEMINFO = 55;
/** Nine numbers of 32 bits, the last of them the drops. */
const MEMINFO_BYTES = 36;
const MEMINFO_DROPS = 32;
const ADDRESS_BYTES = 16;

export class SocketCalls {
  readonly #libc: Libc;
  readonly #scratch: DataView;
  /** Absolute addresses of a call's argument, and of the argument's length behind it. */
  readonly #argument: number;
  readonly #length: number;

  constructor(libc: Libc, memory: MmsgMemory) {
    this.#libc = libc;
    this.#scratch = new DataView(memory.bytes.buffer, memory.scratch);
    this.#argument = memory.addressAt(memory.scratch);
    this.#length = this.#argument + LENGTH_AT;
  }

  open(): number {
    return this.#check(this.#libc.socket(AF_INET, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0), 'socket');
  }

  bind(fd: number, ip: string, port: number): void {
    this.#putAddress(ip, port);
    this.#check(this.#libc.bind(fd, this.#argument, ADDRESS_BYTES), 'bind', `${ip}:${port}`);
  }

  connect(fd: number, ip: string, port: number): void {
    this.#putAddress(ip, port);
    this.#check(this.#libc.connect(fd, this.#argument, ADDRESS_BYTES), 'connect', `${ip}:${port}`);
  }

  boundPort(fd: number): number {
    this.#putLength(ADDRESS_BYTES);
    this.#check(this.#libc.getsockname(fd, this.#argument, this.#length), 'getsockname');
    return this.#scratch.getUint16(2);
  }

  /** A process of root's may get more than the system's limit (net.core.rmem_max); any other gets at most that. */
  setReceiveBuffer(fd: number, bytes: number): void {
    this.#scratch.setInt32(0, bytes, true);
    if (this.#libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, this.#argument, 4) === 0) return;
    this.#check(this.#libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, this.#argument, 4), 'setsockopt');
  }

  receiveBuffer(fd: number): number {
    this.#putLength(4);
    this.#check(this.#libc.getsockopt(fd, SOL_SOCKET, SO_RCVBUF, this.#argument, this.#length), 'getsockopt');
    return this.#scratch.getInt32(0, true);
  }

  /** 0 where the kernel is too old to tell (before Linux 4.12). */
  drops(fd: number): number {
    this.#putLength(MEMINFO_BYTES);
    const isKnown = this.#libc.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, this.#argument, this.#length) === 0;
    return isKnown ? this.#scratch.getUint32(MEMINFO_DROPS, true) : 0;
  }

  #putAddress(ip: string, port: number): void {
    const host = parseIpv4(ip);
    if (host === undefined) throw new TypeError(`${ip} is no IPv4 address`);
    this.#scratch.setUint16(0, AF_INET, true);
    this.#scratch.setUint16(2, port);
    this.#scratch.setInt32(4, host);
  }

  #putLength(bytes: number): void {
    this.#scratch.setUint32(LENGTH_AT, bytes, true);
  }

  #check(result: number, syscall: string, where = ''): number {
    if (result < 0) throw systemError(syscall, this.#libc.errno(), where);
    return result;
  }
}

/** The offset of the length, behind the longest argument. */
const LENGTH_AT = 48;
