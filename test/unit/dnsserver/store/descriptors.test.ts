/** No fault of a database file may cost a descriptor: dnsserver meets it five times a second. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';
import { SqliteRouteStore } from '../../../../dnsserver/src/store/sqlite-route-store.ts';
import { openSqliteStatusStore } from '../../../../reporter/src/store/sqlite-status-store.ts';
import { openSql, tempFile } from '../route-world.ts';

const TIMES = 10;

const descriptors = () => readdirSync('/proc/self/fd').length;

const FAULTS: readonly [string, (file: string) => void][] = [
  ['is no database', file => writeFileSync(file, 'This is no database. '.repeat(500))],
  ['is a folder', file => mkdirSync(file)],
  ['is locked', file => void openSql(file).exec('CREATE TABLE Other (id); BEGIN EXCLUSIVE')],
  ['has other tables of our names', file => void openSql(file).exec('CREATE TABLE RouteData (id); CREATE TABLE AgentReport (x)')],
];

test.each(FAULTS)('opening a file that %s', async (_, spoil) => {
  const file = tempFile();
  spoil(file);
  const before = descriptors();
  for (let time = 0; time < TIMES; time++) {
    const store = new SqliteRouteStore({ file, busyWaitMs: 1 });
    await expect(store.ensureSchema()).rejects.toThrow();
    await store.close();
    if (spoil !== FAULTS[2]?.[1]) {
      await expect(openRouteEditor({ file })).rejects.toThrow();
      await expect(openSqliteStatusStore({ file, confKey: '[database] file' })).rejects.toThrow();
    }
  }
  expect(descriptors()).toBeLessThan(before + TIMES / 2);
});

test.each(FAULTS)('looking at an open file in whose place there is one that %s', async (_, spoil) => {
  const file = tempFile();
  const store = new SqliteRouteStore({ file, busyWaitMs: 1 });
  await store.ensureSchema();
  const other = path.join(path.dirname(file), 'other.db');
  spoil(other);
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  const before = descriptors();
  renameSync(other, file);
  for (let time = 0; time < TIMES; time++) {
    await store.changeToken().catch(() => undefined);
    await store.ensureSchema().catch(() => undefined);
    await store.read(reader => reader.revision()).catch(() => undefined);
    await store.change(0, async () => Promise.reject(new Error('no'))).catch(() => undefined);
    await store.pruneEdits(1).catch(() => undefined);
  }
  expect(descriptors()).toBeLessThan(before + TIMES / 2);
  await store.close();
});
