/** What reading RouteData and reading its history share. */
import type { ModuleId } from '@lars/proto';
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import { columnForms, type RouteRow } from './route-store.ts';

/** The columns of a row that we read, in the order of the table. */
export const ROW_COLUMNS = [
  'id',
  'modid',
  'cmdid',
  'serverip',
  'serverport',
  'weight',
  'addr',
  'zone',
  'drain',
] as const satisfies readonly (keyof RouteRow)[];

export function isModule({ modid, cmdid }: ModuleId): Expression<SqlBool> {
  return sql<SqlBool>`(modid in (${sql.join(columnForms(modid))}) and cmdid in (${sql.join(columnForms(cmdid))}))`;
}

const INSERT_ROWS = 500;

/** Writes rows with whatever values they have; one that is there with the same id is replaced. */
export async function replaceRows<Tables>(db: Kysely<Tables>, table: string, rows: readonly RouteRow[]): Promise<void> {
  const columns = sql.join(ROW_COLUMNS.map(column => sql.ref(column)));
  for (const some of slices(rows, INSERT_ROWS)) {
    const values = some.map(row => sql`(${sql.join(ROW_COLUMNS.map(column => row[column]))})`);
    await sql`REPLACE INTO ${sql.table(table)} (${columns}) VALUES ${sql.join(values)}`.execute(db);
  }
}

export function* slices<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
