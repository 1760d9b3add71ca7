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
