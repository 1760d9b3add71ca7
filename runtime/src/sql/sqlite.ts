import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { messageOf, StartupError } from '../errors.ts';
import { isLocked, waitForLock } from './wait-for-lock.ts';

export interface SqliteOptions {
  readonly file: string;
  /** The conf key of the file, named when it cannot be opened. */
  readonly confKey: string;
  /** full: a commit survives a power cut. normal: it survives the end of the process; a power cut may take the last ones. */
  readonly durability: 'full' | 'normal';
  /** How long opening waits for another process that has locked the file; the thread does other work meanwhile. */
  readonly giveUpMs?: number;
  /** How long a statement waits for another process's write, and blocks the thread. */
  readonly busyTimeoutMs?: number;
}

/** One SQLite file: typed queries through Kysely, and the connection itself for PRAGMAs and bulk work. */
export interface SqliteDatabase<Tables> {
  readonly file: string;
  readonly query: Kysely<Tables>;
  readonly connection: Database.Database;
  /** Grows whenever another connection, in this process or elsewhere, has committed anything. */
  dataVersion(): number;
  /** Grows whenever somebody created or dropped a table, an index or a trigger. */
  schemaVersion(): number;
  close(): void;
}

/** Who starts, and whoever typed a command, waits this long for another process's lock, and is told so after a second. */
export const START_WAIT_MS = 10_000;

/**
 * Opens (and creates) a database in WAL mode; the folder is created too. Waits for a lock without blocking the thread, and its statements do
 * not wait at all: see waitForLock.
 * @throws {StartupError} naming the file or folder and the conf key
 */
export async function openSqliteWhenFree<Tables>(options: SqliteOptions): Promise<SqliteDatabase<Tables>> {
  const giveUpMs = options.giveUpMs ?? START_WAIT_MS;
  const connection = connect(options);
  try {
    await waitForLock({ file: path.resolve(options.file), giveUpMs }, () => setUp(connection, options));
  } catch (cause) {
    connection.close();
    throw openError(options, cause, giveUpMs);
  }
  return databaseOf(path.resolve(options.file), connection);
}

const SETUP_ATTEMPTS = 50;
const SETUP_PAUSE_MS = 20;

/**
 * The same at once: blocks the thread, for a second at most while another process has locked the file.
 * @throws {StartupError} naming the file or folder and the conf key
 */
export function openSqlite<Tables>(options: SqliteOptions): SqliteDatabase<Tables> {
  const connection = connect(options);
  for (let attempt = 1; ; attempt++) {
    try {
      setUp(connection, options);
      connection.pragma(`busy_timeout = ${options.busyTimeoutMs ?? 0}`);
      return databaseOf(path.resolve(options.file), connection);
    } catch (cause) {
      if (isLocked(cause) && attempt < SETUP_ATTEMPTS) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETUP_PAUSE_MS);
        continue;
      }
      connection.close();
      throw openError(options, cause, SETUP_ATTEMPTS * SETUP_PAUSE_MS);
    }
  }
}

function connect(options: SqliteOptions): Database.Database {
  const file = path.resolve(options.file);
  try {
    prepareFolder(path.dirname(file));
    return new Database(file, { timeout: 0 });
  } catch (cause) {
    throw openError(options, cause, 0);
  }
}

function setUp(connection: Database.Database, { durability }: SqliteOptions): void {
  connection.pragma('journal_mode = WAL');
  connection.pragma(`synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
}

function databaseOf<Tables>(file: string, connection: Database.Database): SqliteDatabase<Tables> {
  return {
    file,
    connection,
    query: new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) }),
    dataVersion: () => connection.pragma('data_version', { simple: true }) as number,
    schemaVersion: () => connection.pragma('schema_version', { simple: true }) as number,
    close: () => connection.close(),
  };
}

function openError({ file, confKey }: SqliteOptions, cause: unknown, waitedMs: number): StartupError {
  const why = isLocked(cause) ? `another process has locked it (waited ${waitedMs / 1_000} s)` : messageOf(cause);
  return new StartupError('DATABASE', `database ${file} (${confKey}) cannot be opened: ${why}`, { cause });
}

function prepareFolder(folder: string): void {
  try {
    makeFolders(folder);
    if (!statSync(folder).isDirectory()) throw new Error('it is not a folder');
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new Error(`folder ${folder} is not writable (${messageOf(cause)})`, { cause });
  }
}

/** Node's own recursive mkdir never ends where the system says that a folder is missing and its parent is there, as below /proc. */
function makeFolders(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  makeFolders(path.dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
