/**
 * Functions of the C library, through koffi. Only Linux on 64-bit little-endian processors: structures are laid out by hand, and
 * glibc and musl agree on them there.
 */
import type { LibraryHandle } from 'koffi';

/** A function of the C library: -1 where it failed, and errno() says why. Addresses are absolute. */
export type NativeFunction = (...args: number[]) => number;

export interface Native {
  /** @param parameters the C types, in order */
  define(name: string, ...parameters: string[]): NativeFunction;
  /** As `define`, of a function that returns an address. */
  defineMapping(name: string, ...parameters: string[]): NativeFunction;
  /** Memory that is not JavaScript's, such as a mapping. Nobody may touch it when it is gone. */
  view(address: number, length: number): ArrayBuffer;
  /** The error number of the last call. */
  errno(): number;
  /** The address of a buffer. It stays valid while the buffer lives: V8 moves no buffer that was made as an ArrayBuffer. */
  addressOf(buffer: ArrayBuffer): number;
  /** The descriptor of this thread's event loop, which is readable while the loop has something to do: a message, or its end. */
  loopDescriptor(): number;
  /** How long this thread's event loop would wait in its descriptor, ms: 0 while it has something to do, negative without a limit. */
  loopTimeout(): number;
}

export type NativeOutcome<T> = { readonly bound: T } | { readonly unavailable: string };

/** What to wait where the event loop does not tell. */
const UNTOLD_MS = 10;
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

/**
 * Loads koffi, which is an optional dependency, and binds functions with it; where that fails, the reason is one line for people.
 * @param bind defines what is needed
 */
export async function loadNative<T>(
  bind: (native: Native) => T,
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<NativeOutcome<T>> {
  if (platform !== 'linux' || !ARCHITECTURES.includes(arch)) {
    return { unavailable: `it is made for Linux on ${ARCHITECTURES.join(' and ')}, and this is ${platform} on ${arch}` };
  }
  try {
    return { bound: bind(nativeOf(await import('koffi'))) };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    return { unavailable: missing ? 'the optional package koffi is not installed' : `koffi does not load: ${firstLine(error)}` };
  }
}

function nativeOf(koffi: typeof import('koffi')): Native {
  // null stands for the process itself, which contains the C library that it runs on, whatever the library's name.
  const library = koffi.load(null);
  return {
    define: (name, ...parameters) => library.func(name, 'int', parameters),
    defineMapping: (name, ...parameters) => library.func(name, 'intptr_t', parameters),
    view: (address, length) => koffi.view(BigInt(address), length) as ArrayBuffer,
    errno: () => koffi.errno(),
    addressOf: buffer => Number(koffi.address(buffer)),
    ...bindLoop(koffi, library),
  };
}

/** What libuv offers to those who wait in its place: https://docs.libuv.org/en/v1.x/loop.html#c.uv_backend_fd */
function bindLoop(koffi: typeof import('koffi'), library: LibraryHandle): Pick<Native, 'loopDescriptor' | 'loopTimeout'> {
  const loopOf = library.func('napi_get_uv_event_loop', 'int', ['void *', koffi.out('void **')]);
  const descriptorOf = library.func('uv_backend_fd', 'int', ['void *']);
  const timeoutOf = library.func('uv_backend_timeout', 'int', ['void *']);
  const isAlive = library.func('uv_loop_alive', 'int', ['void *']);
  const loop: unknown[] = [null];
  loopOf(koffi.node.env, loop);
  const at = loop[0];
  return {
    loopDescriptor: () => descriptorOf(at),
    // One with nothing open that keeps it would end, and tells 0 for that, whatever timers it has.
    loopTimeout: () => timeoutOf(at) || (isAlive(at) === 0 ? UNTOLD_MS : 0),
  };
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] as string;
}
