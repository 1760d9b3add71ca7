/** Opens an SQLite file for a user who may only read it. */
import { accessSync, closeSync, constants, existsSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import Database, { SqliteError } from 'better-sqlite3';
import { databaseOf, openError, type SqliteDatabase, type SqliteOptions } from './sqlite.ts';
import { waitForLock } from './wait-for-lock.ts';

/** What is read into memory has at most so many bytes. */
const MAX_SNAPSHOT_BYTES = 1_073_741_824;
const SNAPSHOT_ATTEMPTS = 3;

/**
 * SQLite reads a database in WAL mode with the help of two files beside it. Who may write opens them, and removes them at the end; who may
 * not uses them where another process has made them. A reader must not make them: they would be his, and closed to the service. Without
 * them the file alone is whole, and is read into memory.
 * @throws {StartupError} naming the file, when there is none or it cannot be read
 */
export async function openSqliteToRead<Tables>(
  options: Pick<SqliteOptions, 'file' | 'confKey' | 'isStopped'> & { readonly giveUpMs: number },
): Promise<SqliteDatabase<Tables>> {
  const file = path.resolve(options.file);
  try {
    return await waitForLock({ ...options, file }, () => databaseOf<Tables>(file, connectToRead(file)));
  } catch (cause) {
    throw openError(options, cause, options.giveUpMs);
  }
}

function connectToRead(file: string): Database.Database {
  // Says which file is missing or closed to this user, which SQLite does not.
  closeSync(openSync(file, 'r'));
  if (mayWrite(file)) return connectionOrSnapshot(file);
  return existsSync(`${file}-shm`) ? checkedConnection(file, true) : snapshotOf(file);
}

/** On a full disk, the files beside it cannot be made. */
function connectionOrSnapshot(file: string): Database.Database {
  try {
    return checkedConnection(file, false);
  } catch (error) {
    const isFull = error instanceof SqliteError && /^SQLITE_(FULL|IOERR|CANTOPEN)/.test(error.code);
    if (!isFull || hasLog(file)) throw error;
    return snapshotOf(file);
  }
}

function checkedConnection(file: string, readonly: boolean): Database.Database {
  const connection = new Database(file, { readonly, fileMustExist: true, timeout: 0 });
  try {
    connection.pragma('query_only = ON');
    connection.pragma('schema_version');
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function mayWrite(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    accessSync(path.dirname(file), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where a process writes meanwhile, it makes the files beside it, or the file changes: then it is read again. */
function snapshotOf(file: string): Database.Database {
  for (let attempt = 1; attempt <= SNAPSHOT_ATTEMPTS; attempt++) {
    const bytes = readQuietFile(file);
    if (bytes === undefined) continue;
    // A database in memory has no write-ahead log; the two bytes of the header say that the file has one.
    if (bytes[WRITE_VERSION] === WAL_MODE) bytes.fill(ROLLBACK_MODE, WRITE_VERSION, READ_VERSION + 1);
    return new Database(bytes, { readonly: true });
  }
  throw new Error(`${file}-wal belongs to it and has to be read with it, which takes a user who may write`);
}

const WRITE_VERSION = 18;
const READ_VERSION = 19;
const ROLLBACK_MODE = 1;
const WAL_MODE = 2;

/** @returns undefined when somebody wrote meanwhile, or has not written all of it into the file yet */
function readQuietFile(file: string): Buffer | undefined {
  const fd = openSync(file, 'r');
  try {
    const before = fstatSync(fd, { bigint: true });
    if (before.size > MAX_SNAPSHOT_BYTES)
      throw new Error(`it has ${before.size} bytes, and a user who may only read can read at most ${MAX_SNAPSHOT_BYTES}`);
    const bytes = readFileSync(fd);
    const after = fstatSync(fd, { bigint: true });
    const isQuiet = before.mtimeNs === after.mtimeNs && before.size === after.size && !hasLog(file);
    return isQuiet ? bytes : undefined;
  } finally {
    closeSync(fd);
  }
}

function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}
