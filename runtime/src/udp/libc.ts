/** The C library's socket calls of UDP, through koffi. */
import { Errno, systemError } from '@lars/syscalls/errno';
import { loadNative, type Native } from '@lars/syscalls/native';
import { bindSocketFunctions, type SocketFunctions } from '@lars/syscalls/socket-functions';

export interface Libc extends SocketFunctions {
  recvmmsg(fd: number, headers: number, count: number, flags: number, timeout: number): number;
  sendmmsg(fd: number, headers: number, count: number, flags: number): number;
  sendto(fd: number, data: number, length: number, flags: number, address: number, addressLength: number): number;
  poll(fds: number, count: number, timeoutMs: number): number;
  dup3(fd: number, newFd: number, flags: number): number;
}

export type LibcOutcome = { readonly libc: Libc } | { readonly unavailable: string };

/** Loads koffi; where that fails, the reason is one line for people. */
export async function loadLibc(platform?: string, arch?: string): Promise<LibcOutcome> {
  const outcome = await loadNative(bindLibc, platform, arch);
  if ('unavailable' in outcome) return outcome;
  const refusal = refusalOf(outcome.bound);
  return refusal === undefined ? { libc: outcome.bound } : { unavailable: refusal };
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

function bindLibc(native: Native): Libc {
  return {
    ...bindSocketFunctions(native),
    recvmmsg: native.define('recvmmsg', 'int', 'uintptr_t', 'uint32_t', 'int', 'uintptr_t'),
    sendmmsg: native.define('sendmmsg', 'int', 'uintptr_t', 'uint32_t', 'int'),
    sendto: native.define('sendto', 'int', 'uintptr_t', 'uintptr_t', 'int', 'uintptr_t', 'uint32_t'),
    poll: native.define('poll', 'uintptr_t', 'ulong', 'int'),
    dup3: native.define('dup3', 'int', 'int', 'int'),
  };
}
