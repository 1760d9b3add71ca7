/**
 * The version of a database's tables, in a table of ours, because other programs use the same database and PRAGMA user_version is SQLite's
 * alone. Several services keep their tables in one file: each is a part with a version of its own.
 */
import type Database from 'better-sqlite3';
import { StartupError } from '../errors.ts';

export interface SchemaPart {
  /** 'routes', 'reports' */
  readonly part: string;
  /** The latest that this program knows. */
  readonly version: number;
}

type Connection = Pick<Database.Database, 'prepare' | 'exec'>;

/** 0 where no program has written one. */
export function schemaVersionOf(connection: Connection, part: string): number {
  const hasTable = connection.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'SchemaVersion'").get();
  if (hasTable === undefined) return 0;
  const version = connection.prepare('SELECT version FROM SchemaVersion WHERE part = ?').pluck().get(part);
  return typeof version === 'number' ? version : 0;
}

/**
 * A newer program may have given the tables a meaning that this one would destroy.
 * @throws {StartupError} naming both versions and the file
 */
export function refuseNewerSchema(connection: Connection, { part, version }: SchemaPart, file: string): void {
  const found = schemaVersionOf(connection, part);
  if (found <= version) return;
  throw new StartupError(
    'NEWER_DATABASE',
    `database ${file} has schema version ${found} of its ${part}, and this program knows versions up to ${version}: use a newer one`,
  );
}

export function writeSchemaVersion(connection: Connection, { part, version }: SchemaPart): void {
  connection.exec('CREATE TABLE IF NOT EXISTS SchemaVersion (part TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL)');
  connection.prepare('REPLACE INTO SchemaVersion (part, version) VALUES (?, ?)').run(part, version);
}
