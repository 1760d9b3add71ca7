/** What the engines on the system's own calls promise beyond: descriptors that are given away and taken over, and none that stays or is mistaken for another. */

import { closeSync, openSync } from 'node:fs';
import { type Connection, type Engine, loadDescriptors } from '@lars/reactor';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { seededRandom } from '../support/seeded-random.ts';
import {
  acceptOne,
  afterTest,
  connectRemote,
  describeEngines,
  descriptors,
  echo,
  kinds,
  listenWith,
  NotingHandler,
  nativeKinds,
  openEngine,
  pattern,
  sleep,
  temporaryPath,
} from './reactor-harness.ts';

const MIB = 2 ** 20;

describeEngines(
  'descriptors',
  kind => {
    test.each(kinds)('a connection that was taken out goes on in another engine (%s), with what was given back', async other => {
      const first = await openEngine(kind);
      const second = await openEngine(other);
      const before = first.stats().open;
      const listener = await listenWith(first, connection =>
        connection.start({
          onData: (one, bytes) => {
            one.unread(bytes);
            const { fd, unread } = one.detach();
            expect(one.isOpen).toBe(false);
            const adopted = second.adopt(fd);
            adopted.unread(unread);
            echo(adopted);
          },
        }),
      );
      const remote = await connectRemote({ port: listener.address.port });
      remote.socket.write('abc');
      await eventually('the echo is here', () => remote.bytes === 3);
      remote.socket.end(pattern(MIB));
      await remote.ended();
      expect(remote.received.subarray(3).equals(pattern(MIB))).toBe(true);
      await eventually('it is closed', () => second.stats().open === 0);
      expect(first.stats().open).toBe(before);
    });

    test('connections that are accepted for somebody else are descriptors, told of together', async () => {
      const [first, second] = [await openEngine(kind), await openEngine(kind)];
      const batches: number[][] = [[]];
      const listener = await first.acceptDescriptors(
        { port: 0 },
        { onDescriptor: fd => void batches.at(-1)?.push(fd), onAccepted: () => void batches.push([]) },
      );
      const remotes = [];
      for (let at = 0; at < 20; at++) remotes.push(await connectRemote({ port: listener.address.port }));
      await eventually('all are accepted', () => batches.flat().length === 20);
      expect([first.stats().accepted, first.stats().open, batches.at(-1)]).toEqual([20, 0, []]);
      for (const fd of batches.flat()) echo(second.adopt(fd, { isAcceptedHere: true, isWrittenWhole: true }));
      for (const remote of remotes) {
        remote.socket.end(pattern(1_000));
        await remote.ended();
        expect(remote.received.equals(pattern(1_000))).toBe(true);
      }
      await listener.close();
      expect(batches.at(-1)).toEqual([]);
    });

    test.each(kinds)('what others have open, too, ends for its remote all the same (%s)', async other => {
      const [first, second] = [await openEngine(kind), await openEngine(other)];
      const outcome = await loadDescriptors();
      if ('unavailable' in outcome) throw new Error(outcome.unavailable);
      const accepted: number[] = [];
      const acceptor = { onDescriptor: (fd: number) => void accepted.push(fd), onAccepted: () => undefined };
      const listener = await first.acceptDescriptors({ port: 0 }, acceptor);
      const gone: boolean[] = [];
      for (const act of ['answers the end', 'destroys'] as const) {
        const remote = await connectRemote({ port: listener.address.port });
        const fd = await eventually('it is accepted', () => accepted.pop());
        const copy = outcome.descriptors.duplicate(fd);
        const connection = second.adopt(fd, { isAcceptedHere: true, isShared: true, onGone: isTold => void gone.push(isTold) });
        echo(connection);
        if (act === 'destroys') connection.destroy();
        else {
          remote.socket.end(pattern(1_000));
          await remote.ended();
          expect(remote.received.equals(pattern(1_000))).toBe(true);
        }
        await eventually('it is told of', () => gone.length === (act === 'destroys' ? 2 : 1));
        closeSync(copy);
      }
      expect(gone).toEqual([true, false]);
    });

    test('a connection that is written whole breaks when its remote does not read', async () => {
      const engine = await openEngine(kind);
      const path = temporaryPath();
      const handler = new NotingHandler();
      const accepted: number[] = [];
      await engine.acceptDescriptors({ path }, { onDescriptor: fd => void accepted.push(fd), onAccepted: () => undefined });
      const remote = await connectRemote({ path });
      remote.socket.pause();
      const connection = engine.adopt(await eventually('accepted', () => accepted[0]), { isWrittenWhole: true });
      connection.start(handler);
      let writes = 0;
      while (writes < 10_000 && connection.write(pattern(1_000))) writes += 1;
      expect(writes).toBeGreaterThan(10);
      expect(writes).toBeLessThan(10_000);
      expect(connection.write(pattern(1_000))).toBe(false);
      connection.destroy();
      await eventually('it is closed', () => handler.reason !== undefined);
    });

    test.each([1, 5_000, 300_000])('who reads, pauses and is taken out loses nothing of %i bytes', async length => {
      const [first, second] = [await openEngine(kind), await openEngine(kind)];
      const handler = new NotingHandler();
      const accepted: Connection[] = [];
      const listener = await listenWith(first, connection => {
        accepted.push(connection);
        connection.start({ onData: () => expect.unreachable('it is paused') });
        connection.pause();
      });
      const remote = await connectRemote({ port: listener.address.port });
      const connection = await eventually('it is accepted', () => accepted[0]);
      await sleep(15);
      const sent = pattern(length);
      remote.socket.end(sent);
      // One is taken out when its bytes have just come, and nobody knows of them yet.
      if (length === 300_000) await sleep(15);
      const { fd, unread } = connection.detach();
      const adopted = second.adopt(fd);
      adopted.unread(unread);
      adopted.start(handler);
      await eventually('the end is seen', () => handler.events.includes('end'));
      expect(handler.received.equals(sent)).toBe(true);
    });

    test('what is not read is not lost by an acceptor that passes connections on', async () => {
      const acceptor = await openEngine(kind);
      const worker = await openEngine(kind);
      const listener = await listenWith(acceptor, connection => {
        const { fd } = connection.detach();
        setImmediate(() => echo(worker.adopt(fd)));
      });
      const remotes = await Promise.all(
        Array.from({ length: 100 }, async (_, at) => {
          const remote = await connectRemote({ port: listener.address.port });
          remote.socket.write(pattern(100, at));
          return remote;
        }),
      );
      await eventually('every echo is here', () => remotes.every(remote => remote.bytes === 100));
      expect(remotes.every((remote, at) => remote.received.equals(pattern(100, at)))).toBe(true);
    });

    test('a listener moves to another engine, and nobody in its queue is reset', async () => {
      const first = await openEngine(kind);
      const second = await openEngine(kind);
      const listener = await listenWith(first, () => expect.unreachable('it is paused'));
      listener.pause();
      const remote = await connectRemote({ port: listener.address.port });
      remote.socket.write('hello');
      await sleep(30);
      const fd = listener.detach();
      expect(() => listener.detach()).toThrow('closed');
      const moved = await second.listen({ fd }, echo);
      expect(moved.address).toEqual(listener.address);
      await eventually('it is served', () => remote.received.toString() === 'hello');
    });

    test('who waits while a listener is paused, or when it closes, is served', async () => {
      const engine = await openEngine(kind);
      const listener = await listenWith(engine, echo);
      listener.pause();
      const early = await connectRemote({ port: listener.address.port });
      early.socket.write('early');
      await sleep(40);
      expect(engine.stats().accepted).toBe(0);
      listener.resume();
      await eventually('it is served', () => early.bytes === 5);
      listener.pause();
      const late = await connectRemote({ port: listener.address.port });
      late.socket.write('late');
      await listener.close();
      await eventually('it is served', () => late.bytes === 4);
      await expect(connectRemote({ port: listener.address.port }).then(remote => remote.closed())).resolves.toBeDefined();
      expect(engine.stats().accepted).toBe(2);
    });

    test('a connect that nobody answers ends in time, and its descriptor goes', async () => {
      const engine = await openEngine(kind);
      const listener = await listenWith(engine, () => undefined, { port: 0, backlog: 1 });
      listener.pause();
      const before = descriptors();
      const handlers: NotingHandler[] = [];
      for (let at = 0; at < 8; at++) {
        const handler = Object.assign(new NotingHandler(), { onConnect: () => void handler.events.push('connect') });
        handlers.push(handler);
        engine.connect({ ...listener.address, timeoutMs: 150 }, handler);
      }
      await eventually('those without room in the queue are given up', () => engine.stats().connectTimeouts >= 5);
      const late = handlers.filter(({ reason }) => reason !== undefined);
      expect(late.every(({ events }) => events.join() === 'close connect_timeout')).toBe(true);
      expect(late[0]?.error?.message).toBe('no connection within 150 ms');
      await eventually('their descriptors are gone', () => descriptors() <= before + 8 - late.length);
    });

    test('no connection sees what belongs to one that had its descriptor before', async () => {
      const engine = await openEngine(kind);
      const random = seededRandom(3);
      const open = new Set<Connection>();
      const foreign: string[] = [];
      let finished = 0;
      const listener = await listenWith(engine, connection => {
        let id: number | undefined;
        let isClosed = false;
        open.add(connection);
        connection.start({
          onData: (one, bytes) => {
            if (isClosed || bytes.length % 4 !== 0) foreign.push('data of a closed connection, or a part of it');
            const words = new Int32Array(Uint8Array.from(bytes).buffer);
            id ??= words[0];
            if (words.some(word => word !== id)) foreign.push(`${id} got ${words.join()}`);
            one.write(bytes);
            // Another one is closed out of its turn, perhaps with an event that waits behind this one.
            if (random() < 0.3) [...open][Math.floor(random() * open.size)]?.destroy();
          },
          onClose: one => {
            if (isClosed) foreign.push('a second close');
            isClosed = true;
            open.delete(one);
            finished += 1;
          },
        });
      });
      const total = 2_000;
      let begun = 0;
      const next = (): void => {
        if (begun === total) return;
        begun += 1;
        const id = begun;
        const word = new Uint8Array(new Int32Array([id, id]).buffer);
        let echoes = 0;
        engine.connect(
          { port: listener.address.port },
          {
            onConnect: one => one.write(word),
            onData: (one, bytes) => {
              const words = new Int32Array(Uint8Array.from(bytes).buffer);
              if (words.some(each => each !== id)) foreign.push(`client ${id} got ${words.join()}`);
              echoes += 1;
              if (echoes === 3) one.end();
              else one.write(word);
            },
            onClose: next,
          },
        );
      };
      for (let at = 0; at < 60; at++) next();
      await eventually('all have come and gone', () => finished === total && engine.stats().open === 0, 20_000);
      expect(foreign).toEqual([]);
    });

    test('thousands of connections come and go, and no descriptor stays', async () => {
      const engine = await openEngine(kind);
      const before = descriptors();
      const listener = await listenWith(engine, echo);
      let done = 0;
      for (let round = 0; round < 5; round++) {
        for (let at = 0; at < 400; at++) {
          engine.connect(
            { port: listener.address.port },
            {
              onConnect: one => one.write(Buffer.from('x')),
              onData: one => (at % 4 === 0 ? one.reset() : one.end()),
              onClose: () => void done++,
            },
          );
        }
        await eventually('this round is over', () => done === (round + 1) * 400 && engine.stats().open === 0);
      }
      await listener.close();
      await eventually('no descriptor stays', () => descriptors() <= before);
    });

    test('a descriptor that is none is refused', async () => {
      const { engine } = await acceptOne(kind);
      const file = openSync('/dev/null', 'r');
      afterTest(() => closeSync(file));
      for (const fd of [file, 9_999]) expect(() => engine.adopt(fd)).toThrow(/no connected stream socket/);
      await expect(engine.listen({ fd: 9_999 }, () => undefined)).rejects.toThrow(/no listening stream socket/);
    });

    test('a descriptor that was taken out and closed may be opened again at once', async () => {
      const engine: Engine = await openEngine(kind);
      const listener = await listenWith(engine, connection => closeSync(connection.detach().fd));
      for (let at = 0; at < 20; at++) {
        const remote = await connectRemote({ port: listener.address.port });
        await remote.closed();
      }
      expect(engine.stats()).toMatchObject({ accepted: 20, open: 0 });
    });
  },
  nativeKinds,
);
