import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '@lars/runtime/errors';
import { openSqlite, type SqliteDatabase } from '@lars/runtime/sql/sqlite';
import { SqliteError } from 'better-sqlite3';
import type { Transaction } from 'kysely';
import {
  type ChangeToken,
  type RouteReader,
  type RouteStore,
  RouteStoreError,
  type RouteStoreErrorCode,
  type RouteWriter,
} from './route-store.ts';
import { type RouteTables, SqlRouteReader, SqlRouteWriter } from './sql-route-access.ts';
import { ensureSqliteSchema } from './sqlite-schema.ts';

export interface SqliteRouteStoreOptions {
  readonly file: string;
  /** How long a change waits for other writers, ms. The thread does other work meanwhile. */
  readonly busyWaitMs: number;
}

/** While the file is opened, SQLite itself waits for locks, and blocks the thread. */
const OPEN_TIMEOUT_MS = 5_000;
const BUSY_RETRY_MS = 5;
const PRUNED_PER_CALL = 5_000;

/** Routes in an SQLite file, which other processes may use at the same time. */
export class SqliteRouteStore implements RouteStore {
  readonly #options: SqliteRouteStoreOptions;
  #database: SqliteDatabase<RouteTables>;
  #inode: number;
  /** How often the file was replaced under us. */
  #replaced = 0;

  /** @throws {StartupError} when the file cannot be opened */
  constructor(options: SqliteRouteStoreOptions) {
    this.#options = options;
    this.#database = open(options.file);
    this.#inode = inodeOf(this.#database.file);
  }

  get name(): string {
    return this.#database.file;
  }

  async ensureSchema(): Promise<void> {
    await this.#retryWhileBusy(async () => ensureSqliteSchema(this.#database.connection, this.#options.file));
  }

  changeToken(): Promise<ChangeToken> {
    return this.#retryWhileBusy(async () => {
      this.#reopenReplacedFile();
      return {
        data: `${this.#replaced}:${this.#database.dataVersion()}`,
        schema: `${this.#replaced}:${this.#database.schemaVersion()}`,
      };
    });
  }

  read<T>(work: (reader: RouteReader) => Promise<T>): Promise<T> {
    return this.#retryWhileBusy(() => this.#transaction(transaction => work(new SqlRouteReader(transaction))));
  }

  change<T>(floor: number, work: (writer: RouteWriter, revision: number) => Promise<T>): Promise<T> {
    return this.#retryWhileBusy(() =>
      this.#transaction(async transaction => {
        const writer = new SqlRouteWriter(transaction);
        return work(writer, await writer.raiseRevision(floor));
      }),
    );
  }

  async pruneEdits(keep: number): Promise<boolean> {
    return this.#transaction(async transaction => {
      const { firstEdit, lastEdit } = await new SqlRouteReader(transaction).journal();
      const kept = Math.min(lastEdit - keep + 1, firstEdit + PRUNED_PER_CALL);
      if (kept <= firstEdit) return false;
      await transaction.deleteFrom('RouteEdit').where('id', '<', kept).execute();
      return true;
    });
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  /**
   * Opens the file again when somebody has put another file in its place; SQLite would go on with the old file, which has no name any
   * more. While there is no file, none is created: whoever is about to restore one must not find a new one of ours there.
   */
  #reopenReplacedFile(): void {
    const inode = inodeOf(this.#database.file);
    if (inode === this.#inode) return;
    const database = open(this.#options.file);
    this.#database.close();
    this.#database = database;
    this.#inode = inode;
    this.#replaced += 1;
  }

  /**
   * Retries asynchronously while another connection has locked the database. SQLite's own busy timeout blocks the thread: if the lock
   * holder is another connection of this process, it could then never finish. Only a transaction's first statement can fail with BUSY.
   * Readers are refused too, for the moment in which the last user closes the file.
   */
  async #retryWhileBusy<T>(work: () => Promise<T>): Promise<T> {
    for (let waitedMs = 0; ; waitedMs += BUSY_RETRY_MS) {
      try {
        return await work();
      } catch (cause) {
        const error = storeError(cause);
        if (!isBusy(error) || waitedMs >= this.#options.busyWaitMs) throw error;
      }
      await delay(BUSY_RETRY_MS);
    }
  }

  async #transaction<T>(work: (transaction: Transaction<RouteTables>) => Promise<T>): Promise<T> {
    try {
      return await this.#database.query.transaction().execute(work);
    } catch (error) {
      throw storeError(error);
    }
  }
}

function open(file: string): SqliteDatabase<RouteTables> {
  const confKey = 'conf key [database] file';
  const database = openSqlite<RouteTables>({ file, confKey, durability: 'full', busyTimeoutMs: OPEN_TIMEOUT_MS });
  database.connection.pragma('busy_timeout = 0');
  return database;
}

/** Errors that are not SQLite's come from the work that was given to the store, and are passed on as they are. */
function storeError(error: unknown): unknown {
  if (!(error instanceof SqliteError)) return error;
  return new RouteStoreError(storeCode(error.code), messageOf(error), { cause: error });
}

function isBusy(error: unknown): boolean {
  return error instanceof RouteStoreError && error.code === 'BUSY';
}

function inodeOf(file: string): number {
  return statSync(file).ino;
}

function storeCode(code: string): RouteStoreErrorCode {
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'BUSY';
  return code.startsWith('SQLITE_READONLY') ? 'READ_ONLY' : 'FAILED';
}
