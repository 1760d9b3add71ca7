import { messageOf } from '../errors.ts';

/** What loading a native module fails with where it has no binary for this machine, or one of another system's C library. */
const CODES: ReadonlySet<unknown> = new Set(['MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED']);

/**
 * Why a database could not be opened, in one line: where better-sqlite3 could not load its binary, which it does when the first database is opened, with
 * what to do about it; else what the system or SQLite says.
 */
export function openFailure(cause: unknown): string {
  const message = messageOf(cause);
  if (!CODES.has((cause as NodeJS.ErrnoException | undefined)?.code)) return message;
  const { platform, arch } = process;
  const [first = ''] = message.split('\n');
  return `the package better-sqlite3 has no binary that runs here (${platform}, ${arch}); run npm ci on this machine, or npm rebuild better-sqlite3 where a C++ compiler is installed: ${first}`;
}
