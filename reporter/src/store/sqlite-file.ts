/**
 * The SQLite file behind the store: opened anew when it was deleted or replaced, and waited for while another process has locked it, without
 * blocking the thread.
 */
import path from 'node:path';
import { OpenFile } from '@lars/runtime/sql/open-file';
import { openSqlite, type SqliteDatabase, START_WAIT_MS } from '@lars/runtime/sql/sqlite';
import { waitForLock } from '@lars/runtime/sql/wait-for-lock';
import { createStatusTables } from './sqlite-status-schema.ts';
import { prepareUpserts, type StatusUpserts } from './sqlite-upserts.ts';
import type { StatusTables } from './status-tables.ts';

/** One opening of the file, with what was prepared for it. */
export interface OpenStatusFile {
  readonly database: SqliteDatabase<StatusTables>;
  readonly upserts: StatusUpserts;
  readonly file: OpenFile;
}

export interface SqliteFileOptions {
  readonly file: string;
  /** The conf key of the file, named when it cannot be used. */
  readonly confKey: string;
  /** Ends the waits of the first use. */
  readonly isStopped?: () => boolean;
}

/** While the reporter runs, each use is repeated by whoever wanted it. */
const BUSY_WAIT_MS = 200;
/** 40 MB. The default, a tenth of it, has a busy reporter wait for the disk many times a second. */
const CHECKPOINT_PAGES = 10_000;

export class SqliteFile {
  readonly path: string;
  readonly #options: SqliteFileOptions;
  #open: OpenStatusFile | undefined;
  /** Uses that come while the file is being opened wait for the same opening. */
  #opening: Promise<void> | undefined;
  /** That the open file is not the one of that name has been told; the next use opens the other one. */
  #isLossTold = false;
  #isClosed = false;
  /** Who starts waits longer. */
  #giveUpMs = START_WAIT_MS;

  constructor(options: SqliteFileOptions) {
    this.#options = options;
    this.path = path.resolve(options.file);
  }

  /**
   * Runs `work` with the file as it is open now, and again while another process has locked it.
   * @throws {Error} once when it is not the one of that name any more: what was not acknowledged yet belongs into the other one, which the
   * next use opens or creates
   */
  async use<T>(work: (open: OpenStatusFile) => T | Promise<T>): Promise<T> {
    const result = await waitForLock(this.#lockWait, async () => work(await this.#current()));
    this.#giveUpMs = BUSY_WAIT_MS;
    return result;
  }

  /** @throws {Error} when what was written is not in the file of that name */
  confirm(open: OpenStatusFile): void {
    const loss = open.file.loss();
    if (loss !== undefined) this.#tell(loss);
  }

  close(): void {
    this.#isClosed = true;
    this.#open?.database.close();
    this.#open = undefined;
  }

  async #current(): Promise<OpenStatusFile> {
    this.#leaveLost();
    while (this.#open === undefined) {
      this.#opening ??= this.#openAnew().finally(() => {
        this.#opening = undefined;
      });
      await this.#opening;
    }
    this.#isLossTold = false;
    return this.#open;
  }

  #leaveLost(): void {
    const open = this.#open;
    const loss = open?.file.loss();
    if (open === undefined || loss === undefined) return;
    if (!this.#isLossTold) this.#tell(loss);
    this.#open = undefined;
    open.file.leave(open.database.connection);
  }

  #tell(loss: string): never {
    this.#isLossTold = true;
    const { file, confKey } = this.#options;
    throw new Error(`database ${file} (${confKey}) ${loss} while it was open`);
  }

  async #openAnew(): Promise<void> {
    const { file, confKey } = this.#options;
    this.#refuseClosed();
    const database = await openSqlite<StatusTables>({ ...this.#lockWait, file, confKey, durability: 'normal' });
    const { connection } = database;
    try {
      await waitForLock(this.#lockWait, () => createStatusTables(connection, database.file));
      this.#refuseClosed();
      connection.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      this.#open = { database, upserts: prepareUpserts(connection), file: new OpenFile(database.file) };
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new Error('the store is closed');
  }

  get #lockWait() {
    const isStarting = this.#giveUpMs === START_WAIT_MS;
    const isStopped = () => this.#isClosed || (isStarting && this.#options.isStopped?.() === true);
    return { file: this.path, giveUpMs: this.#giveUpMs, isStopped };
  }
}
