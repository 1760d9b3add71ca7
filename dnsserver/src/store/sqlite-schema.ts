import { StartupError } from '@lars/runtime/errors';
import { refuseNewerSchema, type SchemaPart, schemaVersionOf, writeSchemaVersion } from '@lars/runtime/sql/schema-version';
import type Database from 'better-sqlite3';
import { HISTORY_TABLES, startHistory } from './sqlite-history-schema.ts';

/** 1: routes, their journals and our columns. 2: the history beside them. */
export const ROUTES_SCHEMA: SchemaPart = { part: 'routes', version: 2 };

/**
 * The tables in SQLite. The deployed columns stand first and in the deployed order, ours behind them: deployed readers take
 * columns by position. Whatever is missing is created, so that a database of any age,
 * also one that was made by hand with the deployed tables alone, ends up the same.
 */
const TABLES: Readonly<Record<string, string>> = {
  RouteData: `id INTEGER PRIMARY KEY AUTOINCREMENT, modid INTEGER NOT NULL, cmdid INTEGER NOT NULL,
    serverip INTEGER NOT NULL, serverport INTEGER NOT NULL,
    weight INTEGER NOT NULL DEFAULT 0, addr TEXT NOT NULL DEFAULT '', zone TEXT NOT NULL DEFAULT '', drain INTEGER NOT NULL DEFAULT 0`,
  RouteVersion: 'id INTEGER PRIMARY KEY, version INTEGER NOT NULL',
  RouteChange: 'id INTEGER PRIMARY KEY AUTOINCREMENT, modid INTEGER NOT NULL, cmdid INTEGER NOT NULL, version INTEGER NOT NULL',
  ModIDConfig: "id INTEGER PRIMARY KEY AUTOINCREMENT, modid INTEGER NOT NULL, content TEXT NOT NULL DEFAULT ''",
  CmdIDConfig: "id INTEGER PRIMARY KEY AUTOINCREMENT, cmdid INTEGER NOT NULL, content TEXT NOT NULL DEFAULT ''",
  RouteEdit: 'id INTEGER PRIMARY KEY AUTOINCREMENT, modid INTEGER, cmdid INTEGER',
};

/** A table without these columns is not ours to touch. */
const DEPLOYED_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  RouteData: ['id', 'modid', 'cmdid', 'serverip', 'serverport'],
  RouteVersion: ['id', 'version'],
  RouteChange: ['id', 'modid', 'cmdid', 'version'],
  RouteEdit: ['id', 'modid', 'cmdid'],
};

/** Readers follow the ids of these tables, so SQLite must give out the ids itself. */
const NUMBERED_TABLES = ['RouteData', 'RouteChange', 'RouteEdit'];

const ADDED_COLUMNS: Readonly<Record<string, string>> = {
  weight: 'INTEGER NOT NULL DEFAULT 0',
  addr: "TEXT NOT NULL DEFAULT ''",
  zone: "TEXT NOT NULL DEFAULT ''",
  drain: 'INTEGER NOT NULL DEFAULT 0',
};

/**
 * The triggers write the modules that any statement of any client touches in RouteData into RouteEdit. An INSERT or UPDATE may replace
 * another row (OR REPLACE), for which SQLite fires no DELETE trigger; rows replaced by a unique index are of the new row's module.
 * A row of RouteData without a module is not journaled, because a row of nulls in RouteEdit is a clear mark.
 */
const TRIGGERS: Readonly<Record<string, string>> = {
  RouteEditReplace: `BEFORE INSERT ON RouteData BEGIN ${journal('SELECT modid, cmdid FROM RouteData WHERE id = NEW.id')} END`,
  RouteEditInsert: `AFTER INSERT ON RouteData BEGIN ${journal('SELECT NEW.modid AS modid, NEW.cmdid AS cmdid')} END`,
  RouteEditMove: `BEFORE UPDATE OF id ON RouteData BEGIN ${journal('SELECT modid, cmdid FROM RouteData WHERE id = NEW.id')} END`,
  RouteEditUpdate: `AFTER UPDATE ON RouteData BEGIN ${journal(
    'SELECT OLD.modid AS modid, OLD.cmdid AS cmdid UNION SELECT NEW.modid, NEW.cmdid',
  )} END`,
  RouteEditDelete: `AFTER DELETE ON RouteData BEGIN ${journal('SELECT OLD.modid AS modid, OLD.cmdid AS cmdid')} END`,
};

function journal(modules: string): string {
  return `INSERT INTO RouteEdit (modid, cmdid) SELECT modid, cmdid FROM (${modules}) WHERE modid IS NOT NULL AND cmdid IS NOT NULL;`;
}

const UNIQUE_INDEX = 'RouteDataHost';
const PLAIN_INDEX = 'RouteDataModule';

/**
 * Creates what is missing, in one transaction behind the write lock; writes nothing when the schema is complete.
 * @param onUpgraded told what was done to a database that had routes before
 * @throws {StartupError} when a table has other columns than it must have, or a newer program has made them
 */
export function ensureSqliteSchema(connection: Database.Database, file: string, onUpgraded?: (text: string) => void): void {
  if (isCurrent(connection, file)) return;
  const upgrade = connection.transaction(() => {
    refuseNewerSchema(connection, ROUTES_SCHEMA, file);
    const before = schemaVersionOf(connection, ROUTES_SCHEMA.part);
    const steps = createMissing(connection, file);
    writeSchemaVersion(connection, ROUTES_SCHEMA);
    return { before, steps };
  });
  const { before, steps } = upgrade.immediate();
  if (steps === undefined) return;
  const versions = before === ROUTES_SCHEMA.version ? `${before}` : `${before || 1} -> ${ROUTES_SCHEMA.version}`;
  onUpgraded?.(`database ${file}: schema version of routes ${versions}: ${steps.join('; ')}`);
}

/**
 * Whether nothing has to be created.
 * @throws {StartupError} as ensureSqliteSchema
 */
export function isCurrent(connection: Database.Database, file: string): boolean {
  refuseNewerSchema(connection, ROUTES_SCHEMA, file);
  if (schemaVersionOf(connection, ROUTES_SCHEMA.part) < ROUTES_SCHEMA.version || !isComplete(connection)) return false;
  checkColumns(connection, file);
  return true;
}

/** @returns what was done, in words; undefined where there were no routes before */
function createMissing(connection: Database.Database, file: string): readonly string[] | undefined {
  const names = namesIn(connection);
  const isNew = !names.has('RouteData');
  const tables = Object.entries(ALL_TABLES).filter(([table]) => !names.has(table));
  for (const [table, columns] of tables) connection.exec(`CREATE TABLE ${table} (${columns})`);
  checkColumns(connection, file);
  const columns = addColumns(connection);
  const index = createIndex(connection);
  const triggers = Object.entries(TRIGGERS).filter(([name]) => !names.has(name));
  for (const [name, body] of triggers) connection.exec(`CREATE TRIGGER ${name} ${body}`);
  connection.exec('INSERT INTO RouteVersion (id, version) SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM RouteVersion)');
  // Without the triggers, changes may have been made of which the journal knows nothing.
  startHistory(connection, triggers.length > 0 || columns.length > 0);
  if (isNew) return undefined;
  const steps = [
    { what: 'tables', names: tables.map(([name]) => name) },
    { what: 'columns of RouteData', names: columns },
    { what: 'index', names: names.has(index) ? [] : [index] },
    { what: 'triggers', names: triggers.map(([name]) => name) },
  ].filter(step => step.names.length > 0);
  return steps.length === 0 ? ['nothing was missing'] : steps.map(step => `made ${step.what} ${step.names.join(', ')}`);
}

const ALL_TABLES: Readonly<Record<string, string>> = { ...TABLES, ...HISTORY_TABLES };

function namesIn(connection: Database.Database): ReadonlySet<unknown> {
  return new Set(connection.prepare('SELECT name FROM sqlite_master').pluck().all());
}

function isComplete(connection: Database.Database): boolean {
  const names = namesIn(connection);
  const hasAll = [...Object.keys(ALL_TABLES), ...Object.keys(TRIGGERS)].every(name => names.has(name));
  const hasIndex = names.has(UNIQUE_INDEX) || names.has(PLAIN_INDEX);
  return hasAll && hasIndex && missingColumns(connection).length === 0;
}

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
}

function columnsOf(connection: Database.Database, table: string): readonly ColumnInfo[] {
  return connection.pragma(`table_info(${table})`) as ColumnInfo[];
}

function missingColumns(connection: Database.Database): string[] {
  const present = new Set(columnsOf(connection, 'RouteData').map(column => column.name.toLowerCase()));
  return Object.keys(ADDED_COLUMNS).filter(name => !present.has(name));
}

function addColumns(connection: Database.Database): readonly string[] {
  const missing = missingColumns(connection);
  for (const name of missing) connection.exec(`ALTER TABLE RouteData ADD COLUMN ${name} ${ADDED_COLUMNS[name]}`);
  return missing;
}

function checkColumns(connection: Database.Database, file: string): void {
  for (const [table, needed] of Object.entries(DEPLOYED_COLUMNS)) {
    const columns = new Map(columnsOf(connection, table).map(column => [column.name.toLowerCase(), column]));
    const missing = needed.find(name => !columns.has(name));
    if (missing !== undefined) throw schemaError(file, `table ${table} has no column ${missing}`);
    const id = columns.get('id');
    if (NUMBERED_TABLES.includes(table) && (id?.pk !== 1 || id.type.toUpperCase() !== 'INTEGER'))
      throw schemaError(file, `column id of table ${table} is not INTEGER PRIMARY KEY`);
  }
}

/** Deployed data may name a host twice. The index is then not unique, and duplicates are dropped when rows are read. */
function createIndex(connection: Database.Database): string {
  try {
    connection.exec(`CREATE UNIQUE INDEX IF NOT EXISTS ${UNIQUE_INDEX} ON RouteData (modid, cmdid, serverip, serverport, addr)`);
    return UNIQUE_INDEX;
  } catch (error) {
    if ((error as { code?: string }).code !== 'SQLITE_CONSTRAINT_UNIQUE') throw error;
    connection.exec(`CREATE INDEX IF NOT EXISTS ${PLAIN_INDEX} ON RouteData (modid, cmdid)`);
    return PLAIN_INDEX;
  }
}

function schemaError(file: string, why: string): StartupError {
  return new StartupError('DATABASE', `database ${file} (conf key [database] file) cannot be used: ${why}`);
}
