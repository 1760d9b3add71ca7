import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openError, openSqlite, type SqliteOptions } from '@lars/runtime/sql/sqlite';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-sql-'));
  return () => rmSync(folder, { recursive: true });
});

function open(file: string, more: Partial<SqliteOptions> = {}) {
  const options = { file: path.join(folder, file), confKey: '[database] file', durability: 'normal', ...more } as const;
  return openSqlite<never>(options);
}

const modeOf = (name: string) => (statSync(path.join(folder, name)).mode & 0o777).toString(8);

describe('what is made', () => {
  test('is for its owner and group alone: folders, the database and the files beside it', async () => {
    const database = await open('a/b/lars.db');
    onTestFinished(() => database.close());
    database.connection.exec('CREATE TABLE Something (id)');
    expect(['a', 'a/b'].map(modeOf)).toEqual(['750', '750']);
    expect(['', '-wal', '-shm'].map(suffix => modeOf(`a/b/lars.db${suffix}`))).toEqual(['640', '640', '640']);
  });

  test('keeps its mode when it was there before', async () => {
    mkdirSync(path.join(folder, 'data'), { mode: 0o755 });
    writeFileSync(path.join(folder, 'data/lars.db'), '', { mode: 0o644 });
    (await open('data/lars.db')).close();
    expect([modeOf('data'), modeOf('data/lars.db')]).toEqual(['755', '644']);
  });
});

test.each(['MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED'])(
  'a package without a binary for this machine (%s): one line says what to do',
  code => {
    const cause = Object.assign(new Error("Cannot find module 'x.node'\nRequire stack:\n- /somewhere"), { code });
    const { message } = openError({ file: 'lars.db', confKey: '[database] file' }, cause, 0);
    expect(message).toMatch(
      /^database lars\.db \(\[database\] file\) cannot be opened: .*has no binary that runs here \(.+\); run npm ci .*: Cannot find module 'x\.node'$/,
    );
  },
);

/** SQLite's numbers for PRAGMA synchronous. */
const SYNCHRONOUS = { normal: 1, full: 2 } as const;

test.each(['full', 'normal'] as const)('a file that is opened waits for the disk as it should: %s', async durability => {
  const database = await open('new/x.db', { durability });
  const pragma = (name: string) => database.connection.pragma(name, { simple: true });
  expect([pragma('synchronous'), pragma('journal_mode')]).toEqual([SYNCHRONOUS[durability], 'wal']);
  database.close();
});

describe('a file that another process has locked', () => {
  beforeEach(() => {
    const holder = new Database(path.join(folder, 'lars.db'));
    holder.exec('CREATE TABLE Other (id); BEGIN EXCLUSIVE');
    return () => holder.close();
  });

  test('is waited for, while the thread does other work', async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    onTestFinished(() => clearInterval(timer));
    const locked = /lars.db \(\[database\] file\) cannot be opened: another process has locked it \(waited 0.2 s\)/;
    await expect(open('lars.db', { giveUpMs: 200 })).rejects.toThrow(locked);
    expect(turns).toBeGreaterThan(2);
  });

  test('is not waited for by who is to stop', async () => {
    let asked = 0;
    const isStopped = () => ++asked > 3;
    await expect(open('lars.db', { giveUpMs: 60_000, isStopped })).rejects.toThrow(
      'stopped while another process had locked database',
    );
  });
});
