/** A server of several threads, on real sockets. */
import { readdirSync } from 'node:fs';
import { createReactorServer, type ReactorServer, type ReactorServerOptions, type ThreadEvent } from '@lars/reactor';
import { expect, test } from 'vitest';
import { afterTest, type Client, connectClient } from '../support/dispatch-world.ts';
import { eventually } from '../support/eventually.ts';
import { recordingLog } from '../support/recording-log.ts';
import { listenRemote } from './reactor-harness.ts';

const HANDLER = new URL('../support/workers/reactor-commands.ts', import.meta.url);
const TASKS = new URL('../support/workers/pool-tasks.ts', import.meta.url);
const HOST = '127.0.0.1';

async function start(options: Partial<ReactorServerOptions> = {}, onThread: (event: ThreadEvent) => void = () => undefined) {
  const log = recordingLog();
  const server = await createReactorServer(
    { listen: [{ port: 0 }], threads: 2, handler: HANDLER, data: { from: 'test' }, ...options },
    { log: log.log, onThread },
  );
  afterTest(() => server.close());
  const port = server.addresses[0]?.port ?? 0;
  return { server, log, port, connect: () => connectClient({ host: HOST, port }) };
}

/** Says a line, and waits for the answer. */
async function ask(client: Client, line: string): Promise<string> {
  const before = client.text().length;
  client.socket.write(`${line}\n`);
  return eventually(`an answer to ${line}`, () => {
    const text = client.text().slice(before);
    return text.endsWith('\n') && text.trimEnd();
  });
}

const threadOf = async (client: Client) => Number(/thread (\d+)/.exec(await ask(client, 'who'))?.[1]);
const connectionsOf = (server: ReactorServer) => server.threads().map(({ connections }) => connections);

test('each connection goes to the thread with the fewest, and is served there', async () => {
  const { server, connect } = await start({ threads: 3 });
  const clients: Client[] = [];
  const threads: number[] = [];
  for (let at = 0; at < 9; at++) {
    // Each is served before the next one comes: on a busy machine a thread may seem to hang.
    clients.push(await connect());
    threads.push(await threadOf(clients[at] as Client));
  }
  expect(connectionsOf(server)).toEqual([3, 3, 3]);
  expect(await ask(clients[0] as Client, 'who')).toContain('listener 0 data {"from":"test"}');
  for (const [at, client] of clients.entries()) if (threads[at] === 1) client.socket.destroy();
  await eventually('it is known', () => connectionsOf(server)[1] === 0);
  for (let at = 0; at < 3; at++) expect(await threadOf(await connect())).toBe(1);
});

test('short and long connections: every one has its own bytes, and all are known to have ended', async () => {
  const { server, connect } = await start();
  const long = await connect();
  await Promise.all(
    Array.from({ length: 200 }, async (_, at) => {
      const client = await connect();
      expect(await ask(client, `line ${at}`)).toBe(`echo line ${at}`);
      if (at % 3 === 0) client.socket.resetAndDestroy();
      else if (at % 3 === 1) client.socket.end();
      else {
        client.socket.write('bye\n');
        await eventually('the end', () => client.end() === 'ended');
        client.socket.end();
      }
    }),
  );
  expect(await ask(long, 'still')).toBe('echo still');
  await eventually('one is left', () => connectionsOf(server).reduce((sum, count) => sum + count, 0) === 1);
});

test('a handler that fails loses its own connection alone, whether it throws or its promise is rejected', async () => {
  const { server, connect, log } = await start({ threads: 1 });
  const clients = await Promise.all(Array.from({ length: 12 }, connect));
  for (const [at, line] of ['boom', 'reject'].entries()) {
    clients[at]?.socket.write(`${line}\n`);
    await eventually('its end', () => clients[at]?.end() !== undefined);
  }
  for (const client of clients.slice(2)) expect(await ask(client, 'well')).toBe('echo well');
  await eventually('it is known', () => connectionsOf(server)[0] === 10);
  expect(log.events().filter(event => event === 'a handler threw, and its connection is closed')).toHaveLength(2);
});

test.each([
  ['ends the thread', 'die', 'exit code 7'],
  ['ends it right after a connection', 'end and die', 'exit code 7'],
  ['throws what nobody catches', 'throw outside', 'a string'],
])(
  'a handler that %s: its connections end, and all that it opened is closed; the others go on, and the thread is started again',
  async (_, line, how) => {
    const events: ThreadEvent[] = [];
    const { server, connect, log } = await start({}, event => void events.push(event));
    const elsewhere = await listenRemote(({ socket }) => setTimeout(() => socket.write('x'), 20));
    const clients = [await connect(), await connect(), await connect(), await connect()];
    const threads = await Promise.all(clients.map(threadOf));
    const [victim] = threads;
    const before = socketsOpen();
    expect(await ask(clients[0] as Client, `call ${elsewhere.port}`)).toBe('called');
    clients[0]?.socket.write(`${line}\n`);
    await eventually('its connections end', () =>
      clients.every((client, at) => threads[at] !== victim || client.end() !== undefined),
    );
    await eventually('those to elsewhere end', () => elsewhere.accepted.every(({ isClosed }) => isClosed));
    for (const [at, client] of clients.entries()) if (threads[at] !== victim) expect(await ask(client, 'on')).toBe('echo on');
    const fresh = await connect();
    expect(await ask(fresh, 'new')).toBe('echo new');
    await eventually('it is there again', () => server.threads().every(({ isReady }) => isReady));
    expect(log.records.filter(({ event }) => event === 'a reactor thread died, and is started again')).toMatchObject([
      { fields: { thread: victim, how: expect.stringContaining(how), lost: 2 } },
    ]);
    expect(events.slice(2)).toEqual([
      { kind: 'died', thread: victim },
      { kind: 'started', thread: victim },
    ]);
    expect(await threadOf(await connect())).toBe(victim);
    // Both ends of two lost connections are gone, those of two new ones are there.
    await eventually('no descriptor is lost', () => socketsOpen() <= before);
  },
);

test('a thread that hangs for longer than it may is told and ended, and its connections are reset', async () => {
  const events: ThreadEvent[] = [];
  const { server, connect, log } = await start(
    { hangLimitMs: 1, data: { gate: new Int32Array(new SharedArrayBuffer(4)) } },
    event => void events.push(event),
  );
  const [first, second] = [await connect(), await connect()];
  const hanging = await threadOf(first);
  first.socket.write('block\n');
  await eventually('it is reset', () => first.end() === 'reset');
  expect(await ask(second, 'on')).toBe('echo on');
  expect(events.slice(2, 4)).toEqual([
    { kind: 'hangs', thread: hanging },
    { kind: 'died', thread: hanging },
  ]);
  expect(log.records.at(-1)).toMatchObject({ fields: { how: 'it hung for more than 1 ms', lost: 1 } });
  await eventually('it is there again', () => server.threads().every(({ isReady, isHanging }) => isReady && !isHanging));
});

test('a handler cannot close the engine of its thread', async () => {
  const { connect } = await start({ threads: 1 });
  const client = await connect();
  expect(await ask(client, 'close engine')).toBe('the engine of a reactor thread is closed when its server is');
  expect(await ask(client, 'on')).toBe('echo on');
});

test('a thread that hangs gets no more while another is free, and serves what it has afterwards', async () => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const { server, connect } = await start({ data: { gate } });
  const [first, second] = [await connect(), await connect()];
  const hanging = await threadOf(first);
  first.socket.write('block\n');
  const more: Client[] = [];
  let untaken = 0;
  for (let at = 0; at < 6; at++) {
    const before = connectionsOf(server)[hanging] ?? 0;
    const client = await connect();
    more.push(client);
    client.socket.write('x\n');
    const isUntaken = () => (connectionsOf(server)[hanging] ?? 0) > before;
    await eventually('it is given to one of them', () => client.text() === 'echo x\n' || isUntaken());
    if (!isUntaken()) continue;
    untaken += 1;
    await new Promise(resolve => setTimeout(resolve, 60));
  }
  // One that it was sent and did not take is what shows that it hangs; that may be the first that comes.
  expect(untaken).toBe(1);
  expect(await ask(second, 'on')).toBe('echo on');
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await eventually('it goes on', () => first.text().endsWith('blocked\n'));
  for (const client of more) await eventually('all are served', () => client.text() === 'echo x\n');
});

test('the pool is there before the first connection, and again in a thread that is started again', async () => {
  const handler = moduleOf(`export const createHandler = async ({ runInPool }) => {
    const answer = await runInPool('double', 21).catch(error => error.message);
    return connection => ({ onData: () => connection.write(Buffer.from(answer + '\\n')) });
  }`);
  const pool = { module: moduleOf('export const tasks = { double: n => String(2 * n) }'), threads: 1 };
  const { server, connect } = await start({ threads: 1, handler, pool });
  expect(await ask(await connect(), 'x')).toBe('42');
  await server.killThread(0);
  await eventually('it is there again', () => server.threads()[0]?.isReady);
  expect(await ask(await connect(), 'x')).toBe('42');
});

test('a handler module that never rests does not keep its server from closing', async () => {
  const { server } = await start({
    threads: 1,
    handler: moduleOf('setInterval(() => {}, 1_000); export const createHandler = () => () => ({ onData() {} })'),
  });
  const startMs = performance.now();
  await server.close();
  expect(performance.now() - startMs).toBeLessThan(4_000);
});

test('no more connections are accepted than may be open', async () => {
  const { server, connect } = await start({ maxConnections: 2 });
  const clients = [await connect(), await connect(), await connect()];
  for (const client of clients.slice(0, 2)) expect(await ask(client, 'x')).toBe('echo x');
  clients[2]?.socket.write('late\n');
  await new Promise(resolve => setTimeout(resolve, 60));
  expect([clients[2]?.text(), connectionsOf(server).reduce((sum, count) => sum + count, 0)]).toEqual(['', 2]);
  clients[0]?.socket.destroy();
  await eventually('the third is served', () => clients[2]?.text() === 'echo late\n');
});

test('a close lets connections end within the time, and resets or ends the rest', async () => {
  const { server, connect } = await start();
  const [leaving, staying] = [await connect(), await connect()];
  await ask(leaving, 'x');
  await ask(staying, 'x');
  const closed = server.close(400);
  expect(await ask(leaving, 'still')).toBe('echo still');
  leaving.socket.write('bye\n');
  await eventually('the end', () => leaving.end() === 'ended');
  expect(staying.end()).toBeUndefined();
  await closed;
  await eventually('the other end', () => staying.end() !== undefined);
  const late = await connect();
  await eventually('nobody listens', () => late.end() === 'reset');
});

test('what computes in the pool keeps nobody waiting; its errors, its limit and its death are told', async () => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const pool = { module: TASKS, threads: 1, maxWaiting: 2 };
  const { server, connect, log } = await start({ threads: 1, pool, data: { gate } });
  const [slow, quick] = [await connect(), await connect()];
  slow.socket.write('pool block\npool block\n');
  for (let at = 0; at < 5; at++) expect(await ask(quick, `n${at}`)).toBe(`echo n${at}`);
  expect(await ask(quick, 'pool block')).toBe('FULL 2 tasks are under way');
  expect(slow.text()).toBe('');
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await eventually('the slow answers', () => slow.text() === 'block open\nblock open\n');
  expect(await ask(quick, 'pool fail x')).toBe('FAILED x does not work');
  expect(await ask(quick, 'pool none x')).toBe('FAILED there is no task none');
  expect(await ask(quick, 'pool toString x')).toBe('FAILED there is no task toString');
  expect(await ask(quick, 'pool die x')).toBe('LOST the thread of the pool that ran the task has died');
  await eventually('it is there again', async () => (await ask(quick, 'pool block')) === 'block open');
  expect(log.events()).toContain('a thread of the pool died, and is started again');
  expect(server.threads()[0]?.deaths).toBe(0);
});

test('a task goes to the thread of the pool that has the fewest, whichever thread gave them', async () => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const meet = `gate => (Atomics.add(gate, 0, 1), Atomics.notify(gate, 0), Atomics.wait(gate, 0, 1, 10_000))`;
  const { connect } = await start({
    pool: { module: moduleOf(`export const tasks = { meet: ${meet} }`), threads: 2 },
    data: { gate },
  });
  const clients = [await connect(), await connect()] as const;
  expect(new Set(await Promise.all(clients.map(threadOf))).size).toBe(2);
  const first = ask(clients[0], 'pool meet');
  await eventually('it runs', () => gate[0] === 1);
  expect([await ask(clients[1], 'pool meet'), await first]).toEqual(['meet not-equal', 'meet ok']);
});

const moduleOf = (text: string) => new URL(`data:text/javascript,${encodeURIComponent(text)}`);

test.each<[object, string]>([
  [{ threads: 0 }, 'threads is 0, and must be a whole number from 1 to 256'],
  [{ threads: 1.5 }, 'threads is 1.5, and must'],
  [{ threads: '2' }, "threads is '2', and must"],
  [{ listen: [] }, 'listen names 0 places, and may name 1 to 256'],
  [{ listen: { port: 0 } }, 'listen is no list of places to listen: [{ port: 7000 }]'],
  [{ listen: [null] }, "listen names null, and not { port: 7000 } or { path: '/run/x.sock' }"],
  [{ listen: [{ port: 0, host: 'localhost' }] }, "host 'localhost' is no IP address"],
  [{ handler: './echo.js' }, "handler is './echo.js', and must be a URL or an absolute path"],
  [{ handler: undefined }, "handler is 'undefined', and must"],
  [{ data: { ask: () => 1 } }, 'data cannot be passed to a thread'],
  [{ maxConnections: 0 }, 'maxConnections is 0, and must'],
  [{ hangLimitMs: -1 }, 'hangLimitMs is -1, and must'],
  [{ pool: { module: TASKS, threads: 0 } }, 'pool.threads is 0, and must'],
  [{ pool: { module: TASKS, threads: 1, maxWaiting: 0 } }, 'pool.maxWaiting is 0, and must'],
])('%j is refused in one line that names the option', async (options, message) => {
  const started = start(options);
  await expect(started).rejects.toThrow(message);
  await expect(started).rejects.toMatchObject({ code: 'BAD_OPTION' });
});

test.each<[string, object, RegExp]>([
  [
    'does not exist',
    { handler: new URL('file:///nowhere.js') },
    /^handler: file:\/\/\/nowhere.js does not load: Cannot find module/,
  ],
  ['has a syntax error', { handler: moduleOf('export function (') }, /^handler: data:.* does not load: \w/],
  ['has no createHandler', { handler: moduleOf('export const x = 1') }, /does not export a function createHandler$/],
  [
    'makes no function',
    { handler: moduleOf('export const createHandler = () => ({})') },
    /createHandler of .* returned no function/,
  ],
  [
    'ends its thread',
    { handler: moduleOf('process.exit(0)') },
    /^handler: the module ended its thread with exit code 0 before it served$/,
  ],
  [
    'has no tasks',
    { pool: { module: moduleOf('export const x = 1'), threads: 1 } },
    /^pool.module: data:.* does not export an object tasks$/,
  ],
])('a module that %s is told in one line, and nothing is started again', async (_, options, message) => {
  const log = recordingLog();
  const server = createReactorServer({ listen: [{ port: 0 }], threads: 1, handler: HANDLER, ...options }, { log: log.log });
  await expect(server).rejects.toThrow(message);
  expect(log.events().filter(event => event.includes('again'))).toEqual([]);
});

test('what a factory makes and is no handler resets the connection, and says what it is', async () => {
  const handler = moduleOf('let n = 0; export const createHandler = () => () => [undefined, {}, Promise.resolve({})][n++]');
  const { connect, log } = await start({ threads: 1, handler });
  for (let at = 0; at < 3; at++) {
    const client = await connect();
    await eventually('it is reset', () => client.end() === 'reset');
  }
  const errors = log.records.map(({ fields }) => /returned (.*)/.exec(String(fields['error']))?.[1]).filter(Boolean);
  expect(errors).toEqual(['what has no function onData', 'what has no function onData', 'a promise, and not a handler']);
});

test('a place that is taken, a time and a thread that cannot be', async () => {
  const { server, port } = await start();
  await expect(start({ listen: [{ port }] })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await expect(server.close(Number.NaN)).rejects.toThrow('graceMs is NaN');
  await expect(server.killThread(2)).rejects.toThrow('thread is 2, and must');
});

function socketsOpen(): number {
  return readdirSync('/proc/self/fd').length;
}
