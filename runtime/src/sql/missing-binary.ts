import { messageOf } from '../errors.ts';

/** What loading a native module fails with where it has no binary for this machine, or one of another system's C library. */
const CODES: ReadonlySet<unknown> = new Set(['MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED']);

/** Whether the package better-sqlite3 could not load its binary, which it does when the first database is opened. */
export function isMissingBinary(cause: unknown): boolean {
  return CODES.has((cause as NodeJS.ErrnoException | undefined)?.code);
}

/** What to do about it, in one line. */
export function missingBinaryProblem(cause: unknown): string {
  const { platform, arch } = process;
  const [first = ''] = messageOf(cause).split('\n');
  return `the package better-sqlite3 has no binary that runs here (${platform}, ${arch}); run npm ci on this machine, or npm rebuild better-sqlite3 where a C++ compiler is installed: ${first}`;
}
