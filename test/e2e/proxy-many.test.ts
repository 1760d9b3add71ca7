/** The built `lars proxy` with as many connections at once as its open files allow, up to ten thousand: each one serves, costs nothing while it rests, and leaves nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { SIZED_TIMEOUT_MS, sized } from '../support/full-size.ts';
import { CleanUps } from './agent-world.ts';
import { startProxyWorld } from './proxy-world.ts';

const WANTED = sized(300, 10_000);
/** This process has the clients, another one the hosts; the proxy has both ends. */
const ECHO = `const server = require('node:net').createServer({ allowHalfOpen: true }, socket => {
  socket.on('error', () => undefined);
  socket.pipe(socket);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => process.stdout.write(String(server.address().port)));`;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

async function startEcho(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = spawn(process.execPath, ['-e', ECHO], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUps.add(() => void child.kill('SIGKILL'));
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, port: Number(text) };
}

interface Client {
  readonly socket: Socket;
  text: string;
  isClosed: boolean;
}

function connectClient(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1' });
  cleanUps.add(() => void socket.destroy());
  const client: Client = { socket, text: '', isClosed: false };
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    client.text += chunk;
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    client.isClosed = true;
  });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(client));
    socket.once('error', reject);
  });
}

/** Of a process, in milliseconds. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

test.each(['epoll', 'io_uring', 'node'].slice(0, sized(1, 3)))(
  'engine %s',
  async engine => {
    const { port } = await startEcho();
    const world = await startProxyWorld(cleanUps, {
      routes: { '10/1': [`127.0.0.1:${port}`] },
      conf: `[proxy]\nengine = ${engine}\nmax_connections = 20000\n[listeners]\nmax_connections = 20000\n[listen a]\naddress = 127.0.0.1:0\nmodule = 10/1\n`,
    });
    const { pid } = await world.proxy.ready;
    const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
    const before = descriptors();
    const count = Math.min(WANTED, (await world.status()).maxConnections);
    const clients: Client[] = [];
    while (clients.length < count) {
      const some = Array.from({ length: Math.min(200, count - clients.length) }, () => connectClient(world.port));
      clients.push(...(await Promise.all(some)));
    }
    for (const [at, { socket }] of clients.entries()) socket.write(`${at};`);
    await eventually('each has its own', () => clients.every(({ text }, at) => text === `${at};`), 60_000);
    const restedMs = cpuMs(pid);
    await sleep(500);
    expect(cpuMs(pid) - restedMs).toBeLessThan(150);
    for (const [at, { socket }] of clients.entries()) {
      if (at % 3 === 0) socket.resetAndDestroy();
      else socket.end('bye');
    }
    await eventually('all are over', () => clients.every(({ isClosed }) => isClosed), 60_000);
    for (const [at, { text }] of clients.entries()) if (at % 3 !== 0) expect(text).toBe(`${at};bye`);
    await eventually('nothing is left', async () => (await world.health()).details?.['connections'] === 0, 60_000);
    await eventually('no descriptor has stayed', () => descriptors() <= before + 8);
    const { accepted, ended, resetByClient } = (await world.status()).counters;
    expect([accepted, ended, resetByClient]).toEqual([count, clients.length - Math.ceil(count / 3), Math.ceil(count / 3)]);
    expect((await world.proxy.interrupt()).code).toBe(0);
  },
  SIZED_TIMEOUT_MS,
);
