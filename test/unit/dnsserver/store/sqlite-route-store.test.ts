import { closeSync, existsSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';
import { BEFORE_FIRST_ID, type RouteStore, RouteStoreError } from '../../../../dnsserver/src/store/route-store.ts';
import { SqliteRouteStore } from '../../../../dnsserver/src/store/sqlite-route-store.ts';
import { INSERT_ROW, openSql, tempFile } from '../route-world.ts';

async function openStore(file = tempFile(), busyWaitMs = 50) {
  const store = new SqliteRouteStore({ file, busyWaitMs });
  onTestFinished(() => store.close());
  await store.ensureSchema();
  return { store, file, sql: openSql(file) };
}

const raise = (store: RouteStore, floor = 0) => store.change(floor, async (_, revision) => revision);
const revisionOf = (store: RouteStore) => store.read(reader => reader.revision());

describe('a change raises the revision', () => {
  test('by one, and every reader sees it', async () => {
    const { store, file } = await openStore();
    const { store: other } = await openStore(file);
    expect(await raise(store)).toBe(1);
    expect(await raise(other)).toBe(2);
    expect([await revisionOf(store), await revisionOf(other)]).toEqual([2, 2]);
  });

  test.each([
    ['unix seconds', 'UPDATE RouteVersion SET version = 1700000000', 0, 1_700_000_001],
    ['a revision below what was given out', 'UPDATE RouteVersion SET version = 7', 20, 21],
    ['a revision just at what was given out', 'UPDATE RouteVersion SET version = 20', 20, 21],
    ['no row', 'DELETE FROM RouteVersion', 5, 6],
    ['two rows', 'INSERT INTO RouteVersion VALUES (2, 9)', 0, 10],
    ['words', "UPDATE RouteVersion SET version = 'new'", 3, 4],
    ['a fraction', 'UPDATE RouteVersion SET version = 2.5', 3, 4],
    ['a negative number', 'UPDATE RouteVersion SET version = -5', 0, 1],
    ['a number that JavaScript cannot count on', 'UPDATE RouteVersion SET version = 9007199254740993', 8, 9],
    ['the largest of all', 'UPDATE RouteVersion SET version = 9223372036854775807', 8, 9],
  ])('and mends it where RouteVersion holds %s', async (_, statement, floor, revision) => {
    const { store, sql } = await openStore();
    sql.exec(statement);
    expect(await raise(store, floor)).toBe(revision);
    expect(await revisionOf(store)).toBe(revision);
    expect(await raise(store)).toBe(revision + 1);
  });

  test('and does not when it fails; nothing of it is left', async () => {
    const { store } = await openStore();
    const failing = store.change(0, async writer => {
      await writer.insertRows([{ modid: 1, cmdid: 1, serverip: 5, serverport: 5, weight: 0, addr: '', zone: '', drain: 0 }]);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await revisionOf(store)).toBe(0);
    expect(await store.read(reader => reader.rowsAfter(BEFORE_FIRST_ID, 10))).toEqual([]);
    expect(await raise(store)).toBe(1);
  });
});

describe('what the database refuses', () => {
  test('because another one writes is BUSY, after a while; reading goes on', async () => {
    const { store, sql } = await openStore();
    sql.exec('BEGIN IMMEDIATE');
    await expect(raise(store)).rejects.toMatchObject({ name: 'RouteStoreError', code: 'BUSY' });
    expect(await revisionOf(store)).toBe(0);
    sql.exec('COMMIT');
    expect(await raise(store)).toBe(1);
  });

  test('is tried again while the other one, in the same process, finishes', async () => {
    const { store, file } = await openStore(tempFile(), 10_000);
    const { store: other } = await openStore(file, 10_000);
    const written = Promise.withResolvers<void>();
    const first = store.change(0, async (_, revision) => {
      await written.promise;
      return revision;
    });
    const second = raise(other);
    setImmediate(written.resolve);
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  test('because it is read-only is READ_ONLY; it can be read', async () => {
    const file = tempFile();
    const editor = await openRouteEditor({ file });
    await editor.add(1, 2, [{ host: '10.0.0.1:80' }]);
    await editor.close();
    makeReadOnly(file);
    const { store } = await openStore(file);
    await expect(raise(store)).rejects.toMatchObject({ name: 'RouteStoreError', code: 'READ_ONLY' });
    expect(await revisionOf(store)).toBe(1);
  });

  test('for another reason is FAILED, with the cause', async () => {
    const { store, sql } = await openStore();
    sql.exec('DROP TABLE RouteVersion');
    const error = await raise(store).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RouteStoreError);
    expect(error).toMatchObject({ code: 'FAILED', message: 'no such table: RouteVersion', cause: { code: 'SQLITE_ERROR' } });
  });
});

/** Byte 18 of an SQLite file is the version that a writer must know; none knows 9. Works for root too, whom permissions do not stop. */
function makeReadOnly(file: string): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, Uint8Array.of(9), 0, 1, 18);
  closeSync(handle);
}

describe('what is read', () => {
  const rows = (store: RouteStore, after = BEFORE_FIRST_ID, limit = 100) =>
    store.read(async reader => (await reader.rowsAfter(after, limit)).map(row => row.id));

  test('comes in the order of the ids, from after one of them, negative ones too', async () => {
    const { store, sql } = await openStore();
    for (const id of [5, -3, 9, 1])
      sql.prepare('INSERT INTO RouteData (id, modid, cmdid, serverip, serverport) VALUES (?, 1, 1, ?, 1)').run(id, id + 10);
    expect(await rows(store)).toEqual([-3, 1, 5, 9]);
    expect(await rows(store, BEFORE_FIRST_ID, 2)).toEqual([-3, 1]);
    expect(await rows(store, 1, 2)).toEqual([5, 9]);
  });

  test("are a module's rows, also where its ids are stored unsigned", async () => {
    const { store, sql } = await openStore();
    const insert = sql.prepare(INSERT_ROW);
    insert.run(-1, -2, 1, 1);
    insert.run(4294967295, 4294967294, 2, 2);
    insert.run(1, -2, 3, 3);
    insert.run(1, 2, 4, 4);
    const modules = [
      { modid: -1, cmdid: -2 },
      { modid: 1, cmdid: 2 },
    ];
    const found = await store.read(reader => reader.rowsOf(modules));
    expect(found.map(row => row.serverport)).toEqual([1, 2, 4]);
    expect(await store.read(reader => reader.rowsOf([]))).toEqual([]);
  });

  test('is of one moment, whoever writes meanwhile', async () => {
    const { store, sql } = await openStore();
    const [before, after] = await store.read(async reader => {
      const before = await reader.revision();
      sql.exec('UPDATE RouteVersion SET version = 9');
      return [before, await reader.revision()];
    });
    expect([before, after]).toEqual([0, 0]);
    expect(await revisionOf(store)).toBe(9);
  });
});

describe('the change token', () => {
  test('moves when others commit, not when nothing happens or we write ourselves', async () => {
    const { store, sql } = await openStore();
    const marks = [await store.changeToken(), await store.changeToken()];
    await raise(store);
    marks.push(await store.changeToken());
    sql.exec('UPDATE RouteVersion SET version = version + 1');
    marks.push(await store.changeToken());
    expect(new Set(marks.slice(0, 3).map(token => token.data)).size).toBe(1);
    expect(marks[3]?.data).not.toBe(marks[2]?.data);
    expect(new Set(marks.map(token => token.schema)).size).toBe(1);
  });

  test('moves its schema part when a trigger goes', async () => {
    const { store, sql } = await openStore();
    const before = await store.changeToken();
    sql.exec('DROP TRIGGER RouteEditInsert');
    expect((await store.changeToken()).schema).not.toBe(before.schema);
  });

  test('moves in both parts when another file takes the place; without a file there is an error and no new file', async () => {
    const { store, file } = await openStore();
    const otherFile = tempFile();
    const editor = await openRouteEditor({ file: otherFile });
    await editor.add(8, 8, [{ host: '10.0.0.8:8' }]);
    await editor.close();
    const before = await store.changeToken();
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    await expect(store.changeToken()).rejects.toThrow(`database ${file} was deleted; waiting for a file of that name`);
    expect(existsSync(file)).toBe(false);
    renameSync(otherFile, file);
    const after = await store.changeToken();
    expect(after.data).not.toBe(before.data);
    expect(after.schema).not.toBe(before.schema);
    expect(await store.read(reader => reader.rowsAfter(BEFORE_FIRST_ID, 9))).toMatchObject([{ modid: 8 }]);
  });

  test('a backup that is moved into the place is read as it is: what the old file had in its log stays out of it', async () => {
    const { store, file, sql } = await openStore();
    await sql.backup(`${file}.backup`);
    sql.close();
    await raise(store);
    await store.change(0, writer =>
      writer.insertRows([{ modid: 1, cmdid: 1, serverip: 5, serverport: 5, weight: 0, addr: '', zone: '', drain: 0 }]),
    );
    renameSync(`${file}.backup`, file);
    await store.changeToken();
    expect(await store.read(reader => reader.rowsAfter(BEFORE_FIRST_ID, 9))).toEqual([]);
    expect(openSql(file).pragma('integrity_check', { simple: true })).toBe('ok');
  });
});

test('pruning leaves the last edits, a few thousand at a time', async () => {
  const { store, sql } = await openStore();
  sql.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
    INSERT INTO RouteEdit (modid, cmdid) SELECT i, 1 FROM n`);
  const left = () => sql.prepare('SELECT min(id), max(id), count(*) FROM RouteEdit').raw().get();
  expect(await store.pruneEdits(20_000)).toBe(false);
  expect(left()).toEqual([1, 12000, 12000]);
  expect(await store.pruneEdits(100)).toBe(true);
  expect(left()).toEqual([5001, 12000, 7000]);
  expect(await store.pruneEdits(100)).toBe(true);
  expect(await store.pruneEdits(100)).toBe(true);
  expect(await store.pruneEdits(100)).toBe(false);
  expect(left()).toEqual([11901, 12000, 100]);
});
