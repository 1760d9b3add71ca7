/** A thread of a reactor server that dies before it serves, or runs tasks, leaves nothing open. */
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { createReactorServer, type ReactorServerOptions } from '@lars/reactor';
import { expect, test } from 'vitest';
import { connectClient, temporaryFolder } from '../support/dispatch-world.ts';
import { eventually } from '../support/eventually.ts';
import { recordingLog } from '../support/recording-log.ts';
import { afterTest, listenRemote } from './reactor-harness.ts';

const FOLDER = '/proc/self/fd';

/** Sockets, pipes and sets of epoll of this process, but not the files of modules that are being loaded. */
function descriptorsOpen(): number {
  const names = readdirSync(FOLDER).map(fd => {
    try {
      return readlinkSync(`${FOLDER}/${fd}`);
    } catch {
      return '';
    }
  });
  return names.filter(name => /^(socket|pipe|anon_inode)/.test(name)).length;
}

const moduleOf = (text: string): URL => new URL(`data:text/javascript,${encodeURIComponent(text)}`);

/** Opens all that a module can, and goes on then. */
const OPENING = (remotePort: number, then: string) =>
  moduleOf(`
    export async function createHandler({ engine, data }) {
      await engine.listen({ port: 0 }, () => undefined);
      await engine.listen({ port: 0 }, one => one.start({ onData() {} }));
      await new Promise(resolve => engine.connect({ port: ${remotePort} }, { onConnect: resolve, onData() {}, onClose() {} }));
      ${then}
      return () => ({ onData() {} });
    }
  `);

const open = (options: Pick<ReactorServerOptions, 'handler'> & Partial<ReactorServerOptions>) =>
  createReactorServer({ listen: [{ port: 0 }], threads: 1, ...options }, { log: recordingLog().log });

test.each([
  ['throws', `throw new Error('not today')`, 'not today'],
  ['ends its thread', 'process.exit(3)', 'exit code 3'],
  ['makes no handlers', 'return 7', 'returned no function'],
])('a handler module that has opened much and %s', async (_, then, message) => {
  const { port, accepted } = await listenRemote();
  const before = descriptorsOpen();
  for (let time = 0; time < 3; time++) await expect(open({ handler: OPENING(port, then) })).rejects.toThrow(message);
  await eventually('its connections are reset', () => accepted.length === 3 && accepted.every(({ isClosed }) => isClosed));
  expect(accepted.every(({ errorCode }) => errorCode === 'ECONNRESET')).toBe(true);
  await eventually('nothing has stayed', () => descriptorsOpen() <= before);
});

test('a thread that dies while it is started again, and one that its server ends then', async () => {
  const { port, accepted } = await listenRemote();
  const lives = new Int32Array(new SharedArrayBuffer(4));
  const before = descriptorsOpen();
  // The second life dies, the third never comes up.
  const handler = OPENING(
    port,
    `const life = Atomics.add(data.lives, 0, 1) + 1;
     if (life === 2) throw new Error('not today');
     if (life === 3) await new Promise(() => undefined);`,
  );
  const server = await open({ handler, data: { lives } });
  afterTest(() => server.close());
  await server.killThread(0);
  await eventually('it is in its third life', () => lives[0] === 3);
  await server.close();
  await eventually('its connections are over', () => accepted.length === 3 && accepted.every(({ isClosed }) => isClosed));
  await eventually('nothing has stayed', () => descriptorsOpen() <= before);
});

test('a thread of the pool that loads its module again is ended with its server', async () => {
  const [first, second] = ['first', 'second'].map(name => path.join(temporaryFolder(), name));
  const before = descriptorsOpen();
  // The second life has something open, and never comes up.
  const module = moduleOf(`
    import { existsSync, writeFileSync } from 'node:fs';
    import { createServer } from 'node:net';
    if (existsSync('${first}')) {
      await new Promise(resolve => createServer().listen(0, resolve));
      writeFileSync('${second}', '');
      await new Promise(() => undefined);
    }
    writeFileSync('${first}', '');
    export const tasks = { die: () => process.exit(1) };
  `);
  const handler = moduleOf(
    `export const createHandler = ({ runInPool }) => () => ({ onData: () => runInPool('die').catch(() => undefined) });`,
  );
  const server = await open({ handler, pool: { module, threads: 1 } });
  afterTest(() => server.close());
  const client = await connectClient({ host: '127.0.0.1', port: server.addresses[0]?.port ?? 0 }, 'x');
  await eventually('it is in its second life', () => existsSync(String(second)));
  client.socket.destroy();
  await server.close();
  await eventually('nothing has stayed', () => descriptorsOpen() <= before);
});
