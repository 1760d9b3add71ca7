import type Database from 'better-sqlite3';

/** The tables of the history in SQLite; history-store.ts says what they are for. */
export const HISTORY_TABLES: Readonly<Record<string, string>> = {
  RouteChangeSet: `id INTEGER PRIMARY KEY AUTOINCREMENT, revision INTEGER NOT NULL, unixMs INTEGER NOT NULL, author TEXT NOT NULL,
    machine TEXT NOT NULL, command TEXT NOT NULL, reason TEXT NOT NULL, added INTEGER NOT NULL, updated INTEGER NOT NULL,
    removed INTEGER NOT NULL, modules INTEGER NOT NULL`,
  RouteChangeSetRow: `id INTEGER PRIMARY KEY AUTOINCREMENT, changeSet INTEGER NOT NULL, modid INTEGER NOT NULL, cmdid INTEGER NOT NULL,
    rowBefore TEXT, rowAfter TEXT`,
  RouteRecorded: 'id INTEGER PRIMARY KEY, modid, cmdid, serverip, serverport, weight, addr, zone, drain',
  RouteHistory: 'id INTEGER PRIMARY KEY, lastEdit INTEGER NOT NULL, sinceRevision INTEGER NOT NULL',
};

/**
 * Begins a history that has not begun with the rows as they are; who made them is not known.
 * @param hasGap changes may be missing in RouteEdit
 */
export function startHistory(connection: Database.Database, hasGap: boolean): void {
  connection.exec('CREATE INDEX IF NOT EXISTS RouteChangeSetRowSet ON RouteChangeSetRow (changeSet)');
  connection.exec('CREATE INDEX IF NOT EXISTS RouteRecordedModule ON RouteRecorded (modid, cmdid)');
  const hasBegun = connection.prepare('SELECT 1 FROM RouteHistory').get() !== undefined;
  if (hasBegun && hasGap) connection.exec('UPDATE RouteHistory SET lastEdit = -1');
  if (hasBegun) return;
  connection.exec(`
    DELETE FROM RouteRecorded;
    INSERT INTO RouteRecorded SELECT id, modid, cmdid, serverip, serverport, weight, addr, zone, drain FROM RouteData
      WHERE id <= ${Number.MAX_SAFE_INTEGER};
    INSERT INTO RouteHistory (id, lastEdit, sinceRevision) SELECT 1, (SELECT coalesce(max(id), 0) FROM RouteEdit),
      (SELECT coalesce(max(version), 0) FROM RouteVersion);`);
}
