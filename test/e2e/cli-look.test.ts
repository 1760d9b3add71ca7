import { afterEach, expect, test } from 'vitest';
import { agentOf, LarsFolder } from './cli-process.ts';

const folder = new LarsFolder();
afterEach(() => folder.dispose());

test('lars gethost looks and leaves no call in flight, unless told to; lars simulate does not play where others call', async () => {
  folder.writeStandardConf();
  const ready = await folder.start(['up', '--json']).ready;
  const http = `--http=127.0.0.1:${ready.agent.httpPort}`;
  const agent = agentOf(ready);
  await folder.runHere(['route', 'add', '1/1', '127.0.0.1:9001']);
  await expect.poll(async () => (await folder.runHere(['gethost', '1', '1', agent])).code, { timeout: 20_000 }).toBe(0);
  const json = async (...args: readonly string[]) => JSON.parse((await folder.run([...args, agent, '--json'])).out);
  const inFlight = async () => {
    const why = JSON.parse((await folder.runHere(['why', '1', '1', http, '--json'])).out);
    return why.hosts[0].numbers.inFlight;
  };

  expect(await inFlight()).toBe(0);
  const simulate = ['simulate', '1', '1', '--calls', '5'] as const;
  // Twice: what has been simulated is nobody's call.
  for (let i = 0; i < 2; i++) expect(await json(...simulate, http)).toMatchObject({ end: 'done', calls: 5 });
  expect(await json('gethost', '1', '1', '--count')).toMatchObject({ port: 9001 });
  expect(await inFlight()).toBe(1);
  expect(await json(...simulate, http)).toMatchObject({
    error: { code: 'OTHERS_CALL', message: expect.stringContaining('in use, 1 call in the last 20 s') },
  });
  expect(await json(...simulate)).toMatchObject({
    error: { code: 'CALLERS_UNKNOWN', message: expect.stringContaining('add --yes') },
  });
  expect(await json(...simulate, '--yes')).toMatchObject({ end: 'done', calls: 5 });
}, 60_000);
