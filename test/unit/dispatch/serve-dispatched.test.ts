/** One server, once listening itself and once behind a dispatcher: whoever uses it sees no difference. */
import { once } from 'node:events';
import { createServer as createHttpServer, get } from 'node:http';
import { connect, createServer, type Server, type ServerOpts, type Socket } from 'node:net';
import path from 'node:path';
import { serveDispatched } from '@lars/dispatch';
import { loadNative } from '@lars/syscalls/native';
import { bindSocketFunctions } from '@lars/syscalls/socket-functions';
import { describe, expect, test } from 'vitest';
import {
  afterTest,
  type Client,
  connectClient,
  readyWorkers,
  ShortLoad,
  startDispatchWorld,
  temporaryFolder,
  type WorldOptions,
} from '../../support/dispatch-world.ts';
import { eventually } from '../../support/eventually.ts';

const LOOPBACK = '127.0.0.1';
const outcome = await loadNative(bindSocketFunctions);
if ('unavailable' in outcome) throw new Error(outcome.unavailable);
const native = outcome.bound;

interface Served {
  readonly port: number;
  connect(): Promise<Client>;
}

type Way = (server: Server) => Promise<Served>;

async function listening(server: Server): Promise<Served> {
  await new Promise<void>(resolve => {
    server.listen(0, LOOPBACK, resolve);
  });
  afterTest(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, connect: () => connectClient({ host: LOOPBACK, port }) };
}

async function dispatched(server: Server, options: WorldOptions = {}): Promise<Served> {
  const world = await startDispatchWorld(options);
  await serveDispatched(world.socketPath, server);
  afterTest(() => server.close());
  return { port: world.port, connect: world.connect };
}

const CLIENTS = 1_000;

/** Sends in the moment in which it connects. @returns whether the same comes back */
function echoOf(port: number, text: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: LOOPBACK, port }, () => undefined);
    let echo = '';
    socket.write(text);
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      echo += chunk;
      if (echo.length >= text.length) socket.destroy();
    });
    socket.on('error', reject).on('close', () => resolve(echo === text));
  });
}

const ways: readonly (readonly [string, Way])[] = [
  ['listening', listening],
  ['dispatched', server => dispatched(server)],
];

function countOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/** What the kernel says of a socket. */
function optionsOf(socket: Socket) {
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
  return { noDelay: optionOf(fd, 6, 1) !== 0, keepAlive: optionOf(fd, 1, 9) !== 0, keepAliveSec: optionOf(fd, 6, 4) };
}

function optionOf(fd: number, level: number, name: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(4, 4, true);
  const address = native.addressOf(view.buffer);
  if (native.getsockopt(fd, level, name, address, address + 4) !== 0) throw new Error(`getsockopt: ${native.errno()}`);
  return view.getInt32(0, true);
}

describe.each(ways)('a server that is %s', (_, serve) => {
  test.each([
    ['without options', {}, { noDelay: false, keepAlive: false }],
    [
      'with noDelay and keepAlive',
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 3_000 },
      { noDelay: true, keepAlive: true, keepAliveSec: 3 },
    ],
  ] satisfies [string, ServerOpts, object][])('%s sets its sockets so', async (_options, options, expected) => {
    const seen: object[] = [];
    const server = createServer(options, socket => {
      seen.push(optionsOf(socket));
      socket.end();
    });
    const { connect } = await serve(server);
    await connect();
    expect(await eventually('the connection', () => seen[0])).toMatchObject(expected);
  });

  test.each([true, false])('with allowHalfOpen %s answers, or does not, who has ended his direction', async allowHalfOpen => {
    const server = createServer({ allowHalfOpen }, socket => {
      socket.resume();
      socket.on('end', () => setTimeout(() => socket.writable && socket.end('answer'), 20));
    });
    const { connect } = await serve(server);
    const client = await connect();
    client.socket.end('request');
    await eventually('the end', () => client.end() === 'ended');
    expect(client.text()).toBe(allowHalfOpen ? 'answer' : '');
  });

  test('with pauseOnConnect reads nothing before it is told to', async () => {
    const sockets: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, socket => sockets.push(socket));
    const { connect } = await serve(server);
    const client = await connect();
    client.socket.write('patience');
    const socket = await eventually('the connection', () => sockets[0]);
    await new Promise(resolve => setTimeout(resolve, 20));
    expect([socket.bytesRead, socket.readableFlowing]).toEqual([0, false]);
    socket.resume();
    const [chunk] = await once(socket, 'data');
    expect(String(chunk)).toBe('patience');
    socket.destroy();
  });

  test('knows its connections, and their addresses', async () => {
    const sockets: Socket[] = [];
    const server = createServer(socket => sockets.push(socket));
    const { connect, port } = await serve(server);
    const clients = [await connect(), await connect(), await connect()];
    await eventually('three', () => sockets.length === 3);
    expect([server.listening, await countOf(server)]).toEqual([true, 3]);
    const [socket] = sockets;
    expect(socket?.remoteAddress).toBe(LOOPBACK);
    expect(clients.map(client => client.socket.localPort)).toContain(socket?.remotePort);
    expect([socket?.localAddress, socket?.localPort]).toEqual([LOOPBACK, port]);
    socket?.destroy();
    await eventually('two', async () => (await countOf(server)) === 2);
    for (const one of sockets) one.destroy();
  });

  test('closes when its last connection has ended, and takes no more meanwhile', async () => {
    const sockets: Socket[] = [];
    const server = createServer(socket => sockets.push(socket));
    const { connect } = await serve(server);
    await connect();
    await eventually('the connection', () => sockets.length === 1);
    let closed: Error | true | undefined;
    server.close(error => {
      closed = error ?? true;
    });
    await new Promise(resolve => setTimeout(resolve, 50));
    expect([closed, server.listening]).toEqual([undefined, false]);
    sockets[0]?.destroy();
    await eventually('it is closed', () => closed === true);
    expect(await countOf(server)).toBe(0);
  });

  test('that serves HTTP keeps connections alive, and lets go of those at rest when it closes', async () => {
    const server = createHttpServer((request, response) => response.end(`you are ${request.socket.remoteAddress}`));
    const { port, connect } = await serve(server);
    const answer = await new Promise<string>((resolve, reject) => {
      get({ host: LOOPBACK, port, path: '/', agent: false }, response => {
        response.setEncoding('utf8').on('data', resolve);
      }).on('error', reject);
    });
    expect(answer).toBe(`you are ${LOOPBACK}`);
    const client = await connect();
    client.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await eventually('the answer', () => client.text().includes('you are'));
    expect(client.end()).toBeUndefined();
    const closed = once(server, 'close');
    server.close();
    await closed;
    await eventually('the end', () => client.end() === 'ended');
  });
});

describe('a dispatched server', () => {
  test('gets every byte that clients send in the moment in which they connect', async () => {
    const world = await startDispatchWorld();
    const server = await serveDispatched(world.socketPath, socket => void socket.pipe(socket));
    afterTest(() => server.close());
    const echoes = await Promise.all(Array.from({ length: CLIENTS }, (_, at) => echoOf(world.port, `${at}:${'x'.repeat(95)}`)));
    expect(echoes.every(Boolean)).toBe(true);
    await eventually('what was taken is read', () => world.dispatcher.counters.get('handedOver') === CLIENTS);
    await eventually('the dispatcher knows that all have ended', () =>
      world.dispatcher.workers().every(({ open }) => open === 0),
    );
  });

  test('has its maxConnections known', async () => {
    const world = await startDispatchWorld();
    const server = createServer(socket => socket.write('hello'));
    server.maxConnections = 1;
    await serveDispatched(world.socketPath, server);
    afterTest(() => server.close());
    await eventually('it is there', () => readyWorkers(world.dispatcher) === 1);
    const first = await world.connect();
    await eventually('the first is served', () => first.text() === 'hello');
    const second = await world.connect();
    await eventually('the second waits', () => world.dispatcher.counters.get('waited') === 1);
    first.socket.destroy();
    await eventually('the second is served', () => second.text() === 'hello');
    second.socket.destroy();
  });

  test('finds its dispatcher when that comes, and comes back', async () => {
    const socketPath = path.join(temporaryFolder(), 's');
    const troubles: string[] = [];
    const serving = serveDispatched(socketPath, socket => socket.end('here'), {
      onTrouble: error => troubles.push(error.message),
    });
    await eventually('it notices', () => troubles.length === 1);
    expect(troubles[0]).toContain('ENOENT');
    const first = await startDispatchWorld({ socketPath });
    const server = await serving;
    afterTest(() => server.close());
    await first.dispatcher.stop();
    const second = await startDispatchWorld({ socketPath });
    const client = await second.connect();
    await eventually('the answer', () => client.text() === 'here');
  });

  test('is replaced ten times under load, the new one first: no connection is refused, reset or unanswered', async () => {
    const world = await startDispatchWorld();
    const startServer = () => serveDispatched(world.socketPath, socket => socket.on('data', chunk => socket.end(chunk)));
    let server = await startServer();
    const load = new ShortLoad(4, () => world.port);
    for (let at = 0; at < 10; at++) {
      const before = load.answered;
      const fresh = await startServer();
      server.close();
      await once(server, 'close');
      server = fresh;
      await eventually('some more', () => load.answered > before + 3);
    }
    await load.end();
    server.close();
    await eventually('what was taken is read', () => world.dispatcher.counters.get('handedOver') === load.answered);
    const { accepted, handedOver, workersJoined, workersLost, ...others } = world.dispatcher.counters.toObject();
    expect([accepted, handedOver, workersJoined, workersLost]).toEqual([load.answered, load.answered, 11, 0]);
    expect(others).toMatchObject({ takenBack: 0, refusedFull: 0, refusedLate: 0, workersDismissed: 0 });
  });

  test('wants a path, and a server that does not listen', async () => {
    await expect(serveDispatched(undefined, () => undefined)).rejects.toThrow('neither an argument nor LARS_DISPATCH_SOCKET');
    const server = createServer();
    await listening(server);
    await expect(serveDispatched('/x', server)).rejects.toThrow('the server listens already');
    await expect(serveDispatched('/x', {} as Server)).rejects.toThrow('a server of node:net');
  });

  test('leaves at once when it is closed, and is chosen no more', async () => {
    const world = await startDispatchWorld();
    const server = await serveDispatched(world.socketPath, socket => socket.end('x'));
    await eventually('it is there', () => readyWorkers(world.dispatcher) === 1);
    server.close();
    await once(server, 'close');
    await eventually('it is gone', () => world.dispatcher.counters.get('workersLeft') === 1);
    const client = await world.connect();
    await eventually('it waits', () => world.dispatcher.counters.get('waited') === 1);
    expect(client.text()).toBe('');
  });
});
