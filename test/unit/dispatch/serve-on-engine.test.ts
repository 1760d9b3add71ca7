/** Connections of a dispatcher on an engine of the reactor, each kind of it. */
import { serveDispatched, serveDispatchedOn } from '@lars/dispatch';
import { type Connection, createEngine, type Engine, type EngineKind, type HandlerFactory } from '@lars/reactor';
import { describe, expect, test } from 'vitest';
import {
  afterTest,
  type Client,
  type DispatchWorld,
  openDescriptors,
  readyWorkers,
  ShortLoad,
  startDispatchWorld,
} from '../../support/dispatch-world.ts';
import { eventually } from '../../support/eventually.ts';
import { kinds } from '../../support/running-engines.ts';

const CLIENTS = 200;
const MIB = 2 ** 20;

async function openEngine(kind: EngineKind): Promise<Engine> {
  const engine = await createEngine({ kind });
  afterTest(() => engine.close());
  return engine;
}

const echo: HandlerFactory = connection => ({
  onData: (_, bytes) => {
    if (!connection.write(bytes)) connection.pause();
  },
  onDrain: () => connection.resume(),
});

const answerOnce: HandlerFactory = connection => ({
  onData: (_, bytes) => {
    connection.write(bytes);
    connection.end();
  },
});

async function serve(world: DispatchWorld, kind: EngineKind, factory: HandlerFactory = echo) {
  const engine = await openEngine(kind);
  const service = await serveDispatchedOn(engine, world.socketPath, factory);
  afterTest(() => service.close());
  return { engine, service };
}

const openAt = (world: DispatchWorld): number => world.dispatcher.workers()[0]?.open ?? -1;

describe.each(kinds)('a worker on %s', kind => {
  test('serves what comes, whole, and has nothing left when its clients have gone', async () => {
    const world = await startDispatchWorld();
    const { engine, service } = await serve(world, kind);
    const before = openDescriptors();
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => world.connect()));
    await eventually('all are served', () => service.connections === CLIENTS && openAt(world) === CLIENTS);
    for (const [at, client] of clients.entries()) client.socket.end(`${at} `.repeat(at + 1));
    for (const [at, client] of clients.entries()) {
      await eventually('the end', () => client.end());
      expect([client.text(), client.end()]).toEqual([`${at} `.repeat(at + 1), 'ended']);
    }
    await eventually('none is open', () => service.connections === 0 && openAt(world) === 0);
    expect(engine.stats()).toMatchObject({ open: 0, handlerErrors: 0 });
    await eventually('no descriptor stays', () => openDescriptors() <= before);
  });

  test('moves megabytes each way', async () => {
    const world = await startDispatchWorld();
    await serve(world, kind);
    const client = await world.connect();
    client.socket.end('0123456789abcdef'.repeat(MIB / 4));
    await eventually('the end', () => client.end());
    expect(client.text() === '0123456789abcdef'.repeat(MIB / 4)).toBe(true);
  });

  // The dispatcher keeps its own descriptor of what it does not know to be taken: it is stopped, as it were, by whoever has its thread.
  test.each([
    ['ends', (one: Connection) => one.end(), 'ended'],
    ['resets', (one: Connection) => one.reset(), 'reset'],
  ] as const)('whose handler %s a connection, which the client sees', async (_, act, expected) => {
    const world = await startDispatchWorld();
    const { service } = await serve(world, kind, one => ({ onData: () => act(one) }));
    const ask = async (): Promise<Client> => {
      const client = await world.connect();
      client.socket.write('?');
      await eventually('the end', () => client.end());
      client.socket.end();
      return client;
    };
    for (const client of await Promise.all(Array.from({ length: 20 }, ask))) expect(client.end()).toBe(expected);
    await eventually('none is open', () => service.connections === 0 && openAt(world) === 0);
  });

  test('whose engine was closed before: what comes is closed, and counts no more', async () => {
    const world = await startDispatchWorld();
    const errors = catchUncaught();
    const { engine, service } = await serve(world, kind);
    await engine.close();
    const before = openDescriptors();
    const client = await world.connect();
    await eventually('the end', () => client.end());
    client.socket.destroy();
    expect(errors).toMatchObject([{ code: 'ENGINE_CLOSED' }]);
    await eventually('none is open', () => service.connections === 0 && openAt(world) === 0);
    await eventually('no descriptor stays', () => openDescriptors() <= before);
    await service.close();
  });

  test('closes when its last connection has ended, and takes no more meanwhile', async () => {
    const world = await startDispatchWorld();
    const { service } = await serve(world, kind);
    const client = await world.connect();
    await eventually('it is served', () => service.connections === 1);
    let isClosed = false;
    const closed = service.close().then(() => {
      isClosed = true;
    });
    await eventually('it is chosen no more', () => readyWorkers(world.dispatcher) === 0);
    const waiting = await world.connect();
    await eventually('it is accepted', () => world.dispatcher.counters.get('accepted') === 2);
    expect([isClosed, service.connections]).toEqual([false, 1]);
    client.socket.end('last words');
    await closed;
    await eventually('the end', () => client.end());
    expect(client.text()).toBe('last words');
    expect(waiting.end()).toBeUndefined();
  });

  test('takes turns with one of node:net: no connection is lost when one of them goes', async () => {
    const world = await startDispatchWorld();
    const load = new ShortLoad(4, () => world.port);
    for (let round = 0; round < 3; round++) {
      const { service } = await serve(world, kind, answerOnce);
      const atStart = load.answered;
      await eventually('it serves', () => load.answered > atStart + 20);
      const server = await serveDispatched(world.socketPath, socket => socket.once('data', bytes => socket.end(bytes)));
      await service.close();
      const atEnd = load.answered;
      const { service: next } = await serve(world, kind, answerOnce);
      await new Promise(resolve => server.close(resolve));
      await eventually('the next one serves', () => load.answered > atEnd + 20);
      if (round === 2) await load.end();
      await next.close();
    }
  });
});

function catchUncaught(): readonly unknown[] {
  const errors: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', error => errors.push(error));
  afterTest(() => {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  });
  return errors;
}

test('a handler that cannot be made resets its connection, and nothing else', async () => {
  const world = await startDispatchWorld();
  const errors = catchUncaught();
  let made = 0;
  const { service } = await serve(world, 'node', (connection, listener) => {
    made += 1;
    if (made === 1) throw new Error('no handler today');
    return echo(connection, listener);
  });
  const first = await world.connect();
  await eventually('it is reset', () => first.end() === 'reset');
  const second = await world.connect();
  second.socket.end('second');
  await eventually('the end', () => second.end());
  expect(second.text()).toBe('second');
  expect(errors).toMatchObject([{ message: 'no handler today' }]);
  await eventually('none is open', () => service.connections === 0);
});
