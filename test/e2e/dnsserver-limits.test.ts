/** Connections that ask for more than one may, and an honest agent beside them. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectAgent, requestFrame } from '../unit/dnsserver/agent-connection.ts';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
});
afterEach(() => folder.dispose());

const CONNECTIONS = 30;
const MODULES = 20_000;

/** Subscribes to modules that nobody else asks for; resolves when all are answered or the connection is closed. */
async function subscribeToMany(port: number, index: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const frames = Array.from({ length: MODULES }, (_, at) => requestFrame(1_000 + index, at));
  let received = 0;
  const answered = new Promise<void>(resolve => {
    socket.on('data', chunk => {
      received += chunk.length;
      // An answer without hosts has eight bytes of header and some of module ids.
      if (received >= MODULES * 13) resolve();
    });
    socket.once('close', () => resolve());
  });
  socket.write(Buffer.concat(frames));
  await answered;
  return socket;
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
}

test.each([0, 2])(
  'with %i workers: who takes the most is closed, the honest agent is served, memory stays bounded',
  async workers => {
    folder.write(
      'conf/dnsserver.ini',
      `[tcp]\nport = 0\nworkers = ${workers}\nmax_memory = 50331648\n[http]\nport = 0\n[database]\nfile = data/lars.db\n`,
    );
    await folder.run(['route', 'add', '1/1', '10.0.0.1:80', '--db', 'data/lars.db', '--create']);
    const process = folder.start(['dnsserver', '--json']);
    const { pid, dnsserver } = await process.ready;
    const agent = await connectAgent(dnsserver.tcpPort);
    await agent.answer(1, 1);
    const before = residentBytes(pid);
    const greedy: Socket[] = [];
    for (let index = 0; index < CONNECTIONS; index++) greedy.push(await subscribeToMany(dnsserver.tcpPort, index));
    expect(greedy.filter(socket => socket.destroyed || socket.readyState !== 'open').length).toBeGreaterThan(0);
    await process.logged('a connection asked for too much');
    await process.logged('[tcp] max_memory');
    expect(agent.socket.destroyed).toBe(false);
    expect((await agent.answer(1, 1)).host).toHaveLength(1);
    expect(residentBytes(pid) - before).toBeLessThan(400_000_000);
    for (const socket of greedy) socket.destroy();
    expect((await process.interrupt()).code).toBe(0);
  },
);

test('one connection that takes more than its part is closed, with the reason in the log', async () => {
  folder.write('conf/dnsserver.ini', '[tcp]\nport = 0\nmax_connection_memory = 65536\n[http]\nport = 0\n');
  const process = folder.start(['dnsserver', '--json']);
  const { dnsserver } = await process.ready;
  const socket = await subscribeToMany(dnsserver.tcpPort, 0);
  expect(socket.destroyed).toBe(true);
  await process.logged('[tcp] max_connection_memory');
  expect((await process.interrupt()).code).toBe(0);
});
