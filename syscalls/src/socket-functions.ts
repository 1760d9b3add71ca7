import type { Native } from './native.ts';

/** The functions of sockets that UDP and TCP share; each returns what the C function of its name returns. */
export interface SocketFunctions extends Pick<Native, 'errno' | 'addressOf' | 'loopDescriptor' | 'loopTimeout'> {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: number, length: number): number;
  connect(fd: number, address: number, length: number): number;
  getsockname(fd: number, address: number, lengthAddress: number): number;
  setsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: number, lengthAddress: number): number;
  close(fd: number): number;
}

export function bindSocketFunctions(native: Native): SocketFunctions {
  const { define, errno, addressOf, loopDescriptor, loopTimeout } = native;
  return {
    socket: define('socket', 'int', 'int', 'int'),
    bind: define('bind', 'int', 'uintptr_t', 'uint32_t'),
    connect: define('connect', 'int', 'uintptr_t', 'uint32_t'),
    getsockname: define('getsockname', 'int', 'uintptr_t', 'uintptr_t'),
    setsockopt: define('setsockopt', 'int', 'int', 'int', 'uintptr_t', 'uint32_t'),
    getsockopt: define('getsockopt', 'int', 'int', 'int', 'uintptr_t', 'uintptr_t'),
    close: define('close', 'int'),
    errno,
    addressOf,
    loopDescriptor,
    loopTimeout,
  };
}
