import type { SqliteDatabase } from '@lars/runtime/sql/sqlite';
import { type Kysely, sql } from 'kysely';

/**
 * One transaction; of kind 'write' it takes the write lock at once, else with its first write. When it fails, that error is thrown, whatever becomes of the rollback: SQLite itself has rolled back after a full disk,
 * for instance, and a second rollback fails for a reason that helps nobody.
 */
export function transact<Tables, T>(
  { query, connection }: SqliteDatabase<Tables>,
  work: (db: Kysely<Tables>) => Promise<T>,
  kind: 'read' | 'write' = 'read',
): Promise<T> {
  return query.connection().execute(async db => {
    await sql.raw(kind === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN').execute(db);
    try {
      const result = await work(db);
      await sql`COMMIT`.execute(db);
      return result;
    } catch (error) {
      if (connection.inTransaction) await sql`ROLLBACK`.execute(db).catch(() => undefined);
      throw error;
    }
  });
}
