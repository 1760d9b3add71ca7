/** Reads a database of the system from outside, again and again: opening it each time would cost more than the reading. */
import RealDatabase from 'better-sqlite3';

export class DatabaseReader {
  readonly #open = new Map<string, RealDatabase.Database>();

  readAll<Row>(file: string, query: string): readonly Row[] {
    const database = this.#open.get(file) ?? new RealDatabase(file, { readonly: true });
    this.#open.set(file, database);
    return database.prepare<[], Row>(query).all();
  }

  close(): void {
    for (const database of this.#open.values()) database.close();
    this.#open.clear();
  }
}
