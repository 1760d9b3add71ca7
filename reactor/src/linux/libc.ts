/** The system calls of stream sockets, pipes, epoll and eventfd. */
import type { Native } from '@lars/syscalls/native';
import { bindSocketFunctions, type SocketFunctions } from '@lars/syscalls/socket-functions';

export interface Libc extends SocketFunctions {
  /** Each returns what the C function of its name returns: -1 where it failed, and errno() says why. Addresses are absolute. */
  listen(fd: number, backlog: number): number;
  accept4(fd: number, address: number, lengthAddress: number, flags: number): number;
  getpeername(fd: number, address: number, lengthAddress: number): number;
  recv(fd: number, address: number, length: number, flags: number): number;
  send(fd: number, address: number, length: number, flags: number): number;
  shutdown(fd: number, how: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  pipe2(fds: number, flags: number): number;
  eventfd(count: number, flags: number): number;
  read(fd: number, address: number, length: number): number;
  poll(fds: number, count: number, timeoutMs: number): number;
  splice(from: number, fromOffset: number, to: number, toOffset: number, length: number, flags: number): number;
  epollCreate(flags: number): number;
  epollControl(epoll: number, operation: number, fd: number, event: number): number;
  epollWait(epoll: number, events: number, count: number, timeoutMs: number): number;
}

export function bindLibc(native: Native): Libc {
  const { define } = native;
  return {
    ...bindSocketFunctions(native),
    listen: define('listen', 'int', 'int'),
    accept4: define('accept4', 'int', 'uintptr_t', 'uintptr_t', 'int'),
    getpeername: define('getpeername', 'int', 'uintptr_t', 'uintptr_t'),
    recv: define('recv', 'int', 'uintptr_t', 'ulong', 'int'),
    send: define('send', 'int', 'uintptr_t', 'ulong', 'int'),
    shutdown: define('shutdown', 'int', 'int'),
    fcntl: define('fcntl', 'int', 'int', 'long'),
    pipe2: define('pipe2', 'uintptr_t', 'int'),
    eventfd: define('eventfd', 'uint32_t', 'int'),
    read: define('read', 'int', 'uintptr_t', 'ulong'),
    poll: define('poll', 'uintptr_t', 'ulong', 'int'),
    splice: define('splice', 'int', 'uintptr_t', 'int', 'uintptr_t', 'ulong', 'uint32_t'),
    epollCreate: define('epoll_create1', 'int'),
    epollControl: define('epoll_ctl', 'int', 'int', 'int', 'uintptr_t'),
    epollWait: define('epoll_wait', 'int', 'uintptr_t', 'int', 'int'),
  };
}
