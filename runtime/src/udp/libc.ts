/**
 * The C library's socket calls, through koffi. Only Linux on 64-bit little-endian processors: structures are laid out by hand, and
 * glibc and musl agree on them there.
 */
import type { LibraryHandle } from 'koffi';
import { messageOf } from '../errors.ts';
import { Errno, systemError } from './errno.ts';

export interface Libc {
  /** Each returns what the C function of its name returns: -1 where it failed, and errno() says why. Addresses are absolute. */
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: number, length: number): number;
  connect(fd: number, address: number, length: number): number;
  getsockname(fd: number, address: number, lengthAddress: number): number;
  setsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: number, lengthAddress: number): number;
  recvmmsg(fd: number, headers: number, count: number, flags: number, timeout: number): number;
  sendmmsg(fd: number, headers: number, count: number, flags: number): number;
  sendto(fd: number, data: number, length: number, flags: number, address: number, addressLength: number): number;
  poll(fds: number, count: number, timeoutMs: number): number;
  dup3(fd: number, newFd: number, flags: number): number;
  close(fd: number): number;
  /** The error number of the last call. */
  errno(): number;
  /** The address of a buffer. It stays valid while the buffer lives: V8 moves no buffer that was made as an ArrayBuffer. */
  addressOf(buffer: ArrayBuffer): number;
  /** The descriptor of this thread's event loop, which is readable while the loop has something to do: a message, or its end. */
  loopDescriptor(): number;
}

export type LibcOutcome = { readonly libc: Libc } | { readonly unavailable: string };

const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

/** Loads koffi, which is an optional dependency; where that fails, the reason is one line for people. */
export async function loadLibc(platform: string = process.platform, arch: string = process.arch): Promise<LibcOutcome> {
  if (platform !== 'linux' || !ARCHITECTURES.includes(arch)) {
    return { unavailable: `it is made for Linux on ${ARCHITECTURES.join(' and ')}, and this is ${platform} on ${arch}` };
  }
  try {
    const libc = bindLibc(await import('koffi'));
    const refusal = refusalOf(libc);
    return refusal === undefined ? { libc } : { unavailable: refusal };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    return { unavailable: missing ? 'the optional package koffi is not installed' : `koffi does not load: ${firstLine(error)}` };
  }
}

/** Calls with the descriptor -1 must fail with EBADF; old kernels and sandboxes fail otherwise, because they lack the calls. */
function refusalOf(libc: Libc): string | undefined {
  for (const call of ['recvmmsg', 'sendmmsg'] as const) {
    libc[call](-1, 0, 0, 0, 0);
    const errno = libc.errno();
    if (errno !== Errno.EBADF) return systemError(call, errno).message;
  }
  return libc.loopDescriptor() < 0 ? 'the event loop has no descriptor' : undefined;
}

function bindLibc(koffi: typeof import('koffi')): Libc {
  // null stands for the process itself, which contains the C library that it runs on, whatever the library's name.
  const library = koffi.load(null);
  const define = (name: string, ...parameters: string[]) => library.func(name, 'int', parameters);
  return {
    socket: define('socket', 'int', 'int', 'int'),
    bind: define('bind', 'int', 'uintptr_t', 'uint32_t'),
    connect: define('connect', 'int', 'uintptr_t', 'uint32_t'),
    getsockname: define('getsockname', 'int', 'uintptr_t', 'uintptr_t'),
    setsockopt: define('setsockopt', 'int', 'int', 'int', 'uintptr_t', 'uint32_t'),
    getsockopt: define('getsockopt', 'int', 'int', 'int', 'uintptr_t', 'uintptr_t'),
    recvmmsg: define('recvmmsg', 'int', 'uintptr_t', 'uint32_t', 'int', 'uintptr_t'),
    sendmmsg: define('sendmmsg', 'int', 'uintptr_t', 'uint32_t', 'int'),
    sendto: define('sendto', 'int', 'uintptr_t', 'uintptr_t', 'int', 'uintptr_t', 'uint32_t'),
    poll: define('poll', 'uintptr_t', 'ulong', 'int'),
    dup3: define('dup3', 'int', 'int', 'int'),
    close: define('close', 'int'),
    errno: () => koffi.errno(),
    addressOf: buffer => Number(koffi.address(buffer)),
    loopDescriptor: () => loopDescriptor(koffi, library),
  };
}

/** libuv offers this descriptor to those who wait in its place: https://docs.libuv.org/en/v1.x/loop.html#c.uv_backend_fd */
function loopDescriptor(koffi: typeof import('koffi'), library: LibraryHandle): number {
  const loopOf = library.func('napi_get_uv_event_loop', 'int', ['void *', koffi.out('void **')]);
  const loop: unknown[] = [null];
  loopOf(koffi.node.env, loop);
  return library.func('uv_backend_fd', 'int', ['void *'])(loop[0]);
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] as string;
}
