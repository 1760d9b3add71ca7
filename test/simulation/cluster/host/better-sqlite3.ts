/** better-sqlite3 for simulated processes: real databases, which nobody waits for, and which a process that is killed leaves as they are. */
import RealDatabase, { SqliteError } from 'better-sqlite3';
import { kernel } from './kernel.ts';

/** So many pages fit on a disk that is full. */
const FULL = 1;
const ENOUGH = 1_000_000;

const open = new Set<Database>();

class Database extends RealDatabase {
  readonly #process = kernel.current;
  #forget: (() => void) | undefined;

  constructor(file: string, options: RealDatabase.Options) {
    super(file, options);
    open.add(this);
    // A transaction that is open is not committed.
    this.#forget = this.#process?.atEnd(() => this.close());
  }

  /** Waiting for a lock would take real time. */
  override pragma(source: string, options?: RealDatabase.PragmaOptions): unknown {
    return super.pragma(source.startsWith('busy_timeout') ? 'busy_timeout = 0' : source, options);
  }

  override close(): this {
    open.delete(this);
    this.#forget?.();
    return super.close();
  }

  isOn(machine: string): boolean {
    return this.#process?.machine.name === machine;
  }
}

/** The disk of the machine has no room for its databases, or has it again. */
export function setDatabasesFull(machine: string, isFull: boolean): void {
  for (const database of open) {
    if (database.isOn(machine)) database.pragma(`max_page_count = ${isFull ? FULL : ENOUGH}`);
  }
}

export { Database as default, SqliteError };
