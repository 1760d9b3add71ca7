import { renameSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';
import { adding, announcements, freshContents, insert, knownContents, tempFile, versionOf, world } from '../route-world.ts';

describe('the journals', () => {
  test('may lose rows of RouteChange: the deployed dnsserver deletes what it has read', async () => {
    const w = await world();
    await adding(w, 1, 1);
    await adding(w, 1, 2);
    w.sql.exec('DELETE FROM RouteChange');
    await w.editor.add(2, 1, [{ host: '10.0.0.1:3' }]);
    expect(await w.poll()).toEqual(['2/1: 10.0.0.1:3']);
    await w.editor.add(3, 1, [{ host: '10.0.0.1:4' }]);
    w.sql.exec('DELETE FROM RouteChange');
    expect(await w.poll()).toEqual(['3/1: 10.0.0.1:4']);
    expect(knownContents(w.watcher)).toEqual(await freshContents(w.store));
  });

  test('may begin again in RouteChange: its ids are not ours alone', async () => {
    const w = await world();
    for (const port of [1, 2, 3]) await adding(w, 1, port);
    w.sql.exec("DELETE FROM RouteChange; DELETE FROM sqlite_sequence WHERE name = 'RouteChange'");
    expect(await adding(w, 2, 9)).toEqual(['2/1: 10.0.0.1:9']);
    await adding(w, 2, 10);
    expect(w.version(2, 1)).toBe(versionOf(w));
    expect(w.counters.get('versionedEdits')).toBeLessThanOrEqual(1);
  });

  test.each([
    ['gone', "DELETE FROM RouteEdit; DELETE FROM sqlite_sequence WHERE name = 'RouteEdit'"],
    ['cut off before what we have read', 'DELETE FROM RouteEdit WHERE id < (SELECT max(id) FROM RouteEdit)'],
  ])('that are %s make it read the whole table', async (_, statement) => {
    const w = await world();
    for (const port of [1, 2, 3]) await adding(w, 1, port);
    for (const modid of [4, 5, 6]) insert(w, modid, 1, 9);
    w.sql.exec(statement);
    expect((await w.poll()).sort()).toEqual(['4/1: 10.0.0.1:9', '5/1: 10.0.0.1:9', '6/1: 10.0.0.1:9']);
    expect(w.counters.get('reloads')).toBeGreaterThan(0);
    expect(knownContents(w.watcher)).toEqual(await freshContents(w.store));
    expect(await adding(w, 7, 1)).toEqual(['7/1: 10.0.0.1:1']);
  });

  test('name more modules than are read one by one', async () => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
    w.sql.exec(`WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
      INSERT INTO RouteData (modid, cmdid, serverip, serverport) SELECT i, 1, 5, 5 FROM n`);
    expect(await w.poll()).toHaveLength(11_999);
    expect(w.counters.get('reloads')).toBe(1);
    expect(w.client.size).toBe(12_000);
    expect(announcements(w)).toHaveLength(12_000);
  });

  test('are shortened a little at a look, down to the last hundred thousand edits', async () => {
    const w = await world();
    w.sql.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 108000)
      INSERT INTO RouteEdit (modid, cmdid) SELECT 1, 1 FROM n`);
    const count = () => w.sql.prepare('SELECT count(*) FROM RouteEdit').pluck().get();
    const counts: unknown[] = [];
    for (let look = 0; look < 4; look += 1) {
      await w.poll();
      counts.push(count());
    }
    expect(counts).toEqual([103_000, 100_000, 100_000, 100_000]);
  });

  test('are read from the end when another database has come in the place of ours, and all routes anew', async () => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
    const otherFile = tempFile();
    const other = await openRouteEditor({ file: otherFile });
    await other.add(2, 2, [{ host: '10.0.0.2:80' }]);
    await other.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(w.file + suffix, { force: true });
    await w.watcher.poll();
    expect(w.watcher.status.outage).toContain('was deleted');
    expect(w.client.size).toBe(1);
    renameSync(otherFile, w.file);
    expect((await w.poll()).sort()).toEqual(['1/1: gone', '2/2: 10.0.0.2:80']);
    expect(w.watcher.status.outage).toBeUndefined();
    expect(w.version(2, 2)).toBeGreaterThan(2);
    expect(knownContents(w.watcher)).toEqual(await freshContents(w.store));
  });
});

describe('what somebody does to the tables themselves', () => {
  test('a trigger that was dropped comes back, and what it did not tell is found', async () => {
    const w = await world();
    w.sql.exec('DROP TRIGGER RouteEditInsert');
    insert(w, 1, 1, 80);
    expect(await w.poll()).toEqual(['1/1: 10.0.0.1:80']);
    insert(w, 1, 1, 81);
    expect(await w.poll()).toEqual(['1/1: 10.0.0.1:80 10.0.0.1:81']);
    expect(w.counters.get('reloads')).toBe(1);
  });

  test('a table of other columns is an outage until it is right again; what was held is served', async () => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
    w.sql.exec('ALTER TABLE RouteData RENAME COLUMN serverip TO ip');
    for (let look = 0; look < 3; look += 1) expect(await w.poll()).toEqual([]);
    expect(w.watcher.status.outage).toContain('table RouteData has no column serverip');
    expect(w.counters.get('dbErrors')).toBe(3);
    expect(w.log.events().filter(event => event.includes('does not answer'))).toHaveLength(1);
    expect(w.client.size).toBe(1);
    w.sql.exec('ALTER TABLE RouteData RENAME COLUMN ip TO serverip; UPDATE RouteData SET serverport = 81');
    expect(await w.poll()).toEqual(['1/1: 10.0.0.1:81']);
    expect(w.watcher.status.outage).toBeUndefined();
    expect(w.log.events().filter(event => event.includes('answers again'))).toHaveLength(1);
  });

  test('a lock that somebody holds delays an edit made by hand, and loses nothing', async () => {
    const w = await world();
    insert(w, 1, 1, 80);
    w.sql.exec('BEGIN IMMEDIATE');
    expect(await w.poll()).toEqual([]);
    expect(w.watcher.status.outage).toBe(`another process has locked database ${w.file}`);
    w.sql.exec('COMMIT');
    expect(await w.poll()).toEqual(['1/1: 10.0.0.1:80']);
  });
});
