import { accessSync, closeSync, constants, openSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { messageOf, StartupError } from '../errors.ts';
import { makeFolder, OWN_FILE_MODE } from '../own-files.ts';
import { isDiskFull } from './disk-full.ts';
import { openFailure } from './open-failure.ts';
import { isLocked, waitForLock } from './wait-for-lock.ts';

export interface SqliteOptions {
  readonly file: string;
  /** The conf key of the file, named when it cannot be opened. */
  readonly confKey: string;
  /** full: a commit survives a power cut. normal: it survives the end of the process; a power cut may take the last ones. */
  readonly durability: 'full' | 'normal';
  /** How long opening waits for another process that has locked the file; the thread does other work meanwhile. */
  readonly giveUpMs?: number;
  /** Ends that wait: whoever opens the file does not want it any more. */
  readonly isStopped?: () => boolean;
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
 * Opens (and creates) a database in WAL mode; the folder is created too, and neither is readable by everybody. Waits for a lock without
 * blocking the thread, and its statements do not wait at all: see waitForLock.
 * @throws {StartupError} naming the file or folder and the conf key
 */
export async function openSqlite<Tables>(options: SqliteOptions): Promise<SqliteDatabase<Tables>> {
  const giveUpMs = options.giveUpMs ?? START_WAIT_MS;
  const connection = await connect(options);
  try {
    await waitForLock({ ...options, file: path.resolve(options.file), giveUpMs }, () => setUp(connection, options));
  } catch (cause) {
    connection.close();
    throw openError(options, cause, giveUpMs);
  }
  return databaseOf(path.resolve(options.file), connection);
}

/** How long a statement that only reads waits for another process, and blocks the thread. */
const READ_BUSY_TIMEOUT_MS = 2_000;

/**
 * Opens a database that is there, to read it: nothing is created and nothing changed, whoever else uses it.
 * @throws {StartupError} naming the file and the conf key
 */
export function openSqliteToRead<Tables>({ file, confKey }: Pick<SqliteOptions, 'file' | 'confKey'>): SqliteDatabase<Tables> {
  const absolute = path.resolve(file);
  try {
    return databaseOf(absolute, new Database(absolute, { readonly: true, fileMustExist: true, timeout: READ_BUSY_TIMEOUT_MS }));
  } catch (cause) {
    throw new StartupError('DATABASE', `database ${absolute} (${confKey}) cannot be read: ${openFailure(cause)}`, { cause });
  }
}

async function connect(options: SqliteOptions): Promise<Database.Database> {
  const file = path.resolve(options.file);
  try {
    await prepareFolder(path.dirname(file));
    makeFile(file);
    return new Database(file, { timeout: 0 });
  } catch (cause) {
    throw openError(options, cause, 0);
  }
}

function setUp(connection: Database.Database, { durability }: SqliteOptions): void {
  connection.pragma('journal_mode = WAL');
  connection.pragma(`synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
}

/** What services use of a connection. */
export function databaseOf<Tables>(file: string, connection: Database.Database): SqliteDatabase<Tables> {
  return {
    file,
    connection,
    query: new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) }),
    dataVersion: () => connection.pragma('data_version', { simple: true }) as number,
    schemaVersion: () => connection.pragma('schema_version', { simple: true }) as number,
    close: () => connection.close(),
  };
}

/** Names the file, the conf key and the cause. */
export function openError(
  { file, confKey, isStopped }: Pick<SqliteOptions, 'file' | 'confKey' | 'isStopped'>,
  cause: unknown,
  waitedMs: number,
): StartupError {
  if (isLocked(cause) && isStopped?.() === true)
    return new StartupError('STOPPED', `stopped while another process had locked database ${file} (${confKey})`, { cause });
  const why = isLocked(cause)
    ? `another process has locked it (waited ${waitedMs / 1_000} s)`
    : isDiskFull(cause, file)
      ? `its disk is full: ${messageOf(cause)}`
      : openFailure(cause);
  return new StartupError('DATABASE', `database ${file} (${confKey}) cannot be opened: ${why}`, { cause });
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new Error(`folder ${folder} is not writable (${messageOf(cause)})`, { cause });
  }
}

/** SQLite takes an empty file for a new database, and gives the files beside it the same mode. */
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, 'ax', OWN_FILE_MODE));
  } catch {
    // One that is there keeps its mode, and of everything else SQLite says what is wrong.
  }
}
