/** The system calls of io_uring, which the C library does not wrap, and mappings of memory. */
import type { Native } from '@lars/syscalls/native';
import { bindLibc, type Libc } from '../linux/libc.ts';

/** The same on x64 and arm64. */
const SETUP = 425;
const ENTER = 426;
const REGISTER = 427;

export interface UringCalls extends Pick<Native, 'errno' | 'addressOf' | 'view'> {
  /** Each returns what the system call returns: -1 where it failed, and errno() says why. Addresses are absolute. */
  setup(entries: number, params: number): number;
  enter(fd: number, submitCount: number, waitCount: number, flags: number, argument: number, argumentBytes: number): number;
  register(fd: number, operation: number, argument: number, count: number): number;
  /** @returns an address, or -1 */
  mmap(address: number, length: number, protection: number, flags: number, fd: number, offset: number): number;
  munmap(address: number, length: number): number;
  madvise(address: number, length: number, advice: number): number;
  close(fd: number): number;
}

export interface UringLibc {
  readonly libc: Libc;
  readonly calls: UringCalls;
}

export function bindUring(native: Native): UringLibc {
  const { define, defineMapping, errno, addressOf, view } = native;
  const setup = define('syscall', 'long', 'uint32_t', 'uintptr_t');
  const enter = define('syscall', 'long', 'int', 'uint32_t', 'uint32_t', 'uint32_t', 'uintptr_t', 'ulong');
  const register = define('syscall', 'long', 'int', 'uint32_t', 'uintptr_t', 'uint32_t');
  const libc = bindLibc(native);
  return {
    libc,
    calls: {
      close: libc.close,
      errno,
      addressOf,
      view,
      setup: (entries, params) => setup(SETUP, entries, params),
      enter: (fd, submitCount, waitCount, flags, argument, argumentBytes) =>
        enter(ENTER, fd, submitCount, waitCount, flags, argument, argumentBytes),
      register: (fd, operation, argument, count) => register(REGISTER, fd, operation, argument, count),
      mmap: defineMapping('mmap', 'uintptr_t', 'ulong', 'int', 'int', 'int', 'long'),
      munmap: define('munmap', 'uintptr_t', 'ulong'),
      madvise: define('madvise', 'uintptr_t', 'ulong', 'int'),
    },
  };
}
