import { refuseNewerSchema, type SchemaPart, schemaVersionOf, writeSchemaVersion } from '@lars/runtime/sql/schema-version';
import type Database from 'better-sqlite3';
import type { StatusTables } from './status-tables.ts';
import { storedAgent } from './stored-agent.ts';

/** Since version 2 the names of agents are stored as hashes. */
const REPORTS_SCHEMA: SchemaPart = { part: 'reports', version: 2 };

/** What the schema needs of a database connection. */
interface Connection {
  exec: Database.Database['exec'];
  prepare: Database.Database['prepare'];
  pragma(sql: string): unknown;
  transaction(work: () => void): { immediate(): void };
}

/**
 * Creates what is missing: tables, and our columns of a ServerCallStatus that has only the deployed ones. Safe to call again, and
 * by several processes at once: the second waits for the first one's transaction, and then finds nothing missing.
 * @throws {StartupError} when a newer program has made the tables
 */
export function createStatusTables(connection: Connection, file: string): void {
  connection
    .transaction(() => {
      refuseNewerSchema(connection, REPORTS_SCHEMA, file);
      connection.exec(TABLES);
      if (schemaVersionOf(connection, REPORTS_SCHEMA.part) !== REPORTS_SCHEMA.version) {
        hashAgents(connection);
        writeSchemaVersion(connection, REPORTS_SCHEMA);
      }
      const present = new Set(columnNames(connection, 'ServerCallStatus'));
      for (const column of OUR_COLUMNS) {
        if (!present.has(column)) connection.exec(`ALTER TABLE ServerCallStatus ADD COLUMN ${column} ${OUR_TYPE}`);
      }
    })
    .immediate();
}

const OUR_TYPE = 'INTEGER NOT NULL DEFAULT 0';
const OUR_COLUMNS = ['weight', 'tcost', 'probes'] as const satisfies readonly (keyof StatusTables['ServerCallStatus'])[];

const COUNTS = `
  succ_cnt INTEGER NOT NULL,
  err_cnt INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  overload INTEGER NOT NULL,
  ${OUR_COLUMNS.map(column => `${column} ${OUR_TYPE}`).join(',\n  ')}`;

// The status tables keep their rowid on purpose. A report touches rows of one caller, which the primary key scatters over the
// whole table; by rowid they lie together as they came, and the index needs no change. With a million rows that is five times
// faster than a table ordered by its key. The history is written minute by minute, and so is its key.
const TABLES = `
CREATE TABLE IF NOT EXISTS ServerCallStatus (
  modid INTEGER NOT NULL,
  cmdid INTEGER NOT NULL,
  ip INTEGER NOT NULL,
  port INTEGER NOT NULL,
  caller INTEGER NOT NULL,${COUNTS},
  PRIMARY KEY (modid, cmdid, ip, port, caller)
);
CREATE TABLE IF NOT EXISTS AddrCallStatus (
  modid INTEGER NOT NULL,
  cmdid INTEGER NOT NULL,
  addr TEXT NOT NULL,
  port INTEGER NOT NULL,
  caller INTEGER NOT NULL,${COUNTS},
  PRIMARY KEY (modid, cmdid, addr, port, caller)
);
CREATE TABLE IF NOT EXISTS CallHistory (
  minute INTEGER NOT NULL,
  modid INTEGER NOT NULL,
  cmdid INTEGER NOT NULL,
  ip INTEGER NOT NULL,
  port INTEGER NOT NULL,
  addr TEXT NOT NULL,
  succ INTEGER NOT NULL,
  err INTEGER NOT NULL,
  tcost_ms INTEGER NOT NULL,
  overloaded INTEGER NOT NULL,
  reports INTEGER NOT NULL,
  PRIMARY KEY (minute, modid, cmdid, ip, port, addr)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS AgentReport (
  agent TEXT NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL,
  ts INTEGER NOT NULL
) WITHOUT ROWID;
`;

/** What an earlier version has stored, so that what its agents send again counts once all the same. */
function hashAgents(connection: Connection): void {
  const rename = connection.prepare('UPDATE OR REPLACE AgentReport SET agent = ? WHERE agent = ?');
  for (const agent of connection.prepare('SELECT agent FROM AgentReport').pluck().all())
    rename.run(storedAgent(String(agent)), agent);
}

/** In lower case: SQL does not tell names apart by case. */
function columnNames(connection: Connection, table: string): string[] {
  const columns = connection.pragma(`table_info(${table})`) as readonly { readonly name: string }[];
  return columns.map(column => column.name.toLowerCase());
}
