import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OpenFile } from '@lars/runtime/sql/open-file';
import { openSqlite } from '@lars/runtime/sql/sqlite';
import Database from 'better-sqlite3';
import { beforeEach, expect, test } from 'vitest';

let file: string;
beforeEach(() => {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-open-file-'));
  file = path.join(folder, 'lars.db');
  return () => rmSync(folder, { recursive: true });
});

/** An open database with one row in its write-ahead log. */
async function openWithRow() {
  const { connection } = await openSqlite<never>({ file, confKey: '[database] file', durability: 'normal' });
  const open = new OpenFile(file);
  connection.exec('CREATE TABLE T (x); INSERT INTO T VALUES (1)');
  expect(open.loss()).toBeUndefined();
  return { connection, open };
}

/** A database without a log beside it, as a backup is. */
function makeBackup(name: string, rows: readonly number[]): void {
  const backup = new Database(name);
  backup.exec('CREATE TABLE T (x)');
  for (const row of rows) backup.prepare('INSERT INTO T VALUES (?)').run(row);
  backup.close();
}

function rowsOf(name: string): unknown[] {
  const database = new Database(name, { fileMustExist: true });
  try {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    return database.prepare('SELECT x FROM T ORDER BY x').pluck().all();
  } finally {
    database.close();
  }
}

test('a file that is replaced loses its name, and its log is not mixed into the new one', async () => {
  const { connection, open } = await openWithRow();
  makeBackup(`${file}.backup`, [7, 8]);
  renameSync(`${file}.backup`, file);
  expect(open.loss()).toBe('was replaced by another file');
  open.leave(connection);
  expect(rowsOf(file)).toEqual([7, 8]);
});

test('a file that is moved away has all that was written into it', async () => {
  const { connection, open } = await openWithRow();
  renameSync(file, `${file}.away`);
  expect(open.loss()).toBe('was deleted');
  open.leave(connection);
  expect(rowsOf(`${file}.away`)).toEqual([1]);
});

test('the log of whoever has opened the new file already is left alone', async () => {
  const { connection, open } = await openWithRow();
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix);
  const other = await openWithRow();
  expect(open.loss()).toBe('was replaced by another file');
  open.leave(connection);
  other.connection.exec('INSERT INTO T VALUES (2)');
  expect(rowsOf(file)).toEqual([1, 2]);
  other.connection.close();
});
