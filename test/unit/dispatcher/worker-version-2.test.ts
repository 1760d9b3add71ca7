/** A dispatcher on real sockets, with workers that share memory with it, and write there what the test says. */
import { connect } from 'node:net';
import { decodeDispatcherFrame, encodeFrame } from '@lars/dispatch/protocol';
import { WorkerStatus } from '@lars/dispatch/shared-status';
import { describe, expect, test } from 'vitest';
import { afterTest, startDispatchWorld } from '../../support/dispatch-world.ts';
import { eventually } from '../../support/eventually.ts';
import { descriptorsHere } from '../../support/scripted-worker.ts';

describe('a worker of version 2', () => {
  test('gets the connections of a turn in one message, counts them itself, and is chosen by what it has', async () => {
    const world = await startDispatchWorld();
    const worker = await world.join({ version: 2, open: 3 });
    const status = await worker.openStatus();
    await world.connect();
    await worker.next('look');
    const first = worker.receiveAll();
    expect(status.take(first.length, 3 + first.length)).toBe(true);
    await eventually('it is read', () => world.dispatcher.counters.get('handedOver') === first.length);
    expect(world.dispatcher.workers()).toMatchObject([{ open: 4, untaken: 0, taken: 1 }]);
    const other = await world.join({ version: 2, open: 1 });
    await other.openStatus();
    for (let at = 0; at < 3; at++) await world.connect();
    await other.next('look');
    await eventually('all are given out', () => world.dispatcher.workers().every(({ open, untaken }) => open + untaken === 4));
    status.tellOpen(0);
    await world.connect();
    await worker.next('look');
    for (const fd of [...first, ...worker.receiveAll()]) worker.closeDescriptor(fd);
  });

  test('that hangs can take nothing when another one has its connections', async () => {
    const world = await startDispatchWorld({ handOverMs: 100, limits: { stallMs: 20 } });
    const hanging = await world.join({ version: 2 });
    const status = await hanging.openStatus();
    const client = await world.connect();
    await hanging.next('look');
    const [fd = -1] = hanging.receiveAll();
    const other = await world.join();
    const socket = await other.take();
    afterTest(() => socket.destroy());
    expect(status.take(1, 1)).toBe(false);
    hanging.closeDescriptor(fd);
    socket.end('from the other');
    await eventually('the answer', () => client.text() === 'from the other' && client.end() === 'ended');
    expect(world.dispatcher.counters.get('workersDismissed')).toBe(1);
  });

  test('that is so busy with what comes that it reads no frame goes on getting connections', async () => {
    const world = await startDispatchWorld();
    const descriptors = await descriptorsHere();
    const [control, second] = [descriptors.connect(world.socketPath), descriptors.connect(world.socketPath)];
    afterTest(() => [control, second].map(fd => descriptors.close(fd)));
    descriptors.sendBytes(control, encodeFrame({ kind: 'hello', version: 2, maxConnections: 0, ticket: 0 }));
    const next = (fd: number) =>
      eventually('a message', () => {
        const received = descriptors.receive(fd);
        return received.kind === 'message' ? received : undefined;
      });
    const welcome = decodeDispatcherFrame((await next(control)).bytes);
    if (welcome.kind !== 'welcome') throw new Error(welcome.kind);
    descriptors.sendBytes(second, encodeFrame({ kind: 'attach', session: welcome.session }));
    const page = descriptors.openPage((await next(second)).fds[0] ?? -1);
    afterTest(() => page.close());
    const status = new WorkerStatus(page);
    for (let count = 1; count <= 320; count++) {
      const socket = connect(world.port, '127.0.0.1').on('error', () => undefined);
      const { fds } = await next(second);
      expect([fds.length, status.take(1, 0)]).toEqual([1, true]);
      descriptors.close(fds[0] ?? -1);
      socket.destroy();
    }
    expect(world.dispatcher.counters.toObject()).toMatchObject({ accepted: 320, takenBack: 0, workersLost: 0 });
  });

  test('that dies keeps what it has taken, and loses the rest to another', async () => {
    const world = await startDispatchWorld();
    const dying = await world.join({ version: 2 });
    const status = await dying.openStatus();
    const clients = [await world.connect(), await world.connect()];
    await eventually('both were sent', () => world.dispatcher.workers()[0]?.untaken === 2);
    status.take(1, 1);
    dying.kill();
    (await (await world.join()).take()).end('saved');
    await eventually('one is served', () => clients.filter(client => client.text() === 'saved').length === 1);
    await eventually('the other one has ended', () => clients.every(client => client.end() !== undefined));
    await eventually('the worker has said that it took it', () => world.dispatcher.counters.get('handedOver') >= 2);
    expect(world.dispatcher.counters.toObject()).toMatchObject({ handedOver: 2, takenBack: 1 });
  });

  test('tells at once that it has room when a connection waits', async () => {
    const world = await startDispatchWorld();
    const worker = await world.join({ version: 2, maxConnections: 1 });
    const status = await worker.openStatus();
    await world.connect();
    await worker.next('look');
    expect(status.isAsked).toBe(false);
    status.take(1, 1);
    await world.connect();
    await eventually('it is asked', () => status.isAsked);
    status.tellOpen(0);
    worker.say({ kind: 'status', taken: 1, open: 0 });
    await worker.next('look');
    expect([worker.receiveAll().length, worker.receiveAll().length, status.isAsked]).toEqual([1, 1, false]);
  });

  test.each([
    ['has taken more than it was sent', 9, 1, 'says to have taken 9 connections, and was sent 1'],
    ['has more open than it was given', 0, 2, 'says that 2 connections are open, and was given 1'],
    ['has less than nothing open', 0, -5, 'says that -5 connections are open'],
  ])('that says that it %s is closed, and loses what it had not taken', async (_, taken, open, message) => {
    const world = await startDispatchWorld();
    const lying = await world.join({ version: 2 });
    const status = await lying.openStatus();
    const client = await world.connect();
    await lying.next('look');
    status.take(taken, open);
    await eventually('it is closed', () => lying.isClosed);
    expect(world.log.records.map(({ fields }) => String(fields['error'])).join('\n')).toContain(message);
    (await (await world.join()).take()).end('elsewhere');
    await eventually('the answer', () => client.text() === 'elsewhere');
  });
});
