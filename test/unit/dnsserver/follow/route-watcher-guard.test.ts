import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';
import { keptFileOf } from '../../../../dnsserver/src/follow/kept-file.ts';
import { seenFileOf } from '../../../../dnsserver/src/follow/seen-file.ts';
import { announcements, freshContents, insert, knownContents, openSql, type World, watch, world } from '../route-world.ts';

describe('a table that is suddenly empty', () => {
  const prepare = (editor: { add: World['editor']['add'] }) =>
    Promise.all([editor.add(1, 1, [{ host: '10.0.0.1:80' }]), editor.add(2, 2, [{ host: '10.0.0.2:80' }])]);
  const guardErrors = (w: World) => w.log.records.filter(record => record.level === 'error').map(record => record.event);

  test('by hand activates the removal guard: the old routes are served, an error says once what to do', async () => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    for (let look = 0; look < 3; look += 1) {
      expect(await w.poll()).toEqual([]);
      w.sql.exec('UPDATE RouteVersion SET version = version + 1');
    }
    expect(w.watcher.routes.moduleCount).toBe(2);
    expect(w.watcher.status.kept).toBeDefined();
    expect(w.counters.get('emptyGuardActivations')).toBe(1);
    expect(guardErrors(w)).toHaveLength(1);
    expect(guardErrors(w)[0]).toMatch(/lars route restore.*lars route confirm/);
    expect(announcements(w)).toHaveLength(2);
  });

  test.each([
    ['lars route clear', (w: World) => w.editor.clear()],
    ['lars route confirm', (w: World) => w.editor.confirm()],
  ])('is applied after %s', async (_, confirm) => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    await confirm(w);
    expect((await w.poll()).sort()).toEqual(['1/1: gone', '2/2: gone']);
    expect(w.client.size).toBe(0);
    expect(w.watcher.status.kept).toBeUndefined();
    expect(w.log.events()).toContain('RouteData is confirmed; nothing is kept any more');
    expect(existsSync(keptFileOf(w.file))).toBe(false);
  });

  test('is applied module by module as they are announced', async () => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    w.sql.exec('INSERT INTO RouteChange (modid, cmdid, version) VALUES (1, 1, 50)');
    expect(await w.poll()).toEqual(['1/1: gone']);
    w.sql.exec('INSERT INTO RouteChange (modid, cmdid, version) VALUES (2, 2, 51)');
    expect(await w.poll()).toEqual(['2/2: gone']);
    expect(w.log.events()).toContain('RouteData is meant to be empty; nothing is kept any more');
  });

  test('gets a host by hand or by a command: it is served beside the kept ones, and all other modules stay', async () => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    insert(w, 1, 1, 99);
    expect(await w.poll()).toEqual(['1/1: 10.0.0.1:99 10.0.0.1:80']);
    await w.editor.add(3, 3, [{ host: '10.0.0.3:80' }]);
    expect(await w.poll()).toEqual(['3/3: 10.0.0.3:80']);
    expect(w.watcher.routes.moduleCount).toBe(3);
    expect(w.watcher.status.kept?.modules.size).toBe(2);
  });

  test('comes back by lars route restore, beside what was added since', async () => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    insert(w, 1, 1, 99);
    await w.poll();
    expect(await w.editor.restore()).toMatchObject({ added: 2, modules: 2 });
    await w.poll();
    expect(w.watcher.status.kept).toBeUndefined();
    expect(knownContents(w.watcher)).toEqual(await freshContents(w.store));
    expect(w.watcher.routes.hostCount).toBe(3);
    await expect(w.editor.restore()).rejects.toMatchObject({ code: 'NOTHING_KEPT' });
  });

  test('stays kept over a restart, until it was confirmed, also while nobody looked', async () => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    const since = w.watcher.status.kept?.sinceMs;
    const again = await watch(w.file);
    expect(again.client.size).toBe(2);
    expect(again.watcher.status.kept?.sinceMs).toBe(since);
    await w.editor.add(3, 3, [{ host: '10.0.0.3:80' }]);
    await again.close();
    const third = await watch(w.file);
    expect([...third.client.keys()].sort()).toEqual(['1/1', '2/2', '3/3']);
    await third.close();
    await w.editor.confirm();
    const last = await watch(w.file);
    expect([...last.client.keys()]).toEqual(['3/3']);
    expect(existsSync(keptFileOf(w.file))).toBe(false);
    await last.close();
  });

  test('whose kept hosts cannot be stored is kept all the same, and the log says once that a restart would lose them', async () => {
    const w = await world({ prepare });
    mkdirSync(keptFileOf(w.file));
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    await w.poll();
    expect(w.client.size).toBe(2);
    const complaints = w.log.events().filter(event => event.includes('cannot be stored'));
    expect(complaints).toHaveLength(1);
    rmdirSync(keptFileOf(w.file));
    await w.poll();
    expect(existsSync(keptFileOf(w.file))).toBe(true);
  });

  test('and whose files are damaged, is served as it is at the next start, and the log names them', async () => {
    const w = await world({ prepare });
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    await w.watcher.stop();
    const files = [keptFileOf(w.file), seenFileOf(w.file)];
    for (const file of files) writeFileSync(file, 'lars');
    const again = await watch(w.file);
    expect(again.client.size).toBe(0);
    const errors = again.log.records.map(({ fields }) => JSON.stringify(fields)).join();
    for (const file of files) expect(errors).toContain(`${file} was not written by LARS`);
    await again.close();
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
    expect(w.watcher.status.kept).toBeDefined();
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
      expect(w.watcher.status.kept).toBeDefined();
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
