/**
 * The file behind an open database. SQLite goes on with a file that was deleted or replaced, where nobody else will ever read what is written;
 * so who uses a database for long compares the file of that name with the one that is open.
 */
import { type BigIntStats, rmSync, statSync } from 'node:fs';
import type Database from 'better-sqlite3';

/** What became of the file since it was opened. */
export type FileLoss = 'was deleted' | 'was replaced by another file';

interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

export class OpenFile {
  readonly #path: string;
  readonly #file: Identity;
  /** undefined until SQLite has made it. */
  #wal: Identity | undefined;

  /** @throws {Error} when there is no file of that name any more */
  constructor(path: string) {
    this.#path = path;
    const file = identityOf(path);
    if (file === undefined) throw new Error(`${path} was deleted at once`);
    this.#file = file;
  }

  /** undefined while the file has its name. */
  loss(): FileLoss | undefined {
    const now = identityOf(this.#path);
    if (now === undefined) return 'was deleted';
    if (!isSame(now, this.#file)) return 'was replaced by another file';
    this.#wal ??= identityOf(this.#walPath);
    return undefined;
  }

  /**
   * Closes a database that has lost its name. Its write-ahead log is found by the name: SQLite would take it for the log of the new
   * file, and mix both. So what is in it goes into the old file, wherever that is now, and the log goes away.
   */
  leave(connection: Database.Database): void {
    try {
      connection.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // The old file cannot be written; nobody waits for it.
    }
    connection.close();
    const walNow = identityOf(this.#walPath);
    if (this.#wal === undefined || walNow === undefined || !isSame(this.#wal, walNow)) return;
    rmSync(this.#walPath, { force: true });
    rmSync(`${this.#path}-shm`, { force: true });
  }

  get #walPath(): string {
    return `${this.#path}-wal`;
  }
}

function identityOf(path: string): Identity | undefined {
  const found: BigIntStats | undefined = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : { dev: found.dev, ino: found.ino };
}

function isSame(one: Identity, other: Identity): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}
