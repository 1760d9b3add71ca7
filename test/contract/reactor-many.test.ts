/** What one connection is promised while thousands of others have something to tell. */
import { connect, type Socket } from 'node:net';
import type { Connection, RelayResult } from '@lars/reactor';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { sized } from '../support/full-size.ts';
import { afterTest, describeEngines, listenWith, NotingHandler, openEngine, Remote } from './reactor-harness.ts';

function connectSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  afterTest(() => socket.destroy());
  return new Promise(resolve => socket.once('connect', () => resolve(socket)));
}

describeEngines('many connections', kind => {
  // The kernel gives what io_uring has to tell in parts of some twenty.
  const count = kind === 'io_uring' ? 2_400 : sized(240, 2_400);

  test('a relay begins in the midst of what they tell', async () => {
    const engine = await openEngine(kind);
    const connections: Connection[] = [];
    const handler = new NotingHandler();
    const listener = await listenWith(engine, connection => {
      connections.push(connection);
      connection.start(handler);
    });
    const sockets: Socket[] = [];
    while (sockets.length < count) {
      sockets.push(...(await Promise.all(Array.from({ length: 240 }, () => connectSocket(listener.address.port)))));
    }
    await eventually('all are accepted', () => connections.length === count);
    const remoteOf = ({ remoteAddress }: Connection) =>
      new Remote(sockets.find(({ localPort }) => localPort === remoteAddress?.port) as Socket);
    const [a, b] = connections as [Connection, Connection];
    const [first, second] = [remoteOf(a), remoteOf(b)];
    // All at once, before the engine has its next turn.
    for (const socket of sockets) if (socket !== first.socket && socket !== second.socket) socket.write('a');
    const results: RelayResult[] = [];
    engine.relay(a, b, {}, result => results.push(result));
    first.socket.end('b');
    await second.ended();
    second.socket.end();
    await eventually('the relay is over', () => results.length === 1);
    expect(results[0]).toMatchObject({ end: 'ended', bytesAToB: 1 });
    expect(second.received.toString()).toBe('b');
    await eventually('what the others told has come', () => handler.bytes === count - 2);
  });
});
