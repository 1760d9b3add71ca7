import { getSystemErrorName } from 'node:util';

/** Error numbers of Linux. */
export const Errno = {
  EPERM: 1,
  EINTR: 4,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSYS: 38,
  ECONNABORTED: 103,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
  EINPROGRESS: 115,
  ECANCELED: 125,
} as const;

/** An error as Node makes them: 'bind EADDRINUSE 127.0.0.1:8888', with `code`, `errno` and `syscall`. */
export function systemError(syscall: string, errno: number, where = ''): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${syscall} ${code} ${where}`.trimEnd()), { code, errno: -errno, syscall });
}
