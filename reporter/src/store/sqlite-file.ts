/**
 * The SQLite file behind the store. SQLite writes on into a file that was deleted or replaced, where nobody will ever read it; so each use
 * compares the file of that name with the one that is open.
 */
import { type BigIntStats, closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { openSqlite, type SqliteDatabase } from '@lars/runtime/sql/sqlite';
import { createStatusTables } from './sqlite-status-schema.ts';
import { prepareUpserts, type StatusUpserts } from './sqlite-upserts.ts';
import type { StatusTables } from './status-tables.ts';

/** One opening of the file, with what was prepared for it. */
export interface OpenStatusFile {
  readonly database: SqliteDatabase<StatusTables>;
  readonly upserts: StatusUpserts;
  readonly file: FileIdentity;
  readonly wal: FileIdentity | undefined;
}

interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** While opening there is time: another process may be creating the same tables. */
const OPEN_TIMEOUT_MS = 5_000;
/** A statement that waits blocks the whole process, so it gives up soon and the batch is tried again later. */
const BUSY_TIMEOUT_MS = 100;
/** 40 MB. The default, a tenth of it, has a busy reporter wait for the disk many times a second. */
const CHECKPOINT_PAGES = 10_000;

export class SqliteFile {
  readonly path: string;
  readonly #file: string;
  readonly #confKey: string;
  #open: OpenStatusFile | undefined;
  /** That the open file is not the one of that name has been told; the next use opens the other one. */
  #isLossTold = false;

  /** @throws {Error} when it cannot be opened, or holds tables of these names that are not ours */
  constructor(file: string, confKey: string) {
    this.#file = file;
    this.#confKey = confKey;
    this.#open = this.#openAnew();
    this.path = this.#open.database.file;
  }

  /**
   * The file, as it is open now.
   * @throws {Error} once when it is not the one of that name any more: what was not acknowledged yet belongs into the other one, which the
   * next use opens or creates
   */
  use(): OpenStatusFile {
    if (this.#open !== undefined) {
      const loss = this.#loss(this.#open);
      if (loss !== undefined && !this.#isLossTold) this.#tell(loss);
      if (loss !== undefined) this.#leave(this.#open);
    }
    this.#open ??= this.#openAnew();
    this.#isLossTold = false;
    return this.#open;
  }

  /** @throws {Error} when what was written is not in the file of that name */
  confirm(open: OpenStatusFile): void {
    const loss = this.#loss(open);
    if (loss !== undefined) this.#tell(loss);
  }

  close(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }

  #tell(loss: string): never {
    this.#isLossTold = true;
    throw new Error(`database ${this.#file} (${this.#confKey}) ${loss} while it was open`);
  }

  #loss(open: OpenStatusFile): string | undefined {
    const now = identityOf(open.database.file);
    if (now === undefined) return 'was deleted';
    return isSame(now, open.file) ? undefined : 'was replaced by another file';
  }

  /**
   * Takes leave of a file that has lost its name. Its write-ahead log is found by the name: SQLite would take it for the log of the new
   * file, and mix both. So what is in it goes into the old file, wherever that is now, and the log goes away.
   */
  #leave({ database, wal }: OpenStatusFile): void {
    this.#open = undefined;
    try {
      database.connection.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // The old file cannot be written; nobody waits for it.
    }
    database.close();
    const walPath = `${database.file}-wal`;
    const walNow = identityOf(walPath);
    if (wal === undefined || walNow === undefined || !isSame(wal, walNow)) return;
    rmSync(walPath, { force: true });
    rmSync(`${database.file}-shm`, { force: true });
  }

  #openAnew(): OpenStatusFile {
    makeForOurselves(this.#file);
    const options = { file: this.#file, confKey: this.#confKey, durability: 'normal', busyTimeoutMs: OPEN_TIMEOUT_MS } as const;
    const database = openSqlite<StatusTables>(options);
    try {
      createStatusTables(database.connection);
      const upserts = prepareUpserts(database.connection);
      database.connection.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
      database.connection.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      const file = identityOf(database.file);
      if (file === undefined) throw new Error('it was deleted at once');
      return { database, upserts, file, wal: identityOf(`${database.file}-wal`) };
    } catch (error) {
      database.close();
      throw error;
    }
  }
}

/** What a system calls is nobody's business who has no part in running it. A file or folder that is there keeps its mode. */
function makeForOurselves(file: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o750 });
    // SQLite takes an empty file for a new database, and gives the files beside it the same mode.
    closeSync(openSync(file, 'a', 0o640));
  } catch {
    // Opening the database will say what is wrong.
  }
}

function identityOf(path: string): FileIdentity | undefined {
  const found: BigIntStats | undefined = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : { dev: found.dev, ino: found.ino };
}

function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}
