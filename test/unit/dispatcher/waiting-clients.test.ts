/** Clients that wait for a worker, and leave: whoever is certain to be gone gives its place back, and whoever may want an answer keeps it. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { WaitingQueue } from '../../../dispatcher/src/waiting-queue.ts';
import { connectClient, openDescriptors, startDispatchWorld, temporaryFolder } from '../../support/dispatch-world.ts';
import { eventually } from '../../support/eventually.ts';

test('places of clients that reset, or closed a UNIX socket, are given back and counted; half-closed ones are served', async () => {
  const file = path.join(temporaryFolder(), 'app.sock');
  const world = await startDispatchWorld({
    listen: [{ host: '127.0.0.1', port: 0 }, { path: file }],
    queue: { maxConnections: 6 },
  });
  const { counters } = world.dispatcher;
  const before = openDescriptors();
  const [reset, halfClosed, patient] = [await world.connect(), await world.connect(), await world.connect()];
  const [closed, spoke, halfClosedUnix] = [
    await connectClient({ path: file }),
    await connectClient({ path: file }, 'last words'),
    await connectClient({ path: file }),
  ];
  await eventually('all wait', () => counters.get('waited') === 6);
  const refused = await world.connect();
  await eventually('there is no room', () => refused.end() === 'reset');
  reset.socket.resetAndDestroy();
  halfClosed.socket.end('half');
  closed.socket.destroy();
  halfClosedUnix.socket.end('half');
  spoke.socket.destroy();
  await eventually('two have left', () => counters.get('clientsGone') === 2);
  // Two more have room.
  const late = [await world.connect(), await world.connect()];
  await eventually('they wait', () => counters.get('waited') === 8);
  expect(counters.get('refusedFull')).toBe(1);
  const worker = await world.join();
  for (let at = 0; at < 6; at++)
    (await worker.take())
      .on('error', () => undefined)
      .resume()
      .end('answer');
  for (const client of [halfClosed, halfClosedUnix, patient, ...late])
    await eventually('the answer', () => client.text() === 'answer' && client.end() === 'ended');
  await eventually('the worker has said that it took them', () => counters.get('handedOver') >= 6);
  expect(counters.toObject()).toMatchObject({ accepted: 9, handedOver: 6, clientsGone: 2, refusedFull: 1, refusedLate: 0 });
  for (const { socket } of [halfClosed, halfClosedUnix, patient, ...late]) socket.destroy();
  worker.kill();
  await eventually('no descriptor has stayed', () => openDescriptors() <= before);
});

test('a newcomer has the place of one that has left in the same moment', async () => {
  const world = await startDispatchWorld({ queue: { maxConnections: 50 } });
  const { counters } = world.dispatcher;
  for (let round = 1; round <= 4; round++) {
    const clients = await Promise.all(Array.from({ length: 50 }, () => world.connect()));
    await eventually('all wait', () => counters.get('waited') === 50 * round);
    for (const { socket } of clients) socket.resetAndDestroy();
  }
  await eventually('all are gone', () => counters.get('clientsGone') === 200);
  expect(counters.get('refusedFull')).toBe(0);
});

test('a newcomer without room has the place of the first that has ended without a byte: no other has to go, nor one that has asked', async () => {
  const world = await startDispatchWorld({ queue: { maxConnections: 4 } });
  const { counters } = world.dispatcher;
  const [silent, asking, silentToo] = [await world.connect(), await world.connect(), await world.connect()];
  for (const { socket } of [silent, silentToo]) socket.end();
  asking.socket.end('ask');
  const patient = await world.connect();
  await eventually('all wait', () => counters.get('waited') === 4);
  // Some looks later all are there, though there is no room: nobody else wants it.
  await new Promise(resolve => setTimeout(resolve, 100));
  expect(counters.get('clientsGone')).toBe(0);
  const late = await world.connect();
  await eventually('it waits', () => counters.get('waited') === 5);
  expect(counters.get('clientsGone')).toBe(1);
  const worker = await world.join();
  for (let at = 0; at < 4; at++) (await worker.take()).resume().end('answer');
  for (const client of [asking, silentToo, patient, late]) await eventually('the answer', () => client.text() === 'answer');
  expect(silent.text()).toBe('');
  await eventually('the worker has said that it took them', () => counters.get('handedOver') >= 4);
  expect(counters.toObject()).toMatchObject({ handedOver: 4, clientsGone: 1, refusedFull: 0 });
});

test('a client that has closed, which by TCP may be one that waits, keeps its place until its time is over, and no longer', async () => {
  const world = await startDispatchWorld({ queue: { maxConnections: 4, maxWaitMs: 300 } });
  const { counters } = world.dispatcher;
  const [closed, asked, waits] = [await world.connect(), await world.connect(), await world.connect()];
  closed.socket.destroy();
  asked.socket.write('ask', () => asked.socket.destroy());
  waits.socket.end('ask');
  await eventually('their time is over', () => counters.get('refusedLate') === 3);
  expect(counters.get('clientsGone')).toBe(0);
  await eventually('the one that waits is told', () => waits.end() === 'reset');
});

test('of very many each has its turn', () => {
  const queue = new WaitingQueue({ maxConnections: 5_000, maxWaitMs: 1_000 });
  for (let fd = 0; fd < 5_000; fd++) queue.add({ fd, listener: 0, acceptedMs: fd });
  const asked = new Set<number>();
  let most = 0;
  for (let sweep = 0; sweep < 5; sweep++) {
    queue.sweep(connections => {
      most = Math.max(most, connections.length);
      for (const { fd } of connections) asked.add(fd);
      return connections.filter(({ fd }) => fd % 2 === 0);
    });
  }
  expect([asked.size, queue.size, most]).toEqual([5_000, 2_500, 1_024]);
  expect(queue.first?.fd).toBe(1);
});
