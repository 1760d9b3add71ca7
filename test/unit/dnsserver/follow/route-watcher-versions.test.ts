import { describe, expect, test } from 'vitest';
import { adding, announcements, insert, versionOf, world } from '../route-world.ts';

describe('the version of a route', () => {
  test('follows the deployed admin page, which sets RouteVersion to the second of the clock', async () => {
    const w = await world();
    const change = (port: number, second: number) =>
      w.sql.transaction(() => {
        insert(w, 1, 1, port);
        w.sql.prepare('INSERT INTO RouteChange (modid, cmdid, version) VALUES (1, 1, ?)').run(second);
        w.sql.prepare('UPDATE RouteVersion SET version = ?').run(second);
      })();
    change(1, 1_700_000_000);
    expect(await w.poll()).toHaveLength(1);
    expect(w.version(1, 1)).toBe(1_700_000_000);
    // A second change within that second comes with the same number.
    change(2, 1_700_000_000);
    expect(await w.poll()).toHaveLength(1);
    expect(w.version(1, 1)).toBe(1_700_000_001);
    expect(announcements(w).at(-1)).toBe('1/1 1700000001');
    change(3, 1_700_000_009);
    await w.poll();
    expect(w.version(1, 1)).toBe(1_700_000_009);
  });

  test('grows although RouteVersion was set back', async () => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
    w.sql.exec('UPDATE RouteVersion SET version = 1000');
    await w.editor.add(1, 1, [{ host: '10.0.0.2:80' }]);
    await w.poll();
    expect(w.version(1, 1)).toBe(1001);
    w.sql.exec('UPDATE RouteVersion SET version = 3');
    expect(await w.poll()).toEqual([]);
    await w.editor.add(1, 1, [{ host: '10.0.0.3:80' }]);
    expect(await w.poll()).toHaveLength(1);
    expect(w.version(1, 1)).toBe(1002);
    expect(versionOf(w)).toBe(1002);
  });

  test('does not come back with a module that does', async () => {
    const w = await world({
      prepare: editor =>
        editor.import(
          [
            { modid: 1, cmdid: 1, host: 'a.example:1' },
            { modid: 2, cmdid: 2, host: 'a.example:1' },
          ],
          'add',
        ),
    });
    w.sql.exec('UPDATE RouteVersion SET version = 1000');
    await w.editor.remove(1, 1);
    await w.poll();
    w.sql.exec('UPDATE RouteVersion SET version = 3');
    await w.editor.add(1, 1, [{ host: 'a.example:1' }]);
    await w.poll();
    expect(w.version(1, 1)).toBe(1002);
  });

  test('is the higher one when another dnsserver announces the same hosts again', async () => {
    const w = await world();
    await adding(w, 1, 80);
    const revision = (versionOf(w) as number) + 1;
    w.sql.exec(
      `UPDATE RouteVersion SET version = ${revision}; INSERT INTO RouteChange (modid, cmdid, version) VALUES (1, 1, ${revision})`,
    );
    expect(await w.poll()).toEqual([]);
    expect(w.version(1, 1)).toBe(revision);
  });

  test('is ours alone, and said so, while the database takes no writes', async () => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
    const before = versionOf(w) as number;
    w.sql.exec("CREATE TRIGGER Closed BEFORE UPDATE ON RouteVersion BEGIN SELECT RAISE(ABORT, 'closed'); END");
    insert(w, 1, 1, 81);
    insert(w, 2, 2, 82);
    expect(await w.poll()).toHaveLength(2);
    expect(w.diffs.at(-1)).toMatchObject([
      { version: before + 1, local: true },
      { version: before + 1, local: true },
    ]);
    insert(w, 1, 1, 83);
    await w.poll();
    expect(w.version(1, 1)).toBe(before + 2);
    expect(w.watcher.status.local).toBe(true);
    expect(w.counters.get('localVersions')).toBe(3);
    expect(w.log.events().filter(event => event.includes('takes no writes'))).toHaveLength(1);
    w.sql.exec('DROP TRIGGER Closed');
    insert(w, 1, 1, 84);
    await w.poll();
    expect(w.version(1, 1)).toBe(before + 3);
    expect(versionOf(w)).toBe(before + 3);
    expect(w.watcher.status).toMatchObject({ local: false, outage: undefined });
  });
});
