import { expect, test } from 'vitest';
import { describeRoute, world } from '../route-world.ts';

test('a database that a newer program upgrades meanwhile is not touched: the known routes are served, and the reason is told', async () => {
  const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
  w.sql.exec("UPDATE SchemaVersion SET version = 99 WHERE part = 'routes'; CREATE TABLE FromTheFuture (id)");
  w.sql.exec('UPDATE RouteData SET serverport = 81; DROP TRIGGER RouteEditDelete');
  expect(await w.poll()).toEqual([]);
  expect(w.watcher.status.outage).toMatch(/has schema version 99 of its routes, and this program knows versions up to 2/);
  expect([...w.watcher.routes.routes()].map(([, route]) => describeRoute(route))).toEqual(['1/1: 10.0.0.1:80']);
  expect(w.sql.prepare("SELECT name FROM sqlite_master WHERE name = 'RouteEditDelete'").all()).toEqual([]);

  w.sql.exec("UPDATE SchemaVersion SET version = 2 WHERE part = 'routes'");
  expect(await w.poll()).toEqual(['1/1: 10.0.0.1:81']);
  expect(w.watcher.status.outage).toBeUndefined();
});
