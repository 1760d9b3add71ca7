/** Connections that engines on epoll pass to each other through their sets, and what a server's threads know of them. */
import { loadNative } from '@lars/syscalls/native';
import { afterEach, describe, expect, test } from 'vitest';
import { createPassingEngine } from '../../../reactor/src/create-engine.ts';
import { listenerOf, MAX_LISTENERS, passTag } from '../../../reactor/src/server/pass-tag.ts';
import { SharedState } from '../../../reactor/src/server/shared-state.ts';
import { connectClient } from '../../support/dispatch-world.ts';
import { eventually } from '../../support/eventually.ts';

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test.each([0, 1, 255])('a tag tells listener %i, and is no generation of an engine', listener => {
  for (const pass of [0, 1, 4_194_303, 4_194_304, 9_000_000]) {
    const tag = passTag(pass, listener);
    expect(listenerOf(tag)).toBe(listener);
    expect(tag).toBe(tag | 0);
    expect(tag).toBeLessThan(-1);
  }
  expect(MAX_LISTENERS).toBeGreaterThan(listener);
});

test('a descriptor is taken once, by the life that it was sent to, with the tag that it was sent with', () => {
  const shared = new SharedState(2);
  shared.noteSent(30, 7, -300);
  expect(shared.take(30, 0, 6, -300)).toBe(false);
  expect(shared.take(30, 0, 7, -301)).toBe(false);
  expect(shared.take(30, 0, 7, -300)).toBe(true);
  expect(shared.take(30, 0, 7, -300)).toBe(false);
  expect(shared.taken(0)).toBe(1);
  shared.noteSent(31, 7, -301);
  shared.noteSent(32, 7, -302);
  shared.noteUnsent(32);
  expect(shared.takeBack(7)).toEqual({ taken: [30], sent: [31] });
});

const hasEpoll = 'bound' in (await loadNative(() => true));

describe.runIf(hasEpoll)('engines that pass connections', () => {
  async function openPair() {
    const [acceptor, server] = [await createPassingEngine({}), await createPassingEngine({})];
    closing.push(
      () => acceptor.engine.close(),
      () => server.engine.close(),
    );
    const accepted: number[] = [];
    const listener = await acceptor.passing.accept({ port: 0 }, fd => accepted.push(fd));
    const connect = async () => {
      const client = await connectClient({ host: '127.0.0.1', port: listener.address.port });
      const fd = await eventually('it is accepted', () => accepted.shift());
      return { client, fd };
    };
    return { acceptor, server, connect };
  }

  test('a passed connection is served, also before its remote says anything, and told what comes', async () => {
    const { acceptor, server, connect } = await openPair();
    const tags: number[] = [];
    server.passing.receive(
      () => true,
      (connection, _, tag) => {
        tags.push(tag);
        connection.write(Buffer.from('hello\n'));
        connection.start({ onData: (one, bytes) => void one.write(bytes) });
      },
    );
    const { client, fd } = await connect();
    acceptor.passing.pass(fd, server.passing.inbox, -42);
    await eventually('it is greeted', () => client.text() === 'hello\n');
    client.socket.write('echo\n');
    await eventually('it is answered', () => client.text() === 'hello\necho\n');
    expect(tags).toEqual([-42]);
    expect(server.engine.stats().open).toBe(1);
    client.socket.end();
    await eventually('its end is seen', () => server.engine.stats().open === 0);
  });

  test('what its remote said, and that it ended, before a connection was passed, is told', async () => {
    const { acceptor, server, connect } = await openPair();
    server.passing.receive(
      () => true,
      connection => connection.start({ onData: (one, bytes) => void one.write(bytes) }),
    );
    const { client, fd } = await connect();
    client.socket.end('early\n');
    await new Promise(resolve => setTimeout(resolve, 20));
    acceptor.passing.pass(fd, server.passing.inbox, -43);
    await eventually('it is answered, and over', () => client.text() === 'early\n' && server.engine.stats().open === 0);
  });

  test('what is not the receiver’s, or was taken back, is nobody’s: the number may be that of another one', async () => {
    const { acceptor, server, connect } = await openPair();
    const asked: (readonly [number, number])[] = [];
    const served: number[] = [];
    server.passing.receive(
      (fd, tag) => {
        asked.push([fd, tag]);
        return tag !== -50;
      },
      (connection, fd) => {
        served.push(fd);
        connection.start({ onData: () => undefined });
      },
    );
    const [foreign, back, mine] = [await connect(), await connect(), await connect()];
    acceptor.passing.pass(foreign.fd, server.passing.inbox, -50);
    acceptor.passing.pass(back.fd, server.passing.inbox, -51);
    acceptor.passing.takeBack(back.fd, server.passing.inbox);
    acceptor.passing.pass(mine.fd, server.passing.inbox, -52);
    await eventually('the last one is served', () => served.length > 0);
    expect(served).toEqual([mine.fd]);
    expect(asked).toContainEqual([foreign.fd, -50]);
    expect(asked.every(([, tag]) => tag !== -51)).toBe(true);
    for (const { fd } of [foreign, back]) acceptor.engine.adopt(fd).reset();
  });

  test('where it cannot be passed, that is told', async () => {
    const { acceptor, connect } = await openPair();
    const { fd } = await connect();
    expect(() => acceptor.passing.pass(fd, fd, -2)).toThrow('epoll_ctl');
    acceptor.engine.adopt(fd).reset();
  });
});
