import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { FakeAgent } from './fake-agent.ts';

const SDK = new URL('../../../client-sdk/src/index.ts', import.meta.url).href;

/** Runs a program against the agent, and gives its exit code and what it wrote. The program never ends itself. */
async function run(agent: FakeAgent, program: string) {
  const source = `
    import { LarsClient } from '${SDK}';
    const client = new LarsClient({ ports: ${JSON.stringify(agent.ports)}, timeoutMs: 15_000 });
    ${program}`;
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', source]);
  let output = '';
  child.stdout.on('data', text => {
    output += text;
  });
  child.stderr.on('data', text => {
    output += text;
  });
  const [exitCode] = await once(child, 'close');
  return { exitCode, output };
}

const HUNDRED_REPORTS = `
  for (let i = 0; i < 100; i++) client.report({ modid: 1, cmdid: 2, host: '10.0.0.5', port: 80 }, { ok: true });`;

/** Calls of which the agent was told, each by itself or in sums. */
function reported({ reports, batches }: FakeAgent): number {
  const results = batches.flatMap(batch => batch.results);
  return reports.length + results.reduce((sum, { succ, err }) => sum + succ + err, 0);
}

describe('a process with a client that is never closed', () => {
  test('lives while a request waits, and ends when it is answered', async () => {
    await using agent = await FakeAgent.start();
    const ended = await run(agent, "process.stdout.write('host ' + (await client.getHost(1, 2)));");
    expect(ended).toEqual({ exitCode: 0, output: 'host 10.0.0.5:80' });
  });

  test('lives while a request waits, also when others have waited in vain and the name of the agent is looked up anew', async () => {
    await using agent = await FakeAgent.start();
    agent.onHost = () => {};
    agent.onRoute = () => {};
    const program = `
      const named = new LarsClient({ host: 'localhost', ports: ${JSON.stringify(agent.ports)}, timeoutMs: 20 });
      named.getHost(1, 2, { timeoutMs: 600 }).catch(error => process.stdout.write(error.code));
      for (let i = 0; i < 8; i++) named.getHost(1, 2).catch(() => {});`;
    expect(await run(agent, program)).toEqual({ exitCode: 0, output: 'LARS_AGENT_SILENT' });
  });

  test('ends after reports, and the agent has them', async () => {
    await using agent = await FakeAgent.start();
    const target = "{ modid: 1, cmdid: 2, host: '10.0.0.5', port: 80 }";
    expect(await run(agent, `client.report(${target}, { ok: false });`)).toEqual({ exitCode: 0, output: '' });
    await agent.until(() => agent.reports.length === 1);
    expect(agent.reports).toMatchObject([{ modid: 1, cmdid: 2, retcode: 1 }]);
  });

  test('ends though it has a copy of a route, and the agent has the failure of its last tick', async () => {
    await using agent = await FakeAgent.start();
    const program = `
      for (let i = 0; i < 10; i++) await client.getHost(1, 2);
      while (client.stats().copies === 0) await new Promise(setImmediate);
      client.report(client.tryGetHost(1, 2), { ok: true });
      client.report(client.tryGetHost(1, 2), { ok: false });`;
    expect(await run(agent, program)).toEqual({ exitCode: 0, output: '' });
    await agent.until(() => agent.batches.length === 1);
    expect(agent.batches[0]?.results).toMatchObject([{ succ: 1 }, { err: 1 }]);
  });

  const COPIED = `
    for (let i = 0; i < 10; i++) await client.getHost(1, 2);
    while (client.stats().copies === 0) await new Promise(setImmediate);
    for (let i = 0; i < 100; i++) client.report(client.tryGetHost(1, 2), { ok: true });`;

  test.each<[string, string, number]>([
    ['ends by itself', COPIED, 0],
    ['calls process.exit()', `${COPIED} process.exit(5);`, 5],
    ['throws', `${COPIED} process.on('uncaughtException', () => process.exit(6)); throw new Error();`, 6],
    ['calls process.exit() in the tick of its first report', `${HUNDRED_REPORTS} process.exit(7);`, 7],
  ])('that %s loses no result', async (_, program, exitCode) => {
    await using agent = await FakeAgent.start();
    expect(await run(agent, program)).toEqual({ exitCode, output: '' });
    await agent.until(() => reported(agent) === 100);
  });

  test.each(['', 'process.exit(5);'])('in a worker thread that ends with "%s" loses no result', async end => {
    await using agent = await FakeAgent.start();
    const worker = `
      import { LarsClient } from '${SDK}';
      const client = new LarsClient({ ports: ${JSON.stringify(agent.ports)}, timeoutMs: 15_000 });
      ${COPIED} ${end}`;
    const program = `
      import { Worker } from 'node:worker_threads';
      new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)})));`;
    expect(await run(agent, program)).toEqual({ exitCode: 0, output: '' });
    await agent.until(() => reported(agent) === 100);
  });

  test('has one listener for any number of clients, and none when they are closed', async () => {
    await using agent = await FakeAgent.start();
    const program = `
      const count = () => process.listenerCount('exit') + process.listenerCount('beforeExit');
      const before = count();
      const clients = Array.from({ length: 20 }, () => new LarsClient({ ports: ${JSON.stringify(agent.ports)} }));
      for (const one of clients) one.report({ modid: 1, cmdid: 2, host: '10.0.0.5', port: 80 }, { ok: true });
      const open = count();
      for (const one of clients) await one.close();
      process.stdout.write(String([open - before, count() - before]));`;
    expect(await run(agent, program)).toEqual({ exitCode: 0, output: '2,0' });
  });

  test('is not ended by requests that are rejected at close', async () => {
    await using agent = await FakeAgent.start();
    agent.onHost = () => {};
    const program = `
      const codes = [client.getHost(1, 2), client.getRoute(1, 2), client.register(5, 5)].map(asked => asked.catch(error => error.code));
      const call = client.call(1, 2, () => 0).catch(error => error.code);
      await client.close();
      process.stdout.write((await Promise.all([...codes, call])).join(' '));`;
    expect(await run(agent, program)).toEqual({ exitCode: 0, output: Array(4).fill('LARS_CLOSED').join(' ') });
  });
});
