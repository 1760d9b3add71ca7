/** A table that was emptied by mistake under a running dnsserver, and what people type then. */
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { askHealth } from '../../cli/src/system/ask-health.ts';
import { eventually } from '../support/eventually.ts';
import { connectAgent } from '../unit/dnsserver/agent-connection.ts';
import { LarsFolder, type Ready } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
  folder.writeStandardConf();
});
afterEach(() => folder.dispose());

/** As somebody's SQL shell would. */
function sql(text: string): void {
  const database = new Database(path.join(folder.path, 'data/lars.db'), { timeout: 5_000 });
  database.exec(text);
  database.close();
}

async function details({ dnsserver }: Ready): Promise<Readonly<Record<string, unknown>>> {
  const answer = await askHealth('127.0.0.1', dnsserver.httpPort);
  return answer.kind === 'health' ? answer.health.details : {};
}

async function portsOf({ dnsserver }: Ready, modid: number): Promise<number[]> {
  const agent = await connectAgent(dnsserver.tcpPort);
  const { host } = await agent.answer(modid, 1);
  agent.socket.destroy();
  return host.map(({ port }) => port);
}

test('one route add, a restart and a restore later every module has its hosts; a confirmed one has none', async () => {
  let process = folder.start(['dnsserver', '--json']);
  let ready = await process.ready;
  await folder.runHere(['route', 'import', '-'], '1,1,10.0.0.1:1\n2,1,10.0.0.1:2\n3,1,10.0.0.1:3\n4,1,10.0.0.1:4\n');
  await eventually('the routes arrive', async () => (await details(ready))['modules'] === 4);

  sql('DELETE FROM RouteData');
  await process.logged('lars route restore');
  expect(await folder.runHere(['route', 'add', '1/1', '10.0.0.1:9'])).toMatchObject({ code: 0 });
  await eventually('the added host is served', async () => (await portsOf(ready, 1)).length === 2);
  expect(await portsOf(ready, 1)).toEqual([9, 1]);
  expect(await portsOf(ready, 4)).toEqual([4]);

  await process.interrupt();
  process = folder.start(['dnsserver', '--json']);
  ready = await process.ready;
  expect(await portsOf(ready, 4)).toEqual([4]);
  expect(await details(ready)).toMatchObject({ modules: 4, emptyGuard: expect.stringMatching(/lost: 4 in 4 modules, since 2/) });

  expect(await folder.runHere(['route', 'restore'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^4 hosts added in 4 modules/),
  });
  await eventually('nothing is kept', async () => (await details(ready))['emptyGuard'] === 'inactive');
  expect(await folder.runHere(['route', 'list'])).toMatchObject({ out: expect.stringContaining('5 hosts in 4 modules') });
  expect(await folder.runHere(['route', 'restore'])).toMatchObject({ code: 1, err: expect.stringContaining('nothing is kept') });

  sql('DELETE FROM RouteData WHERE modid > 1');
  await eventually('hosts are kept', async () => (await details(ready))['emptyGuard'] !== 'inactive');
  expect(await portsOf(ready, 4)).toEqual([4]);
  expect(await folder.runHere(['route', 'confirm'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^3 hosts in 3 modules/),
  });
  await eventually('nothing is kept', async () => (await details(ready))['emptyGuard'] === 'inactive');
  expect(await portsOf(ready, 4)).toEqual([]);
  expect(await portsOf(ready, 1)).toEqual([9, 1]);
  expect((await process.interrupt()).code).toBe(0);
});
