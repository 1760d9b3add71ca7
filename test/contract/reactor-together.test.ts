/** Several engines in one thread: they cost nothing while nothing happens, and none waits for another. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createEngine, type Engine, type EngineKind, ResourceLedger } from '@lars/reactor';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  afterTest,
  descriptors,
  echo,
  listenWith,
  NotingHandler,
  nativeKinds,
  openEngine,
  pattern,
  sleep,
} from './reactor-harness.ts';

const MIXES: readonly (readonly EngineKind[])[] = [
  ['epoll', 'epoll'],
  ['io_uring', 'io_uring'],
  ['epoll', 'io_uring'],
  ['epoll', 'io_uring', 'epoll', 'io_uring', 'io_uring'],
  ['epoll', 'epoll', 'epoll', 'epoll', 'epoll'],
];
const mixes = MIXES.filter(mix => mix.every(kind => nativeKinds.some(one => one === kind)));
/** Echoes bytes of connections, when whoever sent them waits already, and messages. */
const ELSEWHERE = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer(socket =>
    socket.on('error', () => undefined).on('data', bytes => setTimeout(() => socket.write(bytes), 2)));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  parentPort.on('message', message => parentPort.postMessage(message));
`;

interface Echoing {
  readonly engine: Engine;
  readonly port: number;
}

async function openEchoing(kind: EngineKind): Promise<Echoing> {
  const engine = await openEngine(kind);
  return { engine, port: (await listenWith(engine, echo)).address.port };
}

/** The share of one processor that this process needs, from 0 to 1. */
async function busyFor(ms: number): Promise<number> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  await sleep(ms);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - startMs);
}

/** One byte there and back, so many times. @returns how long one took in the middle, ms */
function roundTrips(engine: Engine, port: number, times: number): Promise<number> {
  const took: number[] = [];
  let sentMs = 0;
  return new Promise(resolve => {
    engine.connect(
      { port },
      {
        onConnect: one => {
          sentMs = performance.now();
          one.write(pattern(1));
        },
        onData: one => {
          took.push(performance.now() - sentMs);
          sentMs = performance.now();
          if (took.length < times) one.write(pattern(1));
          else {
            one.destroy();
            resolve(took.toSorted((a, b) => a - b)[times >> 1] as number);
          }
        },
      },
    );
  });
}

describe.each(mixes.map(mix => ({ mix, name: mix.join(' and ') })))('engines of one thread: $name', ({ mix }) => {
  test('while nothing happens they cost nothing', async () => {
    for (const kind of mix) await openEchoing(kind);
    await sleep(50);
    // Engines that wait for one another use all of it.
    await eventually('the thread waits', async () => (await busyFor(300)) < 0.4);
  });

  test('none waits for another, nor does the event loop', async () => {
    const all: Echoing[] = [];
    for (const kind of mix) all.push(await openEchoing(kind));
    // From each to the next.
    for (const [at, { engine }] of all.entries()) {
      const { port } = all[(at + 1) % all.length] as Echoing;
      // Behind a wait each of them would take 10 ms.
      await eventually('bytes come at once', async () => (await roundTrips(engine, port, 21)) < 5);
    }
    const worker = new Worker(ELSEWHERE, { eval: true });
    afterTest(() => worker.terminate());
    const [elsewhere] = (await once(worker, 'message')) as [number];
    for (const { engine } of all)
      await eventually('bytes of others come at once', async () => (await roundTrips(engine, elsewhere, 21)) < 7);
    const message = async () => {
      const sentMs = performance.now();
      worker.postMessage('hello');
      await once(worker, 'message');
      return performance.now() - sentMs;
    };
    await eventually('messages come at once', async () => (await message()) < 5);
  });

  test('many results at once are all told, in bulk too', async () => {
    const all: Echoing[] = [];
    for (const kind of mix) all.push(await openEchoing(kind));
    const bytes = pattern(100_000);
    const handlers: NotingHandler[] = [];
    for (const [at, { engine }] of all.entries()) {
      const { port } = all[(at + 1) % all.length] as Echoing;
      for (let count = 0; count < 60; count++) {
        const handler = new NotingHandler();
        handlers.push(handler);
        engine.connect(
          { port },
          Object.assign(handler, { onConnect: (one: { write(all: Uint8Array): boolean }) => one.write(bytes) }),
        );
      }
    }
    await eventually('all is here', () => handlers.every(handler => handler.bytes === bytes.length));
    expect(handlers.every(({ received }) => received.equals(bytes))).toBe(true);
  });

  test('the others go on when one is closed, and at the end nothing is left open', async () => {
    const before = descriptors();
    const ledgers = mix.map(() => new ResourceLedger());
    const engines: Engine[] = [];
    for (const [at, kind] of mix.entries()) {
      const ledger = ledgers[at] as ResourceLedger;
      engines.push(await createEngine({ kind }, { ledger }));
    }
    // What another thread would have to close: all that they have opened, each once.
    const noted = ledgers.flatMap(ledger => new ResourceLedger(ledger.buffer.slice(0)).takeAll().fds);
    expect(new Set(noted).size).toBe(noted.length);
    expect(noted).toHaveLength(descriptors() - before);
    while (engines.length > 0) {
      await (engines.shift() as Engine).close();
      const [next] = engines;
      if (next === undefined) break;
      const listener = await listenWith(next, echo);
      await eventually('it serves', async () => (await roundTrips(next, listener.address.port, 5)) < 100);
      await eventually('it fires timers', () => new Promise<boolean>(resolve => void next.after(1, () => resolve(true))));
    }
    expect(ledgers.flatMap(ledger => ledger.takeAll().fds)).toEqual([]);
    expect(descriptors()).toBeLessThanOrEqual(before);
  });
});
