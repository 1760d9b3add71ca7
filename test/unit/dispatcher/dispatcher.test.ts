/** A dispatcher on real sockets, with workers that do what the test says. */
import { once } from 'node:events';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { serveDispatched } from '@lars/dispatch';
import { encodeFrame } from '@lars/dispatch/protocol';
import { describe, expect, test } from 'vitest';
import {
  afterTest,
  connectClient,
  openDescriptors,
  readyWorkers,
  startDispatchWorld,
  temporaryFolder,
} from '../../support/dispatch-world.ts';
import { eventually } from '../../support/eventually.ts';
import { ScriptedWorker } from '../../support/scripted-worker.ts';

describe('a connection', () => {
  test('goes to the worker with the fewest, and has all bytes that were sent at once', async () => {
    const world = await startDispatchWorld();
    const busy = await world.join({ open: 2 });
    const free = await world.join();
    for (const text of ['first', 'second']) {
      const client = await world.connect();
      client.socket.write(text);
      const socket = await free.take();
      afterTest(() => socket.destroy());
      let got = '';
      socket.on('data', chunk => {
        got += String(chunk);
      });
      await eventually('the bytes', () => got === text);
    }
    expect(busy.frames).toEqual([]);
    await eventually('the word', () => world.dispatcher.counters.get('handedOver') === 2);
  });

  test('that a worker was sent and did not take goes to another when the worker dies', async () => {
    const world = await startDispatchWorld();
    const dying = await world.join();
    const client = await world.connect();
    client.socket.write('still here');
    await dying.next('connection');
    dying.kill();
    const other = await world.join();
    const socket = await other.take();
    afterTest(() => socket.destroy());
    socket.once('data', chunk => socket.end(`echo: ${chunk}`));
    await eventually('the answer', () => client.text() === 'echo: still here' && client.end() === 'ended');
    expect(world.dispatcher.counters.get('takenBack')).toBe(1);
    expect(world.log.events()).toContain('worker lost');
  });

  test('that a worker has taken is lost with it, and no other is', async () => {
    const world = await startDispatchWorld();
    const dying = await world.join();
    const doomed = await world.connect();
    const first = await dying.take();
    const other = await world.join();
    const client = await world.connect();
    const second = await other.take();
    afterTest(() => second.destroy());
    first.destroy();
    dying.kill();
    await eventually('the end of one', () => doomed.end() !== undefined);
    second.write('well');
    await eventually('the answer', () => client.text() === 'well');
    expect(world.dispatcher.counters.get('takenBack')).toBe(0);
  });

  test('is taken from a worker that hangs, within the limit; the word of that worker comes too late', async () => {
    const world = await startDispatchWorld({ handOverMs: 150, limits: { stallMs: 20 } });
    const hanging = await world.join();
    const client = await world.connect();
    const { number } = await hanging.next('connection');
    const other = await world.join();
    const socket = await other.take();
    afterTest(() => socket.destroy());
    expect(world.dispatcher.counters.get('workersDismissed')).toBe(1);
    await eventually('the end of the link', () => hanging.isClosed);
    hanging.say({ kind: 'status', taken: number, open: 1 });
    socket.end('from the other');
    await eventually('the answer', () => client.text() === 'from the other' && client.end() === 'ended');
    expect(readyWorkers(world.dispatcher)).toBe(1);
  });

  test('waits while no worker is there, and is served when one comes', async () => {
    const world = await startDispatchWorld();
    const client = await world.connect();
    await eventually('it waits', () => world.dispatcher.counters.get('waited') === 1);
    const socket = await (await world.join()).take();
    socket.end('late');
    await eventually('the answer', () => client.text() === 'late');
  });

  test('waits no longer than the limit', async () => {
    const world = await startDispatchWorld({ queue: { maxWaitMs: 60 } });
    const client = await world.connect();
    await eventually('the refusal', () => client.end() === 'reset');
    expect(world.dispatcher.counters.get('refusedLate')).toBe(1);
  });

  test.each([
    ['reset', 'reset'],
    ['close', 'ended'],
  ] as const)('is refused at once by %s when enough wait', async (refuseBy, end) => {
    const world = await startDispatchWorld({ queue: { maxConnections: 1 }, refuseBy });
    const first = await world.connect();
    await eventually('it waits', () => world.dispatcher.counters.get('waited') === 1);
    const second = await world.connect();
    await eventually('the refusal', () => second.end() === end);
    expect(first.end()).toBeUndefined();
    expect(world.dispatcher.counters.get('refusedFull')).toBe(1);
  });

  test('of a unix listener and of IPv6 arrives with the number of its listener', async () => {
    const file = path.join(temporaryFolder(), 'app.sock');
    const world = await startDispatchWorld({ listen: [{ host: '::1', port: 0 }, { path: file }] });
    const worker = await world.join();
    await connectClient({ path: file });
    expect(await worker.next('connection')).toMatchObject({ number: 1, listener: 1 });
    await connectClient({ host: '::1', port: world.port });
    expect(await worker.next('connection')).toMatchObject({ number: 2, listener: 0 });
  });
});

describe('workers', () => {
  test('full at one connection each leave the third waiting, until one has ended', async () => {
    const world = await startDispatchWorld();
    const workers = [await world.join({ maxConnections: 1 }), await world.join({ maxConnections: 1 })];
    const clients = [await world.connect(), await world.connect(), await world.connect()];
    const sockets = await Promise.all(workers.map(worker => worker.take()));
    await eventually('the third waits', () => world.dispatcher.counters.get('waited') === 1);
    expect(clients.map(client => client.end())).toEqual([undefined, undefined, undefined]);
    sockets[0]?.destroy();
    workers[0]?.say({ kind: 'status', taken: 1, open: 0 });
    const third = await workers[0]?.take();
    third?.end('served');
    await eventually('the third is served', () => clients.some(client => client.text() === 'served'));
    sockets[1]?.destroy();
  });

  test('that hang get one connection, and the one that does not gets the rest', async () => {
    const world = await startDispatchWorld({ limits: { stallMs: 20 } });
    const hanging = await world.join();
    await world.connect();
    await hanging.next('connection');
    const prompt = await world.join({ open: 50 });
    await new Promise(resolve => setTimeout(resolve, 30));
    for (let at = 1; at <= 10; at++) {
      await world.connect();
      const { number } = await prompt.next('connection');
      prompt.say({ kind: 'status', taken: number, open: 50 + number });
      await eventually('it is known', () => world.dispatcher.counters.get('handedOver') === at);
    }
    expect(hanging.frames).toEqual([]);
  });

  test('that leave get no more, are told of the last connection, and are seen off without a warning', async () => {
    const world = await startDispatchWorld();
    const leaving = await world.join();
    await world.connect();
    const socket = await leaving.take();
    leaving.say({ kind: 'leave' });
    expect(await leaving.next('last')).toEqual({ kind: 'last', number: 1 });
    await world.connect();
    await eventually('it waits', () => world.dispatcher.counters.get('waited') === 1);
    socket.destroy();
    leaving.kill();
    await eventually('it is gone', () => world.dispatcher.counters.get('workersLeft') === 1);
    expect(world.dispatcher.counters.get('workersLost')).toBe(0);
  });

  test('with the ticket of another dispatcher are told to drain', async () => {
    const world = await startDispatchWorld();
    const stranger = await ScriptedWorker.connect(world.socketPath);
    afterTest(() => stranger.kill());
    stranger.say({ kind: 'hello', version: 1, maxConnections: 0, ticket: 77 });
    stranger.attach((await stranger.next('welcome')).session);
    await stranger.next('last');
    await stranger.next('drain');
    expect(readyWorkers(world.dispatcher)).toBe(0);
  });

  const hello = encodeFrame({ kind: 'hello', version: 1, maxConnections: 0, ticket: 0 });
  test.each([
    ['rubbish', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'), 'no worker sends frames of kind'],
    ['a status first', encodeFrame({ kind: 'status', taken: 0, open: 0 }), 'the first frame is status'],
    [
      'a version that never was',
      encodeFrame({ kind: 'hello', version: 0, maxConnections: 0, ticket: 0 }),
      'it speaks version 0, and this is 2',
    ],
    ['hello twice', Buffer.concat([hello, hello]), 'it says hello twice'],
    ['a session that nobody has', encodeFrame({ kind: 'attach', session: 5 }), 'no worker waits to be attached as 5'],
    [
      'connections that it was not given',
      Buffer.concat([hello, encodeFrame({ kind: 'status', taken: 1, open: 0 })]),
      'says to have taken connection 1',
    ],
  ])('that send %s are closed, and others are not', async (_, bytes, message) => {
    const world = await startDispatchWorld();
    const good = await world.join();
    const bad = await ScriptedWorker.connect(world.socketPath);
    afterTest(() => bad.kill());
    bad.write(bytes);
    await eventually('it is closed', () => bad.isClosed);
    expect(world.log.records.map(({ fields }) => String(fields['error'])).join('\n')).toContain(message);
    expect(world.dispatcher.counters.get('workersRefused')).toBe(1);
    const client = await world.connect();
    (await good.take()).end('fine');
    await eventually('the answer', () => client.text() === 'fine');
  });

  test('that lie about their count once they have connections lose those that they have not taken', async () => {
    const world = await startDispatchWorld();
    const lying = await world.join();
    const client = await world.connect();
    await lying.next('connection');
    lying.say({ kind: 'status', taken: 0, open: 3 });
    lying.say({ kind: 'status', taken: 1, open: 5 });
    await eventually('it is closed', () => lying.isClosed);
    (await (await world.join()).take()).end('elsewhere');
    await eventually('the answer', () => client.text() === 'elsewhere');
  });

  test('are counted, and one too many is refused', async () => {
    const world = await startDispatchWorld();
    for (let at = 0; at < 16; at++) await world.join();
    const extra = await ScriptedWorker.connect(world.socketPath);
    afterTest(() => extra.kill());
    extra.write(hello);
    await eventually('it is closed', () => extra.isClosed);
    expect(readyWorkers(world.dispatcher)).toBe(16);
  });
});

describe('the dispatcher', () => {
  test('has the descriptors that it had before, when workers and clients of all kinds have come and gone', async () => {
    const world = await startDispatchWorld();
    const before = openDescriptors();
    for (const version of [1, 2]) {
      const worker = await world.join({ version });
      const clients = await Promise.all(Array.from({ length: 40 }, () => world.connect()));
      await eventually('all are out', () => world.dispatcher.workers()[0]?.untaken === 40);
      worker.kill();
      const half = await ScriptedWorker.connect(world.socketPath);
      half.write(new Uint8Array(7));
      half.kill();
      await eventually('they have come back', () => world.dispatcher.counters.get('takenBack') === version * 40);
      const server = await serveDispatched(world.socketPath, socket => socket.end('x'));
      await eventually('all are answered', () => clients.every(client => client.text() === 'x'));
      for (const { socket } of clients) socket.destroy();
      server.close();
      await once(server, 'close');
    }
    await eventually('the descriptors are closed', () => openDescriptors() <= before);
  });

  test('hands over what waits when it stops, and refuses what nobody takes; its health says that it drains', async () => {
    const world = await startDispatchWorld({ handOverMs: 100, lastWaitMs: 1_000, http: { ip: '127.0.0.1', port: 0 } });
    const health = async () => (await fetch(`http://127.0.0.1:${world.dispatcher.httpPort}/healthz`)).json();
    expect(await health()).toMatchObject({ status: 'failing', details: { reason: 'no worker is there' } });
    const client = await world.connect();
    await eventually('it waits', () => world.dispatcher.counters.get('waited') === 1);
    const stopped = world.dispatcher.stop();
    expect(await health()).toMatchObject({ status: 'degraded', details: { draining: true } });
    await eventually('the refusal', () => client.end() === 'reset');
    await stopped;
    expect(world.dispatcher.counters.get('refusedStopped')).toBe(1);
    expect(existsSync(world.socketPath)).toBe(false);
  });

  test('takes the socket file of one that is gone, not that of a living one, nor any other file', async () => {
    const folder = temporaryFolder();
    const world = await startDispatchWorld();
    await expect(startDispatchWorld({ socketPath: world.socketPath })).rejects.toThrow('is taken: another process listens there');
    const file = path.join(folder, 'file');
    writeFileSync(file, 'precious');
    await expect(startDispatchWorld({ socketPath: file })).rejects.toThrow(`--socket ${file} is a file that is no socket`);
    await expect(startDispatchWorld({ socketPath: path.join(folder, 'no', 'such') })).rejects.toThrow('cannot be opened: ');
    expect(statSync(world.socketPath).mode & 0o777).toBe(0o600);
  });

  test('makes the file of the workers anew when somebody has taken it away', async () => {
    const world = await startDispatchWorld();
    (await world.join()).kill();
    rmSync(world.socketPath);
    await eventually('it is there again', () => existsSync(world.socketPath));
    expect(statSync(world.socketPath).mode & 0o777).toBe(0o600);
    const client = await world.connect();
    (await (await world.join()).take()).end('fine');
    await eventually('the answer', () => client.text() === 'fine');
  });

  test('makes the file of a --listen anew, and serves those who had connected before', async () => {
    const file = path.join(temporaryFolder(), 'app.sock');
    const world = await startDispatchWorld({ listen: [{ path: file }] });
    const before = await connectClient({ path: file });
    rmSync(file);
    await eventually('it is there again', () => existsSync(file));
    const after = await connectClient({ path: file });
    const worker = await world.join();
    for (const client of [before, after]) {
      (await worker.take()).end('fine');
      await eventually('the answer', () => client.text() === 'fine');
    }
    await world.dispatcher.stop();
    expect(existsSync(file)).toBe(false);
  });

  test('leaves the files of another one alone that has come to its paths, and says so', async () => {
    const listen = [{ path: path.join(temporaryFolder(), 'app.sock') }];
    const first = await startDispatchWorld({ listen });
    for (const file of [first.socketPath, listen[0]?.path ?? '']) rmSync(file);
    const second = await startDispatchWorld({ listen, socketPath: first.socketPath });
    await eventually('it is noticed', () => first.log.events().some(event => event.startsWith('another file is at the path')));
    await first.dispatcher.stop();
    expect(existsSync(listen[0]?.path ?? '')).toBe(true);
    (await second.join()).kill();
    await second.dispatcher.stop();
    expect([existsSync(listen[0]?.path ?? ''), existsSync(first.socketPath)]).toEqual([false, false]);
  });

  test('names the port that is taken', async () => {
    const world = await startDispatchWorld();
    const listen = [{ host: '127.0.0.1', port: world.port }];
    await expect(startDispatchWorld({ listen })).rejects.toThrow(
      `TCP port 127.0.0.1:${world.port} (--listen) is taken: another process listens there`,
    );
  });
});
