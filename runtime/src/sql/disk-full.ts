import { statfsSync } from 'node:fs';
import path from 'node:path';
import { SqliteError } from 'better-sqlite3';

/** The files beside a database need a few pages of their own, and SQLite calls it an I/O error when there is no room for them. */
const NEEDED_BYTES = 65_536;

/** Whether this error of SQLite's comes from a disk without room. */
export function isDiskFull(error: unknown, file: string): boolean {
  if (!(error instanceof SqliteError)) return false;
  if (error.code === 'SQLITE_FULL') return true;
  return error.code.startsWith('SQLITE_IOERR') && freeBytes(path.dirname(path.resolve(file))) < NEEDED_BYTES;
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
