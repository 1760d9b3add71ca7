/** What each command prints with --json is what docs/schemas says, and what one prints of routes another reads. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { SCHEMA_NAMES, schemaProblems } from '../support/json-schemas.ts';
import { agentOf, LarsFolder, type Ready } from './cli-process.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let folder: LarsFolder;
let ready: Ready;
beforeAll(async () => {
  folder = new LarsFolder();
  folder.writeStandardConf();
  ready = await folder.start(['up', '--json']).ready;
  await printed('route-change', ['route', 'add', '1/1', '127.0.0.1:9001', '[::1]:9002', 'db.example:9003']);
  await eventually(
    'the route is at the agent',
    async () => (await folder.run(['getroute', '1', '1', agentOf(ready)])).code === 0,
  );
});
afterAll(() => folder.dispose());

const checked = new Set<string>(['common']);

/** Runs a command and checks its document. */
async function printed(schema: string, args: readonly string[], input = '') {
  const { out, err } = await folder.runHere(['--json', ...args], input);
  expect(out, err).not.toBe('');
  const document = JSON.parse(out);
  expect(schemaProblems(schema, document), out).toEqual([]);
  checked.add(schema);
  return { document, out };
}

describe('the schemas', () => {
  test('are kept by the commands that ask an agent', async () => {
    expect(schemaProblems('ready', ready)).toEqual([]);
    checked.add('ready');
    const agent = agentOf(ready);
    await printed('gethost', ['gethost', '1', '1', agent]);
    await printed('getroute', ['getroute', '1', '1', agent]);
    await printed('report', ['report', '1', '1', '[::1]:9002', '--ok', '--tcost', '3', agent]);
    await printed('simulate', ['simulate', '1', '1', '--calls', '20', '--yes', agent]);
    const http = ['--http', `127.0.0.1:${ready.agent.httpPort}`];
    await printed('why', ['why', '1', '1', ...http]);
    await printed('top', ['top', ...http]);
    await printed('simulate', ['simulate', '1', '1', '--calls', '200', '--fail', '[::1]=100%', '--yes', agent]);
    const { document: list } = await printed('why-list', ['why', ...http]);
    expect(list.modules).toMatchObject([{ modid: 1, cmdid: 1, ejected: 1 }]);
    await printed('error', ['gethost', '9', '9', agent]);
    await printed('status', ['status']);
  });

  test('are kept by the proxy', async () => {
    folder.write('conf/proxy.ini', `[agent]\nports = ${ready.agent.udpPorts.join(',')}\n[http]\nport = 0\n`);
    const proxy = folder.start(['proxy', '--listen', '127.0.0.1:0=1/1', '--json']);
    const started = await proxy.ready;
    expect(schemaProblems('ready', started)).toEqual([]);
    await printed('proxy-status', ['proxy', 'status', '--http', `127.0.0.1:${started.proxy.httpPort}`]);
    expect((await proxy.interrupt()).code).toBe(0);
  });

  test('are kept by the commands that look at files', async () => {
    await printed('check', ['check']);
    await printed('doctor', ['doctor']);
    const isStored = async () => (await printed('calls', ['calls', '1/1'])).document.all.calls > 0;
    // Agents report to the reporter every fifteen seconds.
    await eventually('the report is in the history', isStored, 60_000);
    for (const by of ['minute', 'caller']) await printed('calls', ['calls', '1/1', '--by', by]);
  });

  test('are kept by lars bench', async () => {
    await printed('bench', ['bench', 'agent', '--requests', '200', '--no-yardstick', '--transport', 'dgram']);
  });

  test('are kept by the commands of lars route', async () => {
    await printed('route-list', ['route', 'list']);
    await printed('route-list', ['route', 'export']);
    await printed('route-export', ['route', 'export', 'routes.json']);
    await printed('route-change', ['route', 'drain', '1/1', 'db.example:9003', '-m', 'to mend it']);
    await printed('route-change', ['route', 'remove', '1/1', 'db.example:9003', '--dry-run']);
    await printed('route-change', ['route', 'import', '-'], '2,1,10.0.0.1:80\n');
    await printed('route-change', ['route', 'apply', '-f', 'routes.json']);
    await printed('route-diff', ['route', 'diff', '-f', 'routes.json', '--prune']);
    const { document: history } = await printed('route-history', ['route', 'history']);
    const { revision } = history.changeSets[0];
    await printed('route-diff', ['route', 'diff', String(revision - 1), String(revision)]);
    await printed('route-change', ['route', 'undo', String(revision), '--dry-run']);
    const { document: refused } = await printed('error', ['route', 'remove', '2/1', '--all']);
    expect(refused).toMatchObject({ error: { code: 'UNCONFIRMED' }, removed: 1, differences: [{ modid: 2, after: null }] });
    await printed('route-confirm', ['route', 'confirm']);
    await printed('error', ['route', 'restore']);
    await printed('route-change', ['route', 'clear', '--dry-run']);
  });

  test('are all checked', () => {
    expect([...checked].sort()).toEqual([...SCHEMA_NAMES].sort());
  });
});

test.each([
  ['route list', ['route', 'list']],
  ['route export', ['route', 'export']],
  ['getroute', ['getroute', '1', '1']],
  ['gethost', ['gethost', '1', '1']],
])('what %s prints is read by import and apply', async (name, args) => {
  const isRouteCommand = name.startsWith('route');
  const read = async () => {
    const { out } = await printed(isRouteCommand ? 'route-list' : name, isRouteCommand ? args : [...args, agentOf(ready)]);
    const told: string[] = [];
    // One after the other: both have this process's working folder.
    for (const command of [
      ['import', '-'],
      ['apply', '-f', '-'],
    ])
      told.push((await folder.runHere(['--json', 'route', ...command, '--dry-run'], out)).out);
    return told;
  };
  // The agent hears of a change up to a second later than the table.
  await eventually('nothing differs from the table', async () =>
    (await read()).every(one => /"added":0,"updated":0,"removed":0/.test(one)),
  );
});

test('a document that breaks a schema is told apart', () => {
  const host = { host: '::1', port: 80, weight: 100, zone: '', drain: false };
  expect(schemaProblems('gethost', { modid: 1, cmdid: 1, ...host })).toEqual([]);
  for (const wrong of [{ weight: 0 }, { port: 0 }, { zone: null }, { more: 1 }])
    expect(schemaProblems('gethost', { modid: 1, cmdid: 1, ...host, ...wrong })).toHaveLength(1);
  const change = { revision: 1, added: 1, updated: 0, removed: 0, modules: 1 };
  expect(schemaProblems('route-change', { ...change, dryRun: false })).toEqual([]);
  expect(schemaProblems('route-change', { ...change, dryRun: true })).not.toEqual([]);
});
