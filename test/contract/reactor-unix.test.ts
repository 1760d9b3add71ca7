/** What the engines on the system's own calls promise of UNIX sockets. */

import { existsSync, rmSync } from 'node:fs';
import type { Connection, EngineKind } from '@lars/reactor';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  connectRemote,
  describeEngines,
  descriptors,
  listenRemote,
  listenWith,
  NotingHandler,
  nativeKinds,
  openEngine,
  pattern,
  type Remote,
  sleep,
  temporaryPath,
} from './reactor-harness.ts';

const MIB = 2 ** 20;

/** A relay from a UNIX client, a, to a host on TCP, b. */
async function relayFromUnix(kind: EngineKind, onHost: (remote: Remote) => void = () => undefined) {
  const [engine, host, path] = [await openEngine(kind), await listenRemote(onHost), temporaryPath()];
  const ends: string[] = [];
  const relay = (client: Connection, one: Connection) =>
    engine.relay(client, one, {}, ({ end, by }) => void ends.push(`${end} ${by}`));
  await listenWith(
    engine,
    client => void engine.connect({ port: host.port }, { onConnect: one => void relay(client, one), onData: () => undefined }),
    { path },
  );
  const remote = await connectRemote({ path });
  const atHost = await eventually('the host is there', () => host.accepted[0]);
  return { atHost, remote, ends };
}

describeEngines(
  'UNIX sockets',
  kind => {
    test('UNIX sockets: the file comes and goes, and who is gone altogether is noticed', async () => {
      const path = temporaryPath();
      const engine = await openEngine(kind);
      const handlers: NotingHandler[] = [];
      const listener = await listenWith(
        engine,
        connection => {
          const handler = new NotingHandler();
          handlers.push(handler);
          connection.start(handler);
        },
        { path },
      );
      expect(listener.address).toEqual({ family: 'unix', host: path, port: 0 });
      const before = descriptors();
      const remotes = await Promise.all(Array.from({ length: 20 }, () => connectRemote({ path })));
      for (const remote of remotes) remote.socket.end('x', () => remote.socket.destroy());
      await eventually('each is closed', () => handlers.length === 20 && handlers.every(({ reason }) => reason !== undefined));
      expect(handlers.every(({ events }) => events.join() === 'data,end,close ended')).toBe(true);
      await eventually('their descriptors are gone', () => descriptors() <= before);
      await expect(engine.listen({ path }, () => undefined)).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await listener.close();
      expect(existsSync(path)).toBe(false);
    });

    test('a listener whose file is gone leaves that of another one alone', async () => {
      const path = temporaryPath();
      const [first, second] = [await openEngine(kind), await openEngine(kind)];
      const one = await listenWith(first, connection => connection.destroy(), { path });
      rmSync(path);
      const other = await listenWith(second, connection => connection.destroy(), { path });
      await one.close();
      expect(existsSync(path)).toBe(true);
      const remote = await connectRemote({ path });
      await remote.closed();
      await second.close();
      expect(existsSync(path)).toBe(false);
      await other.close();
    });

    test('what a UNIX client has sent before it closed altogether reaches a host that reads later; the relay ends as the host does', async () => {
      const { atHost, remote, ends } = await relayFromUnix(kind, host => host.socket.pause());
      remote.socket.end(pattern(MIB), () => remote.socket.destroy());
      await eventually('the client is gone', () => remote.isClosed);
      await sleep(100);
      atHost.socket.resume();
      await atHost.ended();
      expect([atHost.errorCode, atHost.received.equals(pattern(MIB))]).toEqual([undefined, true]);
      atHost.socket.end();
      await eventually('the relay is over', () => ends.length === 1);
      expect(ends).toEqual(['ended b']);
    });

    test('a host that sends to a UNIX client which has closed altogether is reset', async () => {
      const { atHost, remote, ends } = await relayFromUnix(kind);
      remote.socket.destroy();
      await atHost.ended();
      atHost.socket.write('too late');
      await eventually('the relay is over', () => ends.length === 1);
      expect(ends).toEqual(['reset a']);
    });
  },
  nativeKinds,
);
