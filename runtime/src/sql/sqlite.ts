import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import Database, { SqliteError } from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { messageOf, StartupError } from '../errors.ts';

export interface SqliteOptions {
  readonly file: string;
  /** The conf key of the file, named when it cannot be opened. */
  readonly confKey: string;
  /** full: a commit survives a power cut. normal: it survives the end of the process; a power cut may take the last ones. */
  readonly durability: 'full' | 'normal';
  /** How long a statement waits for another process's write. */
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

/**
 * Opens (and creates) a database in WAL mode; the folder is created too.
 * @throws {StartupError} naming the file or folder and the conf key
 */
export function openSqlite<Tables>(options: SqliteOptions): SqliteDatabase<Tables> {
  const file = path.resolve(options.file);
  try {
    prepareFolder(path.dirname(file));
    const connection = new Database(file, { timeout: options.busyTimeoutMs ?? 5_000 });
    turnOnWal(connection);
    connection.pragma(`synchronous = ${options.durability === 'full' ? 'FULL' : 'NORMAL'}`);
    return {
      file,
      connection,
      query: new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) }),
      dataVersion: () => connection.pragma('data_version', { simple: true }) as number,
      schemaVersion: () => connection.pragma('schema_version', { simple: true }) as number,
      close: () => connection.close(),
    };
  } catch (cause) {
    throw new StartupError('DATABASE', `database ${options.file} (${options.confKey}) cannot be opened: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    if (!statSync(folder).isDirectory()) throw new Error('it is not a folder');
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new Error(`folder ${folder} is not writable (${messageOf(cause)})`, { cause });
  }
}

const WAL_ATTEMPTS = 50;
const WAL_PAUSE_MS = 20;

/** Retries, because SQLite does not wait for another process that turns on WAL mode at the same moment, whatever the timeout is. */
function turnOnWal(connection: Database.Database): void {
  for (let attempt = 1; ; attempt++) {
    try {
      connection.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (!(error instanceof SqliteError) || error.code !== 'SQLITE_BUSY' || attempt === WAL_ATTEMPTS) throw error;
      // Blocking is harmless: this happens only while a process starts, which has nothing else to do.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAL_PAUSE_MS);
    }
  }
}
