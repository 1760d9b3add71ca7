import { describe, expect, test } from 'vitest';
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';
import {
  adding,
  announcements,
  freshContents,
  INSERT_ROW,
  insert,
  knownContents,
  openSql,
  serverip,
  tempFile,
  versionOf,
  watch,
  world,
} from '../route-world.ts';

describe('at the start', () => {
  test('all routes are read, at a revision of their own', async () => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }, { host: '10.0.0.2:80' }]) });
    expect(knownContents(w.watcher)).toEqual(await freshContents(w.store));
    expect(w.version(1, 1)).toBe(2);
    expect(versionOf(w)).toBe(2);
    expect(w.diffs).toEqual([]);
    expect(w.watcher.status).toEqual({ revision: 2, kept: undefined, outage: undefined, local: false });
  });

  test('an empty table is applied: no route is known yet', async () => {
    const w = await world();
    expect(w.watcher.status.kept).toBeUndefined();
    expect(w.watcher.routes.moduleCount).toBe(0);
  });

  test('edits made by hand while nobody looked come under a version that no earlier run gave out', async () => {
    const file = tempFile();
    const editor = await openRouteEditor({ file });
    await editor.add(1, 1, [{ host: '10.0.0.1:80' }]);
    const first = await watch(file);
    const given = first.client.get('1/1')?.version ?? 0;
    await first.close();
    openSql(file).exec('UPDATE RouteData SET serverport = 81');
    const second = await watch(file);
    expect(second.client.get('1/1')?.version).toBeGreaterThan(given);
    await second.close();
    await editor.close();
  });

  test('a database that was put back as it was gives out no version that it gave out since', async () => {
    const file = tempFile();
    const editor = await openRouteEditor({ file });
    await editor.add(1, 1, [{ host: '10.0.0.1:80' }]);
    const first = await watch(file, { unixMs: 1_700_000_000_000 });
    const backup = openSql(file).prepare('SELECT version FROM RouteVersion').pluck().get();
    await editor.add(1, 1, [{ host: '10.9.9.9:80' }]);
    await first.watcher.poll();
    const given = first.version(1, 1) ?? 0;
    await first.close();
    openSql(file).exec(`DELETE FROM RouteData WHERE serverport = 80 AND rowid > 1; UPDATE RouteVersion SET version = ${backup}`);
    const second = await watch(file, { unixMs: 1_700_000_060_000 });
    expect(second.version(1, 1)).toBeGreaterThan(given);
    await second.close();
    await editor.close();
  });

  test('rows without sense are named, counted and left out', async () => {
    const w = await world({
      prepare: async (editor, sql) => {
        await editor.add(1, 1, [{ host: '10.0.0.1:80' }]);
        sql.prepare(INSERT_ROW).run(1, 1, serverip('10.0.0.1'), 0);
        sql.prepare(INSERT_ROW).run(1, 1, 'ten', 80);
        sql.prepare(INSERT_ROW).run('one', 1, serverip('10.0.0.1'), 80);
      },
    });
    expect(knownContents(w.watcher)).toMatchObject({ '1/1': [expect.stringContaining('10.0.0.1:80')] });
    expect(w.counters.get('rowsSkipped')).toBe(3);
    expect(w.log.records.find(record => record.level === 'warn')?.fields).toEqual({
      skippedRows: 3,
      rows: [
        { id: 2, reason: 'serverport 0 is not in 1..65535' },
        { id: 3, reason: "serverip 'ten' is not an unsigned 32-bit number" },
        { id: 4, reason: "modid 'one' is not an int32" },
      ],
    });
  });
});

describe('a change through the editor', () => {
  test('is published once, with the revision that the database gave it, and nothing is read that did not change', async () => {
    const w = await world({ prepare: editor => editor.add(9, 9, [{ host: '10.0.0.9:9' }]) });
    const { revision } = await w.editor.add(1, 1, [{ host: '10.0.0.1:80' }]);
    expect(await w.poll()).toEqual(['1/1: 10.0.0.1:80']);
    expect(w.version(1, 1)).toBe(revision);
    expect(w.watcher.status.revision).toBe(revision);
    expect(await w.poll()).toEqual([]);
    expect(w.counters.get('reloads')).toBe(0);
    expect(w.counters.get('versionedEdits')).toBe(0);
    expect(versionOf(w)).toBe(revision);
  });

  test('of several modules is published together; a removal says that there are no hosts', async () => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
    await w.editor.import(
      [
        { modid: 2, cmdid: 2, host: '10.0.0.2:80' },
        { modid: -3, cmdid: 3, host: '[2001:db8::1]:80' },
      ],
      'replace',
    );
    expect((await w.poll()).sort()).toEqual(['-3/3: [2001:db8::1]:80', '1/1: gone', '2/2: 10.0.0.2:80']);
    expect(w.diffs).toHaveLength(1);
    expect(w.counters.get('changedModules')).toBe(3);
  });

  test('two between two looks are one, in its last state, with the last revision', async () => {
    const w = await world();
    await w.editor.add(1, 1, [{ host: '10.0.0.1:80' }]);
    const { revision } = await w.editor.add(1, 1, [{ host: '10.0.0.2:80' }]);
    expect(await w.poll()).toEqual(['1/1: 10.0.0.1:80 10.0.0.2:80']);
    expect(w.version(1, 1)).toBe(revision);
  });

  test('and another one right behind it are both published', async () => {
    const w = await world();
    expect(await adding(w, 1, 1)).toEqual(['1/1: 10.0.0.1:1']);
    const first = w.version(1, 1) ?? 0;
    expect(await adding(w, 1, 2)).toEqual(['1/1: 10.0.0.1:1 10.0.0.1:2']);
    expect(w.version(1, 1)).toBe(first + 1);
  });

  test('of a weight, a zone or a drain mark alone is a change', async () => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
    await w.editor.add(1, 1, [{ host: '10.0.0.1:80', weight: 7 }]);
    expect(await w.poll()).toHaveLength(1);
    await w.editor.add(1, 1, [{ host: '10.0.0.1:80', zone: 'eu' }]);
    expect(await w.poll()).toHaveLength(1);
    expect(w.diffs.at(-1)?.[0]?.hosts).toMatchObject([{ weight: 7, zone: 'eu', drain: false }]);
    await w.editor.setDrain(1, 1, ['10.0.0.1:80'], true);
    expect(await w.poll()).toHaveLength(1);
    expect(w.diffs.at(-1)?.[0]?.hosts).toMatchObject([{ weight: 7, zone: 'eu', drain: true }]);
  });
});

describe('an edit by hand, which touches neither RouteVersion nor RouteChange', () => {
  test('is noticed, given a revision and announced to every other reader', async () => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
    const other = await watch(w.file);
    insert(w, 1, 1, 81);
    insert(w, 7, 7, 70);
    expect((await w.poll()).sort()).toEqual(['1/1: 10.0.0.1:80 10.0.0.1:81', '7/7: 10.0.0.1:70']);
    const revision = versionOf(w) as number;
    expect([w.version(1, 1), w.version(7, 7)]).toEqual([revision, revision]);
    expect(announcements(w).slice(-2)).toEqual([`1/1 ${revision}`, `7/7 ${revision}`]);
    await other.watcher.poll();
    expect(other.client.get('1/1')?.version).toBe(revision);
    expect(other.counters.get('versionedEdits')).toBe(0);
    expect(w.counters.get('versionedEdits')).toBe(2);
    expect(versionOf(w)).toBe(revision);
    await other.close();
  });

  test('is published once, not again when our own announcement is read', async () => {
    const w = await world();
    insert(w, 1, 1, 80);
    expect(await w.poll()).toHaveLength(1);
    w.sql.exec('UPDATE RouteVersion SET version = version + 1');
    expect(await w.poll()).toEqual([]);
    expect(announcements(w)).toHaveLength(1);
  });

  test.each([
    ['moving rows to another module', 'UPDATE RouteData SET modid = 5', ['1/1: gone', '5/1: 10.0.0.1:80 10.0.0.2:80']],
    [
      'replacing a row by its id',
      "REPLACE INTO RouteData VALUES (1, 6, 6, 5, 5, 0, '', '', 0)",
      ['1/1: 10.0.0.2:80', '6/6: 0.0.0.5:5'],
    ],
    ['an unsigned module id', 'UPDATE RouteData SET modid = 4294967295 WHERE id = 1', ['-1/1: 10.0.0.1:80', '1/1: 10.0.0.2:80']],
    ['breaking a row', 'UPDATE RouteData SET serverport = 0 WHERE id = 1', ['1/1: 10.0.0.2:80']],
    ['changing nothing', 'UPDATE RouteData SET serverport = serverport', []],
    ['changing the order alone', 'UPDATE RouteData SET id = 50 WHERE id = 1', []],
    [
      'deleting and inserting the same',
      'CREATE TEMP TABLE t AS SELECT * FROM RouteData; DELETE FROM RouteData; INSERT INTO RouteData SELECT * FROM t',
      [],
    ],
    [
      'adding a host that is there already',
      'DROP INDEX RouteDataHost; INSERT INTO RouteData SELECT 9, modid, cmdid, serverip, serverport, 5, addr, zone, drain FROM RouteData WHERE id = 1',
      [],
    ],
  ])('can be %s', async (_, statement, published) => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }, { host: '10.0.0.2:80' }]) });
    w.sql.exec(statement);
    expect((await w.poll()).sort()).toEqual(published);
    expect(knownContents(w.watcher)).toEqual(await freshContents(w.store));
  });

  test('that another dnsserver adopted a moment before us is not adopted twice', async () => {
    const w = await world();
    const other = await watch(w.file);
    insert(w, 1, 1, 80);
    // Both have read the edit before either announces it.
    await Promise.all([w.watcher.poll(), other.watcher.poll()]);
    expect(w.version(1, 1)).toBe(other.version(1, 1));
    expect(knownContents(other.watcher)).toEqual(knownContents(w.watcher));
    expect(announcements(w)).toHaveLength(1);
    expect(w.counters.get('versionedEdits') + other.counters.get('versionedEdits')).toBe(1);
    await other.close();
  });
});

describe('stopping', () => {
  test('gives up what is being read, and later looks do nothing', async () => {
    const w = await world();
    w.sql.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
      INSERT INTO RouteData (modid, cmdid, serverip, serverport) SELECT i, 1, 5, 5 FROM n`);
    const look = w.watcher.poll();
    await w.watcher.stop();
    await look;
    expect(w.diffs).toEqual([]);
    expect(await w.poll()).toEqual([]);
    expect(w.watcher.status.outage).toBeUndefined();
  });
});
