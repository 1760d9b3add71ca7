import { rmSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';
import { announcements, insert, openSql, type World, world } from '../route-world.ts';

describe('a table that is suddenly empty', () => {
  const prepare = (editor: { add: World['editor']['add'] }) =>
    Promise.all([editor.add(1, 1, [{ host: '10.0.0.1:80' }]), editor.add(2, 2, [{ host: '10.0.0.2:80' }])]);
  const guardErrors = (w: World) => w.log.records.filter(record => record.level === 'error').map(record => record.event);

  test('by hand activates the empty guard: the old routes are served, an error says once what to do', async () => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    for (let look = 0; look < 3; look += 1) {
      expect(await w.poll()).toEqual([]);
      w.sql.exec('UPDATE RouteVersion SET version = version + 1');
    }
    expect(w.watcher.routes.moduleCount).toBe(2);
    expect(w.watcher.status.emptyGuardActive).toBe(true);
    expect(w.counters.get('emptyGuardActivations')).toBe(1);
    expect(guardErrors(w)).toHaveLength(1);
    expect(guardErrors(w)[0]).toMatch(/lars route clear --yes.*believe_empty = true/);
    expect(announcements(w)).toHaveLength(2);
  });

  test.each([
    ['lars route clear', async (w: World) => void (await w.editor.clear())],
    [
      'an announcement of every module that vanished, also one after the other',
      async (w: World) => {
        w.sql.exec('INSERT INTO RouteChange (modid, cmdid, version) VALUES (1, 1, 50)');
        expect(await w.poll()).toEqual([]);
        w.sql.exec('INSERT INTO RouteChange (modid, cmdid, version) VALUES (2, 2, 51)');
      },
    ],
  ])('is applied after %s', async (_, confirm) => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    await confirm(w);
    expect((await w.poll()).sort()).toEqual(['1/1: gone', '2/2: gone']);
    expect(w.client.size).toBe(0);
    expect(w.watcher.status.emptyGuardActive).toBe(false);
    expect(w.log.events()).toContain('RouteData is confirmed to be empty; updates resumed');
  });

  test('comes back with other rows: then these are served', async () => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    insert(w, 1, 1, 99);
    expect((await w.poll()).sort()).toEqual(['1/1: 10.0.0.1:99', '2/2: gone']);
    expect(w.watcher.status.emptyGuardActive).toBe(false);
    expect(w.log.events()).toContain('RouteData has rows again; updates resumed');
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    expect(w.watcher.status.emptyGuardActive).toBe(true);
    expect(w.counters.get('emptyGuardActivations')).toBe(2);
  });

  test('together with its journal comes back with other rows: then these alone are served', async () => {
    const w = await world({ prepare });
    w.sql.exec("DELETE FROM RouteData; DELETE FROM RouteEdit; DELETE FROM sqlite_sequence WHERE name = 'RouteEdit'");
    await w.poll();
    expect(w.watcher.status.emptyGuardActive).toBe(true);
    insert(w, 1, 1, 99);
    expect((await w.poll()).sort()).toEqual(['1/1: 10.0.0.1:99', '2/2: gone']);
  });

  test('is applied when the last routes were removed through us, one after the other or all at once', async () => {
    const w = await world({ prepare });
    await w.editor.remove(1, 1);
    expect(await w.poll()).toEqual(['1/1: gone']);
    await w.editor.remove(2, 2);
    expect(await w.poll()).toEqual(['2/2: gone']);
    await prepare(w.editor);
    await w.poll();
    await w.editor.clear();
    expect((await w.poll()).sort()).toEqual(['1/1: gone', '2/2: gone']);
    await prepare(w.editor);
    await w.poll();
    await w.editor.import([], 'replace');
    expect(await w.poll()).toHaveLength(2);
    expect(w.counters.get('emptyGuardActivations')).toBe(0);
  });

  test('is applied with believe_empty, and announced to the others', async () => {
    const w = await world({ prepare, acceptEmpty: true });
    w.sql.exec('DELETE FROM RouteData');
    expect(await w.poll()).toHaveLength(2);
    expect(announcements(w)).toHaveLength(4);
  });

  test('is empty too when no row makes sense any more', async () => {
    const w = await world({ prepare });
    w.sql.exec('UPDATE RouteData SET serverport = 0');
    expect(await w.poll()).toEqual([]);
    expect(w.watcher.status.emptyGuardActive).toBe(true);
  });

  test.each(['an empty database', 'a file without tables'])(
    'because %s stands in its place activates the guard; clear confirms there too',
    async what => {
      const w = await world({ prepare });
      for (const suffix of ['', '-wal', '-shm']) rmSync(w.file + suffix, { force: true });
      if (what === 'a file without tables') openSql(w.file).exec('CREATE TABLE Other (id)');
      const editor = await openRouteEditor({ file: w.file });
      onTestFinished(() => editor.close());
      expect(await w.poll()).toEqual([]);
      expect(w.watcher.status.emptyGuardActive).toBe(true);
      expect(w.client.size).toBe(2);
      await editor.clear();
      expect((await w.poll()).sort()).toEqual(['1/1: gone', '2/2: gone']);
    },
  );

  test('is not read again and again while it is held and nobody changes anything', async () => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    const reloads = w.counters.get('reloads');
    for (let look = 0; look < 3; look += 1) await w.poll();
    expect(w.counters.get('reloads')).toBe(reloads);
  });
});
