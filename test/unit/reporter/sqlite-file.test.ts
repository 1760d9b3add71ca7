/** The database file is deleted, replaced or moved while the store has it open. */
import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openSqliteStatusStore } from '../../../reporter/src/store/sqlite-status-store.ts';
import type { StatusStore } from '../../../reporter/src/store/status-store.ts';
import { NOW_SEC } from './report-samples.ts';
import { batch, historyRow } from './status-store-contract.ts';
import { temporaryFile } from './temporary-file.ts';

let file: string;
let store: StatusStore;
beforeEach(async () => {
  file = temporaryFile('lars.db');
  store = await openSqliteStatusStore({ file, confKey: '[database] file' });
  onTestFinished(() => store.close());
});

const FIVE = batch({ history: [historyRow({ succ: 5 })] });
const TWO = batch({ history: [historyRow({ succ: 2 })] });

/** As another program reads it. */
function storedCalls(at = file): number {
  const sql = new Database(at, { fileMustExist: true });
  try {
    expect(sql.pragma('integrity_check', { simple: true })).toBe('ok');
    return (sql.prepare('SELECT sum(succ) FROM CallHistory').pluck().get() as number | null) ?? 0;
  } finally {
    sql.close();
  }
}

describe('the next batch is refused once, then it stands in the file of that name', () => {
  test('when the file was deleted', async () => {
    await store.write(FIVE, NOW_SEC);
    rmSync(file);
    await expect(store.write(TWO, NOW_SEC)).rejects.toThrow(`database ${file} ([database] file) was deleted while it was open`);
    await store.write(TWO, NOW_SEC);
    expect(storedCalls()).toBe(2);
  });

  test('when its folder was deleted', async () => {
    await store.write(FIVE, NOW_SEC);
    rmSync(path.dirname(file), { recursive: true });
    await expect(store.write(TWO, NOW_SEC)).rejects.toThrow('was deleted');
    await store.write(TWO, NOW_SEC);
    expect(storedCalls()).toBe(2);
  });

  test('when a backup was put in its place, with nothing of the old file mixed into it', async () => {
    await store.write(FIVE, NOW_SEC);
    const backup = `${file}.backup`;
    const sql = new Database(file);
    await sql.backup(backup);
    sql.close();
    await store.write(FIVE, NOW_SEC);
    renameSync(backup, file);
    await expect(store.write(TWO, NOW_SEC)).rejects.toThrow('was replaced by another file');
    await store.write(TWO, NOW_SEC);
    expect(storedCalls()).toBe(7);
  });

  test('when it was moved away: what was stored is whole there', async () => {
    await store.write(FIVE, NOW_SEC);
    const away = `${file}.away`;
    renameSync(file, away);
    await expect(store.check()).rejects.toThrow('was deleted');
    await store.check();
    await store.write(TWO, NOW_SEC);
    expect(storedCalls()).toBe(2);
    expect(storedCalls(away)).toBe(5);
  });
});

test('a file that was away and is back is used on, and nothing counts twice', async () => {
  await store.write(FIVE, NOW_SEC);
  renameSync(file, `${file}.away`);
  await expect(store.write(TWO, NOW_SEC)).rejects.toThrow('was deleted');
  renameSync(`${file}.away`, file);
  await store.write(TWO, NOW_SEC);
  expect(storedCalls()).toBe(7);
});

test('what stands there now is no database: nothing is stored until it is one again', async () => {
  rmSync(file);
  writeFileSync(file, 'something else'.repeat(1_000));
  for (let i = 0; i < 3; i++) await expect(store.write(TWO, NOW_SEC)).rejects.toThrow(`database ${file}`);
  rmSync(file);
  await store.write(TWO, NOW_SEC);
  expect(storedCalls()).toBe(2);
});

test('another program that writes to the file, or copies it, changes nothing', async () => {
  await store.write(FIVE, NOW_SEC);
  cpSync(file, `${file}.copy`);
  expect(storedCalls()).toBe(5);
  await store.check();
  await store.write(TWO, NOW_SEC);
  expect(storedCalls()).toBe(7);
  expect(existsSync(`${file}.copy`)).toBe(true);
});

test('what stands there now is locked: other work goes on meanwhile, and it is used when it is free', async () => {
  const other = new Database(`${file}.other`);
  other.exec('CREATE TABLE Other (id); BEGIN EXCLUSIVE');
  onTestFinished(() => void other.close());
  renameSync(`${file}.other`, file);
  await expect(store.check()).rejects.toThrow('was replaced by another file');
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  onTestFinished(() => clearInterval(timer));
  await expect(store.write(TWO, NOW_SEC)).rejects.toThrow('another process has locked it');
  expect(turns).toBeGreaterThan(2);
  other.exec('COMMIT');
  await Promise.all([store.write(TWO, NOW_SEC), store.check(), store.lastSeqs(['a'])]);
  expect(storedCalls()).toBe(2);
});
