import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSqlite, openSqliteWhenFree } from '@lars/runtime/sql/sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-sqlite-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** SQLite's numbers for PRAGMA synchronous. */
const SYNCHRONOUS = { normal: 1, full: 2 } as const;

test.each(['full', 'normal'] as const)('a file that is opened waits for the disk as it should: %s', async durability => {
  const options = { file: path.join(folder, 'new', 'x.db'), confKey: 'conf key [database] file', durability };
  for (const database of [openSqlite(options), await openSqliteWhenFree(options)]) {
    const pragma = (name: string) => database.connection.pragma(name, { simple: true });
    expect([pragma('synchronous'), pragma('journal_mode')]).toEqual([SYNCHRONOUS[durability], 'wal']);
    database.close();
  }
});
