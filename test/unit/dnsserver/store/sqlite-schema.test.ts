import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { refuseNewerSchema, schemaVersionOf, writeSchemaVersion } from '@lars/runtime/sql/schema-version';
import type Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';
import { ensureSqliteSchema, ROUTES_SCHEMA } from '../../../../dnsserver/src/store/sqlite-schema.ts';
import { INSERT_ROW, openSql, serverip, tempFile, watch } from '../route-world.ts';

const DEPLOYED_TABLES = `
  CREATE TABLE RouteData (id INTEGER PRIMARY KEY, modid int unsigned NOT NULL, cmdid int unsigned NOT NULL,
    serverip int unsigned NOT NULL, serverport int unsigned NOT NULL);
  CREATE TABLE RouteVersion (id INTEGER PRIMARY KEY, version bigint NOT NULL);
  CREATE TABLE RouteChange (id INTEGER PRIMARY KEY, modid int NOT NULL, cmdid int NOT NULL, version bigint NOT NULL);`;

function columns(sql: Database.Database, table: string): unknown[] {
  return sql.prepare('SELECT name FROM pragma_table_info(?) ORDER BY cid').pluck().all(table);
}

function schema(sql: Database.Database): string[][] {
  return sql.prepare('SELECT type, name, tbl_name FROM sqlite_master ORDER BY 1, 2').raw().all() as string[][];
}

function make(file: string): Database.Database {
  const sql = openSql(file);
  ensureSqliteSchema(sql, file);
  return sql;
}

describe('the tables', () => {
  test('are those of the deployed system, our columns behind theirs', () => {
    const sql = make(tempFile());
    expect(columns(sql, 'RouteData')).toEqual([
      'id',
      'modid',
      'cmdid',
      'serverip',
      'serverport',
      'weight',
      'addr',
      'zone',
      'drain',
    ]);
    expect(columns(sql, 'RouteVersion')).toEqual(['id', 'version']);
    expect(columns(sql, 'RouteChange')).toEqual(['id', 'modid', 'cmdid', 'version']);
    expect(columns(sql, 'ModIDConfig')).toEqual(['id', 'modid', 'content']);
    expect(columns(sql, 'CmdIDConfig')).toEqual(['id', 'cmdid', 'content']);
    expect(columns(sql, 'RouteEdit')).toEqual(['id', 'modid', 'cmdid']);
    expect(sql.prepare('SELECT * FROM RouteVersion').all()).toEqual([{ id: 1, version: 0 }]);
  });

  test('are made once: again is nothing, not even a write', () => {
    const sql = make(tempFile());
    const before = sql.pragma('schema_version', { simple: true });
    ensureSqliteSchema(sql, 'file');
    expect(sql.pragma('schema_version', { simple: true })).toBe(before);
  });

  test('that somebody made with the deployed columns alone get the others, and keep their rows', () => {
    const file = tempFile();
    const sql = openSql(file);
    sql.exec(DEPLOYED_TABLES);
    sql.exec('INSERT INTO RouteVersion VALUES (1, 1500000000)');
    sql.prepare(INSERT_ROW).run(1, 2, serverip('10.0.0.1'), 80);
    ensureSqliteSchema(sql, file);
    expect(sql.prepare('SELECT * FROM RouteData').raw().all()).toEqual([[1, 1, 2, serverip('10.0.0.1'), 80, 0, '', '', 0]]);
    expect(sql.prepare('SELECT * FROM RouteVersion').raw().all()).toEqual([[1, 1500000000]]);
    expect(schema(sql).filter(([, name]) => name !== 'sqlite_sequence')).toEqual(
      schema(make(tempFile())).filter(([, name]) => name !== 'sqlite_sequence'),
    );
  });

  test('may lack just one of our columns or triggers', () => {
    const file = tempFile();
    const sql = make(file);
    const complete = schema(sql);
    sql.exec('DROP TRIGGER RouteEditDelete; DROP INDEX RouteDataHost; ALTER TABLE RouteData DROP COLUMN zone');
    ensureSqliteSchema(sql, file);
    expect(schema(sql)).toEqual(complete);
    expect(columns(sql, 'RouteData')).toContain('zone');
  });

  test('with a host twice get an index that allows it; else the database refuses a second row for a host', () => {
    const twice = openSql(tempFile());
    twice.exec(DEPLOYED_TABLES);
    for (let n = 0; n < 2; n += 1) twice.prepare(INSERT_ROW).run(1, 2, 3, 80);
    ensureSqliteSchema(twice, 'file');
    twice.prepare(INSERT_ROW).run(1, 2, 3, 80);
    expect(twice.prepare('SELECT count(*) FROM RouteData').pluck().get()).toBe(3);
    const once = make(tempFile());
    once.prepare(INSERT_ROW).run(1, 2, 3, 80);
    expect(() => once.prepare(INSERT_ROW).run(1, 2, 3, 80)).toThrow('UNIQUE');
  });

  test.each([
    ['RouteData (id INTEGER PRIMARY KEY, modid, cmdid, ip, port)', 'table RouteData has no column serverip'],
    [
      'RouteData (id INT PRIMARY KEY, modid, cmdid, serverip, serverport)',
      'column id of table RouteData is not INTEGER PRIMARY KEY',
    ],
    ['RouteChange (id INTEGER, modid, cmdid, version)', 'column id of table RouteChange is not INTEGER PRIMARY KEY'],
    ['RouteVersion (id INTEGER PRIMARY KEY, revision)', 'table RouteVersion has no column version'],
  ])('that are something else are left alone: %s', async (table, why) => {
    const file = tempFile();
    const sql = openSql(file);
    sql.exec(`CREATE TABLE ${table}`);
    await expect(openRouteEditor({ file })).rejects.toThrow(`database ${file} (conf key [database] file) cannot be used: ${why}`);
    expect(schema(sql).filter(([type]) => type === 'table')).toHaveLength(1);
  });
});

describe('the journal names the modules', () => {
  const cases: [string, string[]][] = [
    ['INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (3, 4, 5, 6), (7, 8, 5, 6)', ['3/4', '7/8']],
    ['UPDATE RouteData SET serverport = 81 WHERE id = 1', ['1/1']],
    ['UPDATE RouteData SET modid = 9 WHERE id = 1', ['1/1', '9/1']],
    ['UPDATE RouteData SET cmdid = cmdid + 1', ['1/1', '1/2', '2/2', '2/3']],
    ['DELETE FROM RouteData WHERE id = 2', ['2/2']],
    ['DELETE FROM RouteData', ['1/1', '2/2']],
    ['REPLACE INTO RouteData (id, modid, cmdid, serverip, serverport) VALUES (1, 5, 5, 9, 9)', ['1/1', '5/5']],
    ['INSERT OR REPLACE INTO RouteData (modid, cmdid, serverip, serverport) VALUES (1, 1, 10, 80)', ['1/1']],
    ['UPDATE OR REPLACE RouteData SET id = 2 WHERE id = 1', ['1/1', '2/2']],
    ['UPDATE RouteData SET modid = 3 WHERE id = 77', []],
    ['PRAGMA recursive_triggers = ON; DELETE FROM RouteData WHERE id = 1', ['1/1']],
  ];

  test.each(cases)('that are touched by %s', (statement, modules) => {
    const sql = make(tempFile());
    sql.prepare(INSERT_ROW).run(1, 1, 10, 80);
    sql.prepare(INSERT_ROW).run(2, 2, 10, 80);
    const before = sql.prepare('SELECT max(id) FROM RouteEdit').pluck().get();
    sql.exec(statement);
    const named = sql.prepare("SELECT DISTINCT modid || '/' || cmdid FROM RouteEdit WHERE id > ? ORDER BY 1").pluck().all(before);
    expect(named).toEqual(modules);
  });

  test('but not a change that was rolled back', () => {
    const sql = make(tempFile());
    sql.exec('BEGIN; INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (3, 4, 5, 6); ROLLBACK');
    expect(sql.prepare('SELECT count(*) FROM RouteEdit').pluck().get()).toBe(0);
  });

  test('and a row without a module is no edit: nulls are the mark of a table cleared on purpose', () => {
    const sql = openSql(tempFile());
    sql.exec('CREATE TABLE RouteData (id INTEGER PRIMARY KEY, modid, cmdid, serverip, serverport)');
    ensureSqliteSchema(sql, 'file');
    sql.exec('INSERT INTO RouteData (modid, cmdid) VALUES (NULL, NULL); UPDATE RouteData SET modid = 1, cmdid = 2');
    expect(sql.prepare('SELECT modid, cmdid FROM RouteEdit').raw().all()).toEqual([[1, 2]]);
  });

  test("without disturbing the writer's last_insert_rowid", () => {
    const sql = make(tempFile());
    sql.prepare(INSERT_ROW).run(1, 1, 10, 80);
    sql.exec('DELETE FROM RouteEdit');
    expect(sql.prepare(INSERT_ROW).run(1, 1, 10, 81).lastInsertRowid).toBe(2);
  });
});

describe('many may open a database at the same moment', () => {
  test('in one process', async () => {
    const file = tempFile();
    const all = await Promise.all([watch(file), watch(file), openRouteEditor({ file }), openRouteEditor({ file })]);
    expect(schema(openSql(file))).toEqual(schema(make(tempFile())));
    await Promise.all(all.map(each => each.close()));
  });

  test('in processes of their own, also when the deployed tables are there', async () => {
    for (const prepare of ['', DEPLOYED_TABLES]) {
      const file = tempFile();
      const sql = openSql(file);
      sql.exec(prepare);
      const opener = fileURLToPath(new URL('open-route-editor.ts', import.meta.url));
      const node = fileURLToPath(new URL('../../../../node_modules/.bin/node', import.meta.url));
      const run = (n: number) => promisify(execFile)(node, ['--conditions=source', opener, file, String(n)]);
      const outputs = await Promise.all([1, 2, 3, 4].map(run));
      expect(outputs.map(({ stdout }) => stdout)).toEqual(['ready\n', 'ready\n', 'ready\n', 'ready\n']);
      expect(sql.prepare('SELECT modid FROM RouteData ORDER BY modid').pluck().all()).toEqual([1, 2, 3, 4]);
      expect(sql.prepare('SELECT version FROM RouteVersion').pluck().all()).toEqual([4]);
    }
  });
});

describe('the version of the schema', () => {
  test('is written, and another part of the same file has one of its own', () => {
    const sql = make(tempFile());
    expect(schemaVersionOf(sql, 'routes')).toBe(ROUTES_SCHEMA.version);
    expect(schemaVersionOf(sql, 'reports')).toBe(0);
    writeSchemaVersion(sql, { part: 'reports', version: 7 });
    refuseNewerSchema(sql, ROUTES_SCHEMA, 'file');
    expect(() => refuseNewerSchema(sql, { part: 'reports', version: 6 }, 'r.db')).toThrow(
      'database r.db has schema version 7 of its reports, and this program knows versions up to 6: use a newer one',
    );
  });

  test('is refused when it is newer, and nothing is touched', () => {
    const file = tempFile();
    const sql = make(file);
    writeSchemaVersion(sql, { part: 'routes', version: 3 });
    sql.exec('DROP TRIGGER RouteEditDelete');
    const before = schema(sql);
    expect(() => ensureSqliteSchema(sql, file)).toThrow('has schema version 3 of its routes');
    expect(schema(sql)).toEqual(before);
  });

  test('of deployed tables is 1: what the upgrade did is told once, and the history begins with their rows', () => {
    const file = tempFile();
    const sql = openSql(file);
    sql.exec(DEPLOYED_TABLES);
    sql.exec('INSERT INTO RouteVersion VALUES (1, 77)');
    sql.prepare(INSERT_ROW).run(1, 2, serverip('10.0.0.1'), 80);
    const told: string[] = [];
    for (let n = 0; n < 2; n += 1) ensureSqliteSchema(sql, file, text => told.push(text));
    expect(told).toEqual([
      expect.stringMatching(/: schema version of routes 1 -> 2: made tables .*RouteChangeSet.*; made columns .*weight/),
    ]);
    expect(sql.prepare('SELECT id, modid, cmdid FROM RouteRecorded').raw().all()).toEqual([[1, 1, 2]]);
    expect(sql.prepare('SELECT sinceRevision FROM RouteHistory').pluck().get()).toBe(77);
    const fresh: string[] = [];
    ensureSqliteSchema(openSql(tempFile()), file, text => fresh.push(text));
    expect(fresh).toEqual([]);
  });
});
