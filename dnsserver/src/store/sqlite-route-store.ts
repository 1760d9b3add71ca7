import { existsSync } from 'node:fs';
import path from 'node:path';
import { messageOf, StartupError } from '@lars/runtime/errors';
import { isDiskFull } from '@lars/runtime/sql/disk-full';
import { OpenFile } from '@lars/runtime/sql/open-file';
import { openSqlite, type SqliteDatabase } from '@lars/runtime/sql/sqlite';
import { openSqliteToRead } from '@lars/runtime/sql/sqlite-to-read';
import { waitForLock } from '@lars/runtime/sql/wait-for-lock';
import { SqliteError } from 'better-sqlite3';
import {
  type ChangeToken,
  type RouteReader,
  type RouteStore,
  RouteStoreError,
  type RouteStoreErrorCode,
  type RouteWriter,
} from './route-store.ts';
import { type RouteTables, SqlRouteReader, SqlRouteWriter } from './sql-route-access.ts';
import { mendIds } from './sqlite-ids.ts';
import { ensureSqliteSchema, isCurrent } from './sqlite-schema.ts';
import { transact } from './transaction.ts';

export interface SqliteRouteStoreOptions {
  readonly file: string;
  /** How long a change waits for other writers, ms. The thread does other work meanwhile. */
  readonly busyWaitMs: number;
  /** Ends all waits. */
  readonly isStopped?: () => boolean;
  /** The file is opened to read alone; nothing is created or upgraded. */
  readonly readOnly?: boolean;
  /** Told what was mended or upgraded in the database; without it, the line goes to standard error. */
  readonly onNotice?: (text: string) => void;
}

const PRUNED_PER_CALL = 5_000;

/** Routes in an SQLite file, which other processes may use at the same time. */
export class SqliteRouteStore implements RouteStore {
  readonly name: string;
  busyWaitMs: number;
  readonly #options: SqliteRouteStoreOptions;
  /** undefined until it is used first, and while the file that was open is lost. */
  #open: Opening | undefined;
  #isClosed = false;
  /** How often the file was lost under us. */
  #losses = 0;

  constructor(options: SqliteRouteStoreOptions) {
    this.#options = options;
    this.name = path.resolve(options.file);
    this.busyWaitMs = options.busyWaitMs;
  }

  /** @throws {StartupError} when the file cannot be opened, too; where it is opened to read alone, OLD_DATABASE when something is missing */
  async ensureSchema(): Promise<void> {
    const { file, readOnly } = this.#options;
    await this.#retryWhileBusy(({ connection }) => {
      if (readOnly !== true) ensureSqliteSchema(connection, file, text => this.#tell(text));
      else if (!isCurrent(connection, file))
        throw new StartupError(
          'OLD_DATABASE',
          `database ${file} has an older schema than this program reads; a user who may write to it must run dnsserver or lars route list first`,
        );
    });
  }

  async changeToken(): Promise<ChangeToken> {
    this.#leaveLost();
    return this.#retryWhileBusy(database => ({
      data: `${this.#losses}:${database.dataVersion()}`,
      schema: `${this.#losses}:${database.schemaVersion()}`,
    }));
  }

  read<T>(work: (reader: RouteReader) => Promise<T>): Promise<T> {
    return this.#retryWhileBusy(database => transact(database, db => work(new SqlRouteReader(db))));
  }

  /** Only a transaction's first statement can find the database locked. */
  change<T>(floor: number, work: (writer: RouteWriter, revision: number) => Promise<T>): Promise<T> {
    return this.#retryWhileBusy(database =>
      transact(database, async db => {
        const writer = new SqlRouteWriter(db);
        const revision = await writer.raiseRevision(floor);
        for (const line of await mendIds(db)) this.#tell(`database ${this.name}: ${line}`);
        return work(writer, revision);
      }),
    );
  }

  update<T>(work: (writer: RouteWriter) => Promise<T>): Promise<T> {
    return this.#retryWhileBusy(database => transact(database, db => work(new SqlRouteWriter(db)), 'write'));
  }

  async pruneEdits(keep: number): Promise<boolean> {
    const database = await this.#opened();
    try {
      return await transact(database, async db => {
        const { firstEdit, lastEdit } = await new SqlRouteReader(db).journal();
        const kept = Math.min(lastEdit - keep + 1, firstEdit + PRUNED_PER_CALL);
        if (kept <= firstEdit) return false;
        await db.deleteFrom('RouteEdit').where('id', '<', kept).execute();
        return true;
      });
    } catch (error) {
      throw storeError(error, this.name);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#open?.database.close();
  }

  /**
   * Takes leave of a file that was deleted or replaced; the next use opens the one that has its name. While there is none, none is created:
   * whoever is about to restore one must not find a new one of ours there.
   */
  #leaveLost(): void {
    const open = this.#open;
    if (open?.file.loss() === undefined) return;
    this.#open = undefined;
    this.#losses += 1;
    open.file.leave(open.database.connection);
  }

  #tell(text: string): void {
    const { onNotice = line => process.stderr.write(`lars: ${line}\n`) } = this.#options;
    onNotice(text);
  }

  /** Readers are refused too, for the moment in which the last user closes the file. */
  async #retryWhileBusy<T>(work: (database: SqliteDatabase<RouteTables>) => T | Promise<T>): Promise<T> {
    const wait = { file: this.name, giveUpMs: this.busyWaitMs, isStopped: this.#isStopped };
    try {
      const database = await this.#opened();
      return await waitForLock(wait, () => work(this.#open?.database ?? database));
    } catch (error) {
      throw storeError(error, this.name);
    }
  }

  readonly #isStopped = () => this.#isClosed || this.#options.isStopped?.() === true;

  async #opened(): Promise<SqliteDatabase<RouteTables>> {
    if (this.#open !== undefined) return this.#open.database;
    const { file, readOnly } = this.#options;
    if (this.#losses > 0 && !existsSync(this.name))
      throw new Error(`database ${this.name} was deleted; waiting for a file of that name`);
    const where = { file, confKey: 'conf key [database] file', giveUpMs: this.busyWaitMs, isStopped: this.#isStopped };
    const database =
      readOnly === true
        ? await openSqliteToRead<RouteTables>(where)
        : await openSqlite<RouteTables>({ ...where, durability: 'full' });
    // Two calls may have opened it at the same time, or the store was closed meanwhile.
    this.#open = this.#keepFirst(database);
    return this.#open.database;
  }

  #keepFirst(database: SqliteDatabase<RouteTables>): Opening {
    try {
      if (this.#isClosed) throw new Error('the store is closed');
      if (this.#open === undefined) return { database, file: new OpenFile(this.name) };
    } catch (error) {
      database.close();
      throw error;
    }
    database.close();
    return this.#open;
  }
}

interface Opening {
  readonly database: SqliteDatabase<RouteTables>;
  readonly file: OpenFile;
}

/** Errors that are not SQLite's come from the work that was given to the store, and are passed on as they are. */
function storeError(error: unknown, file: string): unknown {
  if (!(error instanceof SqliteError)) return error;
  const code = isDiskFull(error, file) ? 'FULL' : storeCode(error.code);
  return new RouteStoreError(code, whyFailed(error, code, file), { cause: error });
}

function whyFailed(error: Error, code: RouteStoreErrorCode, file: string): string {
  if (code === 'BUSY') return `another process has locked database ${file}`;
  if (code === 'READ_ONLY') return `database ${file} takes no writes: ${messageOf(error)}`;
  return code === 'FULL' ? `the disk of database ${file} is full: ${messageOf(error)}` : messageOf(error);
}

function storeCode(code: string): RouteStoreErrorCode {
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'BUSY';
  return code.startsWith('SQLITE_READONLY') ? 'READ_ONLY' : 'FAILED';
}
