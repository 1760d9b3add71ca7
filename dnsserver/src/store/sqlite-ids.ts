import { type Kysely, sql } from 'kysely';
import type { RouteTables } from './sql-route-access.ts';

/** The tables whose ids SQLite counts up; rows of the journals may go, for readers have cursors and read anew. */
const NUMBERED = [
  { table: 'RouteData', isJournal: false },
  { table: 'RouteChange', isJournal: true },
  { table: 'RouteEdit', isJournal: true },
] as const;

/** JavaScript counts exactly up to here, and nothing else names a row with a higher id. */
const MAX_ID = Number.MAX_SAFE_INTEGER;

/**
 * SQLite never gives out an id below one that was there. A row that somebody inserted with the largest id of all makes every later insert
 * fail as if the disk were full. Such rows get the next free id, in a journal they go, and counting goes on below them.
 * @returns for each table that was mended, a line that says so
 */
export async function mendIds(db: Kysely<RouteTables>): Promise<readonly string[]> {
  const mended: string[] = [];
  for (const { table, isJournal } of NUMBERED) {
    if (!(await isBeyond(db, table))) continue;
    const rows = isJournal ? await deleteRows(db, table) : await moveRows(db, table);
    const next = sql`(SELECT coalesce(max(id), 0) FROM ${sql.table(table)})`;
    await sql`UPDATE sqlite_sequence SET seq = ${next} WHERE name = ${table}`.execute(db);
    const what = isJournal ? 'went' : 'have other ids now';
    mended.push(`table ${table} had ids beyond ${MAX_ID}, after which nothing could be inserted: ${rows} rows ${what}`);
  }
  return mended;
}

async function isBeyond(db: Kysely<RouteTables>, table: string): Promise<boolean> {
  const { rows } = await sql<{ readonly id: number | null }>`
    SELECT max(id) AS id FROM (SELECT max(id) AS id FROM ${sql.table(table)}
    UNION ALL SELECT seq FROM sqlite_sequence WHERE name = ${table})`.execute(db);
  return (rows[0]?.id ?? 0) > MAX_ID;
}

async function deleteRows(db: Kysely<RouteTables>, table: string): Promise<number> {
  const { numAffectedRows } = await sql`DELETE FROM ${sql.table(table)} WHERE id > ${MAX_ID}`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** One by one, the highest first: an id that is free now may be the next row's. */
async function moveRows(db: Kysely<RouteTables>, table: string): Promise<number> {
  const name = sql.table(table);
  for (let moved = 0; ; moved++) {
    const { numAffectedRows } = await sql`
      UPDATE ${name} SET id = (SELECT coalesce(max(id), 0) + 1 FROM ${name} WHERE id < ${MAX_ID})
      WHERE id > ${MAX_ID} AND id = (SELECT max(id) FROM ${name})`.execute(db);
    if (numAffectedRows === undefined || numAffectedRows === 0n) return moved;
  }
}
