/** The page of the reactor as strangers read it: its programs hold under the strictest settings, and do what the page says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeLengthPrefixed, LengthPrefixedSplitter } from '@lars/reactor';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { codeBlocksOf } from '../support/code-blocks.ts';
import { ConsumerProject } from '../support/consumer-project.ts';
import { eventually } from '../support/eventually.ts';

vi.setConfig({ testTimeout: 60_000 });

const project = new ConsumerProject();
const blocks = codeBlocksOf('reactor/README.md').map(({ text }) => text);
const children: ChildProcess[] = [];
const sockets: Socket[] = [];

/** Any free port, and modules under the names that they have in the project. */
const written = blocks.map((text, at) => {
  const name = /^\/\/ (\w+)\.ts\n/.exec(text)?.[1] ?? `block-${at}`;
  const runnable = text.replace(/port: 700\d/, 'port: 0').replaceAll(/(\.\/\w+)\.js'/g, "$1.mts'");
  return project.write(`${name}.mts`, name === 'server' ? `${runnable}console.log(server.addresses[0]);\n` : runnable);
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => project.dispose());

async function run(
  file: string | undefined,
): Promise<{ readonly child: ChildProcess; readonly socket: Socket; readonly bytes: () => Buffer }> {
  const child = spawn(process.execPath, [file as string], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  const listen = (text: Buffer) => {
    said += text.toString();
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const port = await eventually('it tells its port', () => {
    if (child.exitCode !== null) throw new Error(said);
    return Number(/port: (\d+)/.exec(said)?.[1]) || undefined;
  });
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'connect');
  return { child, socket, bytes: () => Buffer.concat(chunks) };
}

async function endOf(child: ChildProcess): Promise<unknown> {
  child.kill('SIGTERM');
  return eventually('it ends', () => child.exitCode ?? child.signalCode ?? undefined);
}

test('the programs of the page hold under the strictest settings', () => {
  expect(blocks).toHaveLength(5);
  expect(project.checkTypes()).toEqual([]);
});

test('one thread echoes, and ends', async () => {
  const { child, socket, bytes } = await run(written[0]);
  socket.write('hello');
  await eventually('the echo', () => bytes().toString() === 'hello');
  expect(await endOf(child)).toBe(0);
});

test('several threads answer frames out of the pool, and end within their grace when the connections have', async () => {
  const { child, socket, bytes } = await run(written[2]);
  for (let id = 1; id <= 40; id++) socket.write(encodeLengthPrefixed(id, Buffer.from(`body ${id}`)));
  const answers = await eventually('all answers', () => {
    const found = new Map<number, string>();
    new LengthPrefixedSplitter(1_000).push(bytes(), (id, body) => found.set(id, Buffer.from(body).toString('hex')));
    return found.size === 40 && found;
  });
  for (const [id, hash] of answers) expect(hash).toBe(createHash('sha256').update(`body ${id}`).digest('hex'));
  socket.end();
  expect(await endOf(child)).toBe(0);
});
