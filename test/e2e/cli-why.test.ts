import { afterEach, expect, test } from 'vitest';
import { agentOf, LarsFolder } from './cli-process.ts';

const folder = new LarsFolder();
afterEach(() => folder.dispose());

test('lars why tells from the running agent what it holds against a host; unknown modules and agents that are away are errors', async () => {
  folder.writeStandardConf({ agent: '[module 1/2]\nalgorithm = classic\n' });
  const system = folder.start(['up', '--json']);
  const ready = await system.ready;
  const http = `--http=127.0.0.1:${ready.agent.httpPort}`;
  for (const [cmdid, algorithm, cause] of [
    ['1', 'adaptive', 'error-evidence'],
    ['2', 'classic', 'failure-run'],
  ] as const) {
    expect((await folder.runHere(['route', 'add', `1/${cmdid}`, '127.0.0.1:9001', '127.0.0.1:9002'])).code).toBe(0);
    await expect
      .poll(async () => (await folder.runHere(['gethost', '1', cmdid, agentOf(ready)])).code, { timeout: 10_000 })
      .toBe(0);
    await folder.run(['simulate', '1', cmdid, '--calls', '300', '--fail', '127.0.0.1:9002=1', '--yes', agentOf(ready)]);

    const { code, out } = await folder.runHere(['why', '1', cmdid, http, '--json']);
    expect(code).toBe(0);
    const why = JSON.parse(out);
    expect(why).toMatchObject({ modid: 1, cmdid: Number(cmdid), algorithm, version: expect.any(Number) });
    expect(why.state).toBe('active');
    const states = new Map(why.hosts.map((host: { port: number; state: string }) => [host.port, host]));
    expect(states.get(9001)).toMatchObject({ host: '127.0.0.1', weight: 100, drain: false, state: 'healthy' });
    expect(states.get(9002)).toMatchObject({ state: 'ejected', last: { to: 'ejected', cause } });
    const text = (await folder.runHere(['why', '1', cmdid, http])).out;
    expect(text).toMatch(/^1 of 2 hosts in trouble:\n {2}127\.0\.0\.1:9002 ejected \d+s ago: /);
    expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThanOrEqual(100);
  }
  const all = await folder.runHere(['why', http]);
  expect(all).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^2 of 2 modules in trouble \(.*\n1\/\d {5}ejected .*\n1\/\d {5}ejected /s),
  });

  expect(await folder.runHere(['why', '9', '9', http])).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('module 9/9'),
  });
  expect(await folder.runHere(['why', '1', '1', '--http=127.0.0.1:1'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('does not answer'),
  });
  expect(await folder.runHere(['why', '1', '1'])).toMatchObject({ code: 2, err: expect.stringContaining('[http] port = 0') });
}, 60_000);

test('the agent answers /why for well-formed modules alone', async () => {
  folder.writeStandardConf();
  const { agent } = await folder.start(['up', '--json']).ready;
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${agent.httpPort}${path}`)).status;
  expect(await status('/why/-3/2')).toBe(200);
  expect(await status('/why')).toBe(200);
  for (const path of ['/why/1', '/why/a/b', '/why/1/2/3', '/why/99999999999/1', '/why/2147483648/1']) {
    expect([path, await status(path)]).toEqual([path, 404]);
  }
}, 30_000);
