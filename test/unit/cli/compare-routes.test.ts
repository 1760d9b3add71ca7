/** lars doctor finds an agent whose routes are not those of the database. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { routeProblems } from '../../../cli/src/doctor/compare-routes.ts';
import { openRouteEditor } from '../../../dnsserver/src/edit/route-editor.ts';
import { tempFile } from '../dnsserver/route-world.ts';

type Routes = Readonly<Record<string, readonly string[]>>;

/** An agent that says it has these routes: those after the first only once it was asked for its modules of the first. */
async function agentWith(...states: readonly Routes[]): Promise<string> {
  let asked = 0;
  const server = createServer(({ url = '' }, response) => {
    const routes = states[Math.min(asked, states.length - 1)] ?? {};
    const name = url.replace('/why', '').slice(1);
    if (name !== '') asked += 1;
    const modules = Object.keys(routes).map(one => ({ modid: Number(one.split('/')[0]), cmdid: Number(one.split('/')[1]) }));
    const hosts = (routes[name] ?? []).map(host => ({ host }));
    response.end(JSON.stringify(name === '' ? { modules } : { hosts }));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function databaseWith(routes: Routes): Promise<string> {
  const file = tempFile();
  const editor = await openRouteEditor({ file });
  for (const [name, hosts] of Object.entries(routes)) {
    const [modid = 0, cmdid = 0] = name.split('/').map(Number);
    await editor.add(
      modid,
      cmdid,
      hosts.map(host => ({ host })),
    );
  }
  await editor.close();
  return file;
}

const ROUTES = { '1/1': ['10.0.0.1:80', '[::1]:80'], '1/2': ['db.example:80'] };

test('what both have is no problem, in whatever order', async () => {
  const agent = await agentWith({ '1/1': ['[::1]:80', '10.0.0.1:80'], '1/2': ['db.example:80'] });
  expect(await routeProblems({ agent, file: await databaseWith(ROUTES), settlingMs: 1 })).toEqual([]);
});

test('a host that one of them lacks is', async () => {
  const file = await databaseWith(ROUTES);
  const one = await agentWith({ '1/1': ['10.0.0.1:80'] });
  expect(await routeProblems({ agent: one, file, settlingMs: 1 })).toMatchObject([
    { level: 'wrong', what: 'the agent has other hosts for 1/1 than the database of this machine' },
  ]);
  const two = await agentWith({ '1/1': ['10.0.0.1:80'], '1/2': ['db.example:80', 'gone.example:80'] });
  expect((await routeProblems({ agent: two, file, settlingMs: 1 }))[0]?.what).toContain('for 1/1 and 1 more than');
});

test('a change that is on its way is none, nor is an agent that does not answer', async () => {
  const file = await databaseWith(ROUTES);
  const agent = await agentWith({ '1/2': [] }, { '1/2': ['db.example:80'] });
  expect(await routeProblems({ agent, file, settlingMs: 1 })).toEqual([]);
  expect(await routeProblems({ agent: '127.0.0.1:1', file, settlingMs: 1 })).toEqual([]);
});
