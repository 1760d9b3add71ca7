import type { Database, Statement } from 'better-sqlite3';

type Value = number | string;

export interface UpsertShape<Row> {
  readonly table: string;
  /** All that are written, in the order of `bind`. */
  readonly columns: readonly string[];
  /** The columns of the primary key. */
  readonly key: readonly string[];
  /** What happens to a row that is there: `column = expression`, the new value being `excluded.column`. */
  readonly update: readonly string[];
  /** Puts the row's values into `values`, from `at` on. */
  readonly bind: (row: Row, values: Value[], at: number) => void;
}

/** Rows in one statement. Beyond this the statement's own cost does not show any more. */
const ROWS_PER_STATEMENT = 16;

/** Upserts many rows: prepared once, and several rows with each run, which saves a quarter of the time. */
export class BulkUpsert<Row> {
  readonly #shape: UpsertShape<Row>;
  readonly #one: Upsert;
  readonly #many: Upsert;

  constructor(connection: Database, shape: UpsertShape<Row>) {
    this.#shape = shape;
    this.#one = prepare(connection, shape, 1);
    this.#many = prepare(connection, shape, ROWS_PER_STATEMENT);
  }

  /** Belongs into a transaction. */
  run(rows: readonly Row[]): void {
    let at = 0;
    for (; at + ROWS_PER_STATEMENT <= rows.length; at += ROWS_PER_STATEMENT)
      this.#runOne(this.#many, rows, at, ROWS_PER_STATEMENT);
    for (; at < rows.length; at++) this.#runOne(this.#one, rows, at, 1);
  }

  #runOne({ statement, values }: Upsert, rows: readonly Row[], from: number, count: number): void {
    const { bind, columns } = this.#shape;
    for (let i = 0; i < count; i++) bind(rows[from + i] as Row, values, i * columns.length);
    statement.run(values);
  }
}

interface Upsert {
  readonly statement: Statement<[Value[]]>;
  /** Used again with every run. */
  readonly values: Value[];
}

function prepare<Row>(connection: Database, { table, columns, key, update }: UpsertShape<Row>, rows: number): Upsert {
  const row = `(${columns.map(() => '?').join(', ')})`;
  const sql =
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${Array(rows).fill(row).join(', ')} ` +
    `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${update.join(', ')}`;
  return { statement: connection.prepare<[Value[]]>(sql), values: new Array<Value>(rows * columns.length).fill(0) };
}
