/** Dispatchers that take over from one another while clients connect: nobody is refused, and nothing is lost. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { serveDispatched } from '@lars/dispatch';
import { createEngine } from '@lars/reactor';
import { encodeSuccessionFrame } from '@lars/runtime/succession/frames';
import { Predecessor } from '@lars/runtime/succession/predecessor';
import { expect, test } from 'vitest';
import {
  afterTest,
  connectClient,
  type DispatchWorld,
  openDescriptors,
  readyWorkers,
  ShortLoad,
  startDispatchWorld,
  temporaryFolder,
  type WorldOptions,
} from '../../support/dispatch-world.ts';
import { eventually } from '../../support/eventually.ts';
import { SIZED_TIMEOUT_MS, sized } from '../../support/full-size.ts';
import { descriptorsHere, ScriptedWorker } from '../../support/scripted-worker.ts';

const LOOPBACK = '127.0.0.1';
const TAKEOVERS = sized(3, 20);
const ANSWERS_EACH = sized(20, 150);

/** A dispatcher that takes over from this one. */
const takeOver = ({ socketPath, port }: DispatchWorld, options: WorldOptions = {}) =>
  startDispatchWorld({ socketPath, listen: [{ host: LOOPBACK, port }], takesOver: true, ...options });

test(
  `${TAKEOVERS} times under load: no connection is refused, reset or unanswered, and workers keep what they have`,
  async () => {
    let world = await startDispatchWorld();
    const kept: Socket[] = [];
    const server = await serveDispatched(world.socketPath, socket => {
      socket.on('data', chunk => {
        if (String(chunk) === 'keep') kept.push(socket);
        else socket.end(chunk);
      });
    });
    const lasting = await connectClient({ host: LOOPBACK, port: world.port }, 'keep');
    await eventually('it is kept', () => kept.length === 1);
    const before = openDescriptors();
    const load = new ShortLoad(6, () => world.port);
    await eventually('the load', () => load.answered > 20);
    for (let at = 0; at < TAKEOVERS; at++) {
      const old = world;
      world = await takeOver(old);
      await old.dispatcher.handOver.done;
      const seen = load.answered;
      await eventually('some more', () => load.answered > seen + ANSWERS_EACH);
      await eventually('the worker is here, with what it has', () => (world.dispatcher.workers()[0]?.open ?? 0) > 0);
      const { accepted, handedOver, movedOn, ...others } = old.dispatcher.counters.toObject();
      expect(handedOver + movedOn).toBe(accepted);
      expect(others).toMatchObject({ refusedFull: 0, refusedLate: 0, refusedStopped: 0, workersLost: 0, workersDismissed: 0 });
    }
    await load.end();
    kept[0]?.end('still here');
    await eventually('the answer', () => lasting.text() === 'still here');
    lasting.socket.destroy();
    server.close();
    await once(server, 'close');
    await eventually('no descriptor has stayed', () => openDescriptors() <= before);
  },
  SIZED_TIMEOUT_MS,
);

test('what no worker has taken goes along, and is served there; a worker of version 1 comes along too', async () => {
  const file = path.join(temporaryFolder(), 'app.sock');
  const old = await startDispatchWorld({ listen: [{ host: LOOPBACK, port: 0 }, { path: file }] });
  const full = await old.join({ maxConnections: 1, open: 1 });
  const clients = [await old.connect(), await connectClient({ path: file }), await connectClient({ path: file })];
  await eventually('all wait', () => old.dispatcher.counters.get('waited') === 3);
  const fresh = await takeOver(old, { listen: [{ path: file }, { host: LOOPBACK, port: old.port }] });
  await old.dispatcher.handOver.done;
  await eventually('the worker is let go', () => full.isClosed);
  expect(old.dispatcher.counters.get('movedOn')).toBe(3);
  const worker = await fresh.join();
  const listeners: number[] = [];
  for (let at = 0; at < 3; at++) {
    const { number, listener } = await worker.next('connection');
    listeners.push(listener);
    worker.say({ kind: 'status', taken: number, open: number });
    worker.closeDescriptor(worker.receive() ?? -1);
  }
  expect(listeners.toSorted()).toEqual([0, 0, 1]);
  await eventually('they are served', () => clients.every(client => client.end() === 'ended'));
  await fresh.dispatcher.stop();
  expect([existsSync(file), existsSync(old.socketPath)]).toEqual([false, false]);
});

test('a place that is new is opened, and one that is no longer wanted is closed', async () => {
  const files = ['one.sock', 'two.sock'].map(name => path.join(temporaryFolder(), name));
  const [one = '', two = ''] = files;
  const old = await startDispatchWorld({ listen: [{ path: one }, { host: LOOPBACK, port: 0 }] });
  const port = Number(old.dispatcher.places[1]?.split(':').at(-1));
  const fresh = await startDispatchWorld({
    socketPath: old.socketPath,
    listen: [{ host: LOOPBACK, port }, { path: two }],
    takesOver: true,
  });
  await old.dispatcher.handOver.done;
  expect([existsSync(one), existsSync(two)]).toEqual([false, true]);
  const worker = await fresh.join();
  await connectClient({ host: LOOPBACK, port });
  expect(await worker.next('connection')).toMatchObject({ listener: 0 });
  await connectClient({ path: two });
  expect(await worker.next('connection')).toMatchObject({ listener: 1 });
});

test(
  `restarted ${TAKEOVERS} times under load, with a listening socket that somebody else keeps open: no connection is refused, reset or unanswered`,
  async () => {
    const engine = await createEngine({ kind: 'epoll' });
    afterTest(() => engine.close());
    const keeper = await engine.acceptDescriptors({ port: 0 }, { onDescriptor: () => undefined, onAccepted: () => undefined });
    keeper.pause();
    const { port } = keeper.address;
    const descriptors = await descriptorsHere();
    const socketPath = path.join(temporaryFolder(), 'dispatch.sock');
    const start = () =>
      startDispatchWorld({
        socketPath,
        listen: [{ host: LOOPBACK, port }],
        inheritedFds: [descriptors.duplicate(keeper.fd ?? -1)],
        lastWaitMs: 5_000,
      });
    let world = await start();
    const server = await serveDispatched(socketPath, socket => socket.on('data', chunk => socket.end(chunk)));
    afterTest(() => server.close());
    let isOver = false;
    let answered = 0;
    const load = Array.from({ length: 6 }, async () => {
      while (!isOver) {
        const client = await connectClient({ host: LOOPBACK, port }, 'short');
        await eventually('the end', () => client.end());
        expect([client.text(), client.end()]).toEqual(['short', 'ended']);
        client.socket.destroy();
        answered += 1;
      }
    });
    for (let at = 0; at < TAKEOVERS; at++) {
      const seen = answered;
      await eventually('some more', () => answered > seen + ANSWERS_EACH);
      await world.dispatcher.stop();
      expect(world.dispatcher.counters.toObject()).toMatchObject({ refusedStopped: 0, refusedLate: 0 });
      world = await start();
    }
    isOver = true;
    await Promise.all(load);
  },
  SIZED_TIMEOUT_MS,
);

test('without a dispatcher to take over from it starts as ever', async () => {
  const world = await startDispatchWorld({ takesOver: true });
  (await world.join()).kill();
  expect(existsSync(world.socketPath)).toBe(true);
});

test('one that goes away before it is ready changes nothing', async () => {
  const old = await startDispatchWorld();
  const server = await serveDispatched(old.socketPath, socket => socket.end('old'));
  afterTest(() => server.close());
  const before = openDescriptors();
  // The place of the second --listen is taken, by the first.
  const listen = [0, 1].map(() => ({ host: LOOPBACK, port: old.port }));
  await expect(takeOver(old, { listen })).rejects.toThrow(`TCP port ${LOOPBACK}:${old.port} (--listen) is taken`);
  await eventually('the old one knows', () =>
    old.log.events().includes('the dispatcher that was to take over went away: this one goes on'),
  );
  const client = await old.connect();
  await eventually('the answer', () => client.text() === 'old');
  client.socket.destroy();
  (await old.join()).kill();
  await eventually('one worker', () => readyWorkers(old.dispatcher) === 1);
  await eventually('no descriptor has stayed', () => openDescriptors() <= before);
  expect(existsSync(old.socketPath)).toBe(true);
  const fresh = await takeOver(old);
  await old.dispatcher.handOver.done;
  await eventually('the worker has moved', () => readyWorkers(fresh.dispatcher) === 1);
});

test('descriptors that somebody else has opened are used where they are wanted, and closed where not', async () => {
  const engine = await createEngine({ kind: 'epoll' });
  const [wanted, other] = [await engine.listen({ port: 0 }, () => undefined), await engine.listen({ port: 0 }, () => undefined)];
  const { port } = wanted.address;
  const early = connectClient({ host: LOOPBACK, port }, 'early');
  const inheritedFds = [other.detach(), wanted.detach()];
  await engine.close();
  const client = await early;
  const world = await startDispatchWorld({ listen: [{ host: LOOPBACK, port }], inheritedFds });
  const server = await serveDispatched(world.socketPath, socket => socket.pipe(socket));
  afterTest(() => server.close());
  await eventually('what waited before is answered', () => client.text() === 'early');
  client.socket.destroy();
  const refused = await connectClient({ host: LOOPBACK, port: other.address.port });
  await eventually('nobody listens there', () => refused.end() === 'reset');
  expect(world.log.records.find(({ event }) => event.startsWith('a listening socket was inherited'))?.fields).toEqual({
    address: `127.0.0.1:${other.address.port}`,
  });
  const file = path.join(temporaryFolder(), 'of-systemd.sock');
  const owner = await createEngine({ kind: 'epoll' });
  const fd = (await owner.listen({ path: file }, () => undefined)).detach();
  await owner.close();
  const withFile = await startDispatchWorld({ listen: [{ path: file }], inheritedFds: [fd] });
  await withFile.dispatcher.stop();
  expect(existsSync(file)).toBe(true);
  await expect(startDispatchWorld({ inheritedFds: [1] })).rejects.toThrow('descriptor 1 was inherited, and cannot be used');
});

/** Says what the test says, and keeps what it is offered. */
async function rawSuccessor(socketPath: string) {
  const descriptors = await descriptorsHere();
  const socket = descriptors.connect(socketPath);
  const offered: number[] = [];
  return {
    offered,
    say: (bytes: Uint8Array) => descriptors.sendBytes(socket, bytes),
    isClosed: (): boolean => {
      const received = descriptors.receive(socket);
      if (received.kind === 'message') offered.push(...received.fds);
      return received.kind === 'gone';
    },
    close: () => {
      for (const fd of [socket, ...offered]) descriptors.close(fd);
    },
  };
}

const succeed = encodeSuccessionFrame({ kind: 'succeed', version: 2, service: 'dispatcher' });
test.each([
  [
    'in the middle of something else',
    Buffer.concat([succeed, Buffer.from([4, ...new Array(15).fill(0)])]),
    'nobody who takes over sends frames of kind 4',
  ],
  ['twice', Buffer.concat([succeed, succeed]), 'it says succeed twice'],
  ['with rubbish', Buffer.concat([succeed, Buffer.alloc(16, 0xff)]), 'nobody who takes over sends frames of kind 4294967295'],
  ['for another service', encodeSuccessionFrame({ kind: 'succeed', version: 2, service: 'proxy' }), 'a proxy does not take over'],
])('one that speaks %s is closed, and the old one goes on', async (_, bytes, message) => {
  const world = await startDispatchWorld();
  const bad = await rawSuccessor(world.socketPath);
  bad.say(bytes);
  await eventually('it is closed', () => bad.isClosed());
  bad.close();
  expect(world.log.records.map(({ fields }) => String(fields['error'])).join('\n')).toContain(message);
  const client = await world.connect();
  (await (await world.join()).take()).end('fine');
  await eventually('the answer', () => client.text() === 'fine');
});

test('two cannot take over at once', async () => {
  const world = await startDispatchWorld();
  const first = await rawSuccessor(world.socketPath);
  const second = await ScriptedWorker.connect(world.socketPath);
  afterTest(() => second.kill());
  second.write(Buffer.alloc(1));
  first.say(succeed);
  await eventually('it is offered what listens', () => !first.isClosed() && first.offered.length === 2);
  second.write(succeed.subarray(1));
  second.write(Buffer.alloc(16));
  await eventually('it is closed', () => second.isClosed);
  first.close();
  await (await world.join()).kill();
});

test('one that is told to stop before it has taken over leaves all to the one before', async () => {
  const old = await startDispatchWorld();
  const worker = await old.join();
  await expect(takeOver(old, { stopping: AbortSignal.abort() })).rejects.toThrow('the process before goes on');
  await old.connect();
  await worker.next('connection');
});

test('one that ends while another is about to take over leaves it the files of its sockets', async () => {
  const listen = [{ path: path.join(temporaryFolder(), 'app.sock') }];
  const old = await startDispatchWorld({ listen });
  const descriptors = await descriptorsHere();
  const place = { service: 'dispatcher', path: old.socketPath } as const;
  const met = await Predecessor.meet({ descriptors, log: old.log.log }, place);
  await old.dispatcher.stop();
  expect([existsSync(listen[0]?.path ?? ''), existsSync(old.socketPath)]).toEqual([true, true]);
  expect(await met?.predecessor.release([0])).toBeUndefined();
  expect(old.log.events()).toContain('the process before has ended before it had handed over: this one goes on alone');
  met?.predecessor.close();
  for (const fd of met?.fds ?? []) descriptors.close(fd);
});

test('a place that is taken, where nobody is met to take it over from, is named with both', async () => {
  const { port } = await startDispatchWorld();
  const socketPath = path.join(temporaryFolder(), 'other.sock');
  const opening = startDispatchWorld({ socketPath, listen: [{ host: LOOPBACK, port }], takesOver: true });
  await expect(opening).rejects.toThrow(
    `is taken: another process listens there (nobody answers at ${socketPath}, so nothing was taken over)`,
  );
});
