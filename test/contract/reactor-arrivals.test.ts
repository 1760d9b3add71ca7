/** What has come before anybody waits for it, and small messages that are sent on one by one. */
import { setImmediate as tick } from 'node:timers/promises';
import type { Connection, RelayResult } from '@lars/reactor';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  connectRemote,
  describeEngines,
  listenRemote,
  listenWith,
  NotingHandler,
  openEngine,
  pattern,
} from './reactor-harness.ts';

/** Answers the end of the remote with its own. */
class EndingHandler extends NotingHandler {
  override onEnd(connection: Connection): unknown {
    super.onEnd(connection);
    connection.end();
    return undefined;
  }
}

describeEngines('arrivals', kind => {
  /** A connection that was accepted and is not started, and its remote. */
  async function acceptQuietly() {
    const engine = await openEngine(kind);
    const accepted: Connection[] = [];
    const listener = await listenWith(engine, connection => void accepted.push(connection));
    const remote = await connectRemote({ port: listener.address.port });
    const connection = await eventually('it is accepted', () => accepted[0]);
    return { engine, remote, connection };
  }

  /** Looks until something has come, as long as that makes sense. */
  async function readArrived(connection: Connection): Promise<string> {
    if (kind === 'node') return Buffer.from(connection.readArrived()).toString();
    const bytes = await eventually('something has come', () => {
      const arrived = connection.readArrived();
      return arrived.length === 0 ? undefined : Buffer.from(arrived);
    });
    return bytes.toString();
  }

  test('are read at once, and what follows is told to the handler', async () => {
    const { remote, connection, engine } = await acceptQuietly();
    expect(connection.readArrived()).toHaveLength(0);
    remote.socket.write('first ');
    const arrived = await readArrived(connection);
    const handler = new EndingHandler();
    connection.start(handler);
    remote.socket.end('then');
    await handler.closed();
    expect(arrived + handler.received.toString()).toBe('first then');
    expect(arrived).toBe(kind === 'node' ? '' : 'first ');
    expect(handler.reason).toBe('ended');
    expect(engine.stats().bytesRead).toBe('first then'.length);
  });

  test('no more than 4 KiB at once, in order', async () => {
    const { remote, connection } = await acceptQuietly();
    remote.socket.end(pattern(20_000));
    const arrived: Buffer[] = [];
    await eventually('it has come', () => {
      arrived.push(Buffer.from(connection.readArrived()));
      return kind === 'node' || Buffer.concat(arrived).length > 0;
    });
    const handler = new EndingHandler();
    connection.start(handler);
    await handler.closed();
    expect(Math.max(...arrived.map(bytes => bytes.length))).toBeLessThanOrEqual(4_096);
    expect(Buffer.concat([...arrived, handler.received]).equals(pattern(20_000))).toBe(true);
  });

  test.each(['end', 'reset'] as const)('an %s is told by reading', async how => {
    const { remote, connection } = await acceptQuietly();
    if (how === 'end') remote.socket.end();
    else remote.socket.resetAndDestroy();
    await eventually('the remote has gone', () => (how === 'end' ? remote.socket.writableFinished : remote.socket.destroyed));
    for (let looks = 0; looks < 20; looks++) {
      expect(connection.readArrived()).toHaveLength(0);
      await tick();
    }
    const handler = new EndingHandler();
    connection.start(handler);
    expect(await handler.closed()).toBe(how === 'end' ? 'ended' : 'reset');
    expect(connection.readArrived()).toHaveLength(0);
  });

  test('a connection whose first bytes follow at once is made as any other', async () => {
    const engine = await openEngine(kind);
    const { port } = await listenRemote(remote => remote.socket.on('end', () => remote.socket.end(remote.received)));
    const handler = Object.assign(new EndingHandler(), {
      onConnect: (one: Connection) => {
        one.write(Buffer.from('at once'));
        one.end();
      },
    });
    engine.connect({ host: '127.0.0.1', port, writesAtOnce: true }, handler);
    expect(await handler.closed()).toBe('ended');
    expect(handler.received.toString()).toBe('at once');
  });

  test('small messages wait in order for who does not read, and none is lost', async () => {
    const engine = await openEngine(kind);
    const { port, accepted } = await listenRemote(backend => backend.socket.pause());
    const results: RelayResult[] = [];
    const listener = await listenWith(engine, client => {
      client.pause();
      const onConnect = (host: Connection) =>
        void engine.relay(client, host, { splice: 'never' }, result => results.push(result));
      engine.connect({ host: '127.0.0.1', port }, Object.assign(new NotingHandler(), { onConnect }));
      client.start(new NotingHandler());
    });
    const client = await connectRemote({ port: listener.address.port });
    const message = 3_001;
    let sent = 0;
    // Until nothing is taken any more: one after the other, so that each is a message of its own.
    while (client.socket.writableLength < 100_000) {
      client.socket.write(pattern(message, sent));
      sent += 1;
      await tick();
    }
    const backend = await eventually('the backend has a connection', () => accepted[0]);
    backend.socket.resume();
    client.socket.end();
    await backend.ended();
    const wanted = Buffer.concat(Array.from({ length: sent }, (_, at) => pattern(message, at)));
    expect(backend.received.equals(wanted)).toBe(true);
    backend.socket.end('done');
    await client.ended();
    expect(client.received.toString()).toBe('done');
    await eventually('the relay is over', () => results.length === 1);
    expect(results[0]).toMatchObject({ end: 'ended', bytesAToB: wanted.length, bytesBToA: 4 });
    await eventually('nothing is open', () => engine.stats().open === 0);
  });
});
