import { openSqlite } from '@lars/runtime/sql/sqlite';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';
import { SqliteRouteStore } from '../../../../dnsserver/src/store/sqlite-route-store.ts';
import { transact } from '../../../../dnsserver/src/store/transaction.ts';
import { insert, openSql, tempFile, world } from '../route-world.ts';

const LARGEST = '9223372036854775807';

test.each([
  ['a row of RouteData', `INSERT INTO RouteData (id, modid, cmdid, serverip, serverport) VALUES (${LARGEST}, 7, 7, 7, 7)`],
  [
    'two rows of it',
    `INSERT INTO RouteData (id, modid, cmdid, serverip, serverport) VALUES (${LARGEST}, 7, 7, 7, 7), (9007199254740993, 7, 7, 8, 7)`,
  ],
  [
    'one that has gone again',
    `INSERT INTO RouteData (id, modid, cmdid, serverip, serverport) VALUES (${LARGEST}, 7, 7, 7, 7); DELETE FROM RouteData WHERE modid = 7`,
  ],
  ['a row of RouteChange', `INSERT INTO RouteChange (id, modid, cmdid, version) VALUES (${LARGEST}, 7, 7, 7)`],
  ['a row of RouteEdit', `INSERT INTO RouteEdit (id, modid, cmdid) VALUES (${LARGEST}, 7, 7)`],
])('the largest id of all in %s stops no later change, and what was mended is told', async (_, statement) => {
  const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
  w.sql.exec(statement);
  const told: string[] = [];
  const store = new SqliteRouteStore({ file: w.file, busyWaitMs: 100, onNotice: text => told.push(text) });
  onTestFinished(() => store.close());
  await store.change(0, async () => undefined);
  expect(told).toEqual([expect.stringMatching(/^database \/.*lars.db: table \w+ had ids beyond 9007199254740991/)]);
  await w.editor.add(2, 2, [{ host: '10.0.0.2:80' }]);
  await w.editor.remove(7, 7);
  insert(w, 3, 3, 80);
  await w.poll();
  expect([...w.client.keys()].sort()).toEqual(['1/1', '2/2', '3/3']);
  expect(w.sql.prepare('SELECT max(id) FROM RouteData').pluck().get()).toBeLessThan(10);
  expect(told).toHaveLength(1);
  await store.change(0, async () => undefined);
  expect(told).toHaveLength(1);
});

test('a row with the largest id that counts exactly keeps it, and one beyond gets an id below', async () => {
  const w = await world();
  w.sql.exec(
    'INSERT INTO RouteData (id, modid, cmdid, serverip, serverport) VALUES (9007199254740991, 7, 7, 7, 7), (9007199254740993, 7, 7, 8, 7)',
  );
  const store = new SqliteRouteStore({ file: w.file, busyWaitMs: 100, onNotice: () => undefined });
  onTestFinished(() => store.close());
  await store.change(0, async () => undefined);
  expect(w.sql.prepare('SELECT id FROM RouteData ORDER BY id').pluck().all()).toEqual([1, Number.MAX_SAFE_INTEGER]);
});

test('the error that is told is the first one, not that of a rollback which SQLite has done already', async () => {
  const file = tempFile();
  const database = await openSqlite<never>({ file, confKey: '[database] file', durability: 'normal' });
  onTestFinished(() => database.close());
  database.connection.exec('CREATE TABLE Large (x); PRAGMA max_page_count = 10');
  const filling = transact(database, async db => {
    await sql`INSERT INTO Large WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT randomblob(500) FROM n`.execute(
      db,
    );
  });
  await expect(filling).rejects.toThrow('database or disk is full');
  const ended = transact(database, async db => {
    await sql`ROLLBACK`.execute(db);
    throw new Error('the first one');
  });
  await expect(ended).rejects.toThrow('the first one');
  expect(await transact(database, async () => 'well')).toBe('well');
});

test('a trigger that has rolled back is told with its reason', async () => {
  const file = tempFile();
  const editor = await openRouteEditor({ file });
  onTestFinished(() => editor.close());
  openSql(file).exec("CREATE TRIGGER Refuse BEFORE INSERT ON RouteData BEGIN SELECT RAISE(ROLLBACK, 'not today'); END");
  await expect(editor.add(1, 1, [{ host: '10.0.0.1:80' }])).rejects.toThrow('not today');
});
