/** What every engine promises of a single connection. */
import { setImmediate as tick } from 'node:timers/promises';
import type { Connection, RelayResult } from '@lars/reactor';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  acceptOne,
  connectRemote,
  describeEngines,
  listenRemote,
  listenWith,
  NotingHandler,
  openEngine,
  pattern,
} from './reactor-harness.ts';

const MIB = 2 ** 20;

describeEngines('connections', kind => {
  test('what comes is what was sent, and goes back', async () => {
    const engine = await openEngine(kind);
    const listener = await listenWith(engine, connection =>
      connection.start({
        onData: (one, bytes) => {
          if (!one.write(bytes)) one.pause();
        },
        onDrain: one => one.resume(),
      }),
    );
    const remote = await connectRemote({ port: listener.address.port });
    const sent = pattern(3 * MIB + 17);
    remote.socket.end(sent);
    await remote.ended();
    expect(remote.received.equals(sent)).toBe(true);
    await eventually('nothing is open', () => engine.stats().open === 0);
    expect(engine.stats()).toMatchObject({ accepted: 1, bytesRead: sent.length, bytesWritten: sent.length });
  });

  test('both ends have addresses', async () => {
    const { connection, remote, listener } = await acceptOne(kind);
    expect(connection.remoteAddress).toEqual({ family: 'ipv4', host: '127.0.0.1', port: remote.socket.localPort });
    expect(connection.localAddress).toEqual(listener.address);
    connection.destroy();
    expect(connection.remoteAddress).toEqual({ family: 'ipv4', host: '127.0.0.1', port: remote.socket.localPort });
  });

  test('the kernel tells how long the remote took to accept, where it can', async () => {
    const engine = await openEngine(kind);
    const { port } = await listenRemote(() => undefined);
    const times: unknown[] = [];
    const handler = Object.assign(new NotingHandler(), { onConnect: (one: Connection) => void times.push(one.roundTripMs) });
    const connection = engine.connect({ host: '127.0.0.1', port }, handler);
    await eventually('it is connected', () => times.length === 1);
    expect(times).toEqual([kind === 'node' ? undefined : expect.closeTo(0, -2)]);
    connection.destroy();
    expect(connection.roundTripMs).toBeUndefined();
  });

  test('connects, and writes before it is connected', async () => {
    const engine = await openEngine(kind);
    const { port, accepted } = await listenRemote(remote => remote.socket.end('welcome'));
    const handler = Object.assign(new NotingHandler(), { onConnect: () => handler.events.push('connect') });
    const connection = engine.connect({ host: '127.0.0.1', port }, handler);
    expect(connection.isConnected).toBe(false);
    connection.write(Buffer.from('hello'));
    await eventually('the greeting is here', () => handler.events.includes('end'));
    expect(handler.events).toEqual(['connect', 'data', 'end']);
    connection.end();
    expect(await handler.closed()).toBe('ended');
    expect(accepted[0]?.received.toString()).toBe('hello');
  });

  test('a refused connection says so, later', async () => {
    const engine = await openEngine(kind);
    const { port, server } = await listenRemote();
    await new Promise(resolve => server.close(resolve));
    const handler = Object.assign(new NotingHandler(), { onConnect: () => handler.events.push('connect') });
    engine.connect({ host: '127.0.0.1', port }, handler);
    expect(handler.events).toEqual([]);
    expect(await handler.closed()).toBe('connect_failed');
    expect(handler.error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(engine.stats()).toMatchObject({ connectAttempts: 1, connectFailures: 1, open: 0 });
  });

  test('data and a close in one go: all bytes, then one end', async () => {
    const engine = await openEngine(kind);
    const handlers: NotingHandler[] = [];
    const listener = await listenWith(engine, connection => {
      const handler = new NotingHandler();
      handlers.push(handler);
      handler.onData = (one, bytes) => {
        one.pause();
        setImmediate(() => one.resume());
        return NotingHandler.prototype.onData.call(handler, one, bytes);
      };
      handler.onEnd = one => {
        one.end();
        return NotingHandler.prototype.onEnd.call(handler, one);
      };
      connection.start(handler);
    });
    for (let run = 0; run < 25; run++) {
      const remote = await connectRemote({ port: listener.address.port });
      remote.socket.end(pattern(256 * 1024, run));
      const handler = await eventually('it is accepted', () => handlers[run]);
      await handler.closed();
      expect(handler.events).toEqual(['data', 'end', 'close ended']);
      expect(handler.received.equals(pattern(256 * 1024, run))).toBe(true);
    }
  });

  test('a half-close leaves the other direction open, whoever begins', async () => {
    const { connection, handler, remote } = await acceptOne(kind);
    remote.socket.end('req');
    await eventually('the end is seen', () => handler.events.includes('end'));
    connection.write(pattern(MIB));
    connection.end();
    await remote.ended();
    expect(remote.received.equals(pattern(MIB))).toBe(true);
    expect(await handler.closed()).toBe('ended');

    const second = await acceptOne(kind);
    second.connection.end();
    await second.remote.ended();
    expect(second.connection.isOpen).toBe(true);
    second.remote.socket.end(pattern(MIB));
    expect(await second.handler.closed()).toBe('ended');
    expect(second.handler.received.equals(pattern(MIB))).toBe(true);
  });

  test("the bytes of a write are the caller's again, those of a Buffer too, however long the remote does not read", async () => {
    const { connection, remote } = await acceptOne(kind);
    remote.socket.pause();
    const lent = Buffer.alloc(100_000);
    const sent: Buffer[] = [];
    while (connection.unsentBytes < MIB) {
      pattern(lent.length, sent.length + 1).copy(lent);
      sent.push(Buffer.from(lent));
      connection.write(lent);
    }
    lent.fill(0);
    remote.socket.resume();
    const all = Buffer.concat(sent);
    await eventually('all is there', () => remote.bytes === all.length);
    expect(remote.received.equals(all)).toBe(true);
  });

  test('a handler without onEnd answers the end with its own', async () => {
    const engine = await openEngine(kind);
    const listener = await listenWith(engine, connection => connection.start({ onData: () => undefined }));
    const remote = await connectRemote({ port: listener.address.port });
    remote.socket.end('x');
    await remote.ended();
    await eventually('nothing is open', () => engine.stats().open === 0);
  });

  test('a reset is a reset, in both directions', async () => {
    const incoming = await acceptOne(kind);
    incoming.remote.socket.resetAndDestroy();
    expect(await incoming.handler.closed()).toBe('reset');
    expect(incoming.engine.stats().resetsReceived).toBe(1);

    const outgoing = await acceptOne(kind);
    outgoing.connection.reset();
    expect(await outgoing.handler.closed()).toBe('destroyed');
    await outgoing.remote.closed();
    expect(outgoing.remote.errorCode).toBe('ECONNRESET');
  });

  test('closed connections take every call, and do nothing', async () => {
    const { connection, handler, remote } = await acceptOne(kind);
    connection.destroy();
    expect(connection.isOpen).toBe(false);
    // Nothing is told within the user's own call.
    expect(handler.events).toEqual([]);
    await handler.closed();
    expect(connection.write(Buffer.from('x'))).toBe(false);
    connection.end();
    connection.reset();
    connection.destroy();
    connection.pause();
    connection.resume();
    connection.unread(Buffer.from('x'));
    connection.setIdleTimeout(1);
    connection.start(handler);
    await tick();
    expect(handler.events).toEqual(['close destroyed']);
    await remote.closed();
    expect(remote.bytes).toBe(0);
  });

  test('write says when to wait, and drain comes once for it', async () => {
    const { connection, handler, remote } = await acceptOne(kind);
    const drains = () => handler.events.filter(event => event === 'drain').length;
    remote.socket.pause();
    const chunk = pattern(32 * 1024);
    let written = 0;
    while (connection.write(chunk)) written += chunk.length;
    written += chunk.length;
    expect(connection.unsentBytes).toBeGreaterThanOrEqual(65_536);
    connection.write(chunk);
    written += chunk.length;
    expect(drains()).toBe(0);
    remote.socket.resume();
    await eventually('all is there', () => remote.bytes === written);
    await eventually('it drains', () => drains() > 0);
    await tick();
    expect(drains()).toBe(1);
    expect(connection.unsentBytes).toBe(0);
  });

  test('the mark is met exactly: one byte below it may go on, at it and above it may not', async () => {
    const high = 32 * MIB;
    const engine = await openEngine(kind);
    const handler = new NotingHandler();
    const accepted: Connection[] = [];
    const serve = (connection: Connection) => {
      accepted.push(connection);
      connection.start(handler);
    };
    const listener = await listenWith(engine, serve, { port: 0, writeHighBytes: high });
    const remote = await connectRemote({ port: listener.address.port });
    remote.socket.pause();
    const connection = await eventually('it is accepted', () => accepted[0]);
    expect(connection.write(Buffer.alloc(16 * MIB))).toBe(true);
    const unsent = connection.unsentBytes;
    expect(unsent).toBeGreaterThan(0);
    expect(connection.write(Buffer.alloc(high - 1 - unsent))).toBe(true);
    expect(connection.write(Buffer.alloc(1))).toBe(false);
    expect(connection.write(Buffer.alloc(1))).toBe(false);
    remote.socket.resume();
    await eventually('it drains', () => handler.events.includes('drain'));
    await tick();
    expect(handler.events).toEqual(['drain']);
    expect(connection.write(Buffer.alloc(1))).toBe(true);
  });

  test('a write inside of drain that has to wait drains again', async () => {
    const handler = new NotingHandler();
    let rounds = 0;
    handler.onDrain = one => {
      rounds += 1;
      if (rounds < 5) while (one.write(pattern(64 * 1024)));
      return undefined;
    };
    const { connection, remote } = await acceptOne(kind, handler);
    while (connection.write(pattern(64 * 1024)));
    await eventually('it drains five times', () => rounds === 5);
    await eventually('all is there', () => remote.bytes === connection.bytesWritten);
    expect(rounds).toBe(5);
  });

  test('a paused handler stops its remote', async () => {
    const { connection, handler, remote } = await acceptOne(kind);
    connection.pause();
    const sent = pattern(16 * MIB);
    remote.socket.write(sent);
    // What fits into the buffers of the kernel leaves; then nothing moves.
    let before = -1;
    await eventually('the remote is stopped', async () => {
      const now = remote.socket.bytesWritten - remote.socket.writableLength;
      const stands = now === before;
      before = now;
      await new Promise(resolve => setTimeout(resolve, 50));
      return stands;
    });
    expect(handler.bytes).toBeLessThanOrEqual(65_536);
    connection.resume();
    remote.socket.end();
    await eventually('the end is seen', () => handler.events.includes('end'));
    expect(handler.received.equals(sent)).toBe(true);
  });

  test('bytes that were given back come first, and before those that come meanwhile', async () => {
    const engine = await openEngine(kind);
    const listener = await listenWith(engine, connection =>
      connection.start({
        onData: (one, bytes) => {
          if (bytes.length < 4) {
            one.unread(bytes);
            one.pause();
            setTimeout(() => {
              one.start(handler);
              one.resume();
            }, 20);
            return;
          }
          one.unread(bytes.subarray(2));
          one.unread(bytes.subarray(0, 2));
          one.start(handler);
        },
      }),
    );
    const handler = new NotingHandler();
    const remote = await connectRemote({ port: listener.address.port });
    remote.socket.write('ab');
    setTimeout(() => remote.socket.end('cdef'), 10);
    await eventually('the end is seen', () => handler.events.includes('end'));
    expect(handler.received.toString()).toBe('abcdef');
    handler.chunks.length = 0;
    handler.events.length = 0;
    const second = await connectRemote({ port: listener.address.port });
    second.socket.end('abcdef');
    await eventually('the end is seen', () => handler.events.includes('end'));
    expect(handler.received.toString()).toBe('abcdef');
  });

  test('a relay takes over connections that are read already, and every byte keeps its place', async () => {
    const engine = await openEngine(kind);
    const { port, accepted } = await listenRemote();
    const clients: Connection[] = [];
    const heard: Buffer[] = [];
    const listener = await listenWith(engine, client => {
      clients.push(client);
      client.start({ onData: (_, bytes) => void heard.push(Buffer.from(bytes)), onEnd: () => undefined });
    });
    for (let run = 0; run < 12; run++) {
      const remote = await connectRemote({ port: listener.address.port });
      const backend = engine.connect({ port }, { onConnect: one => one.pause(), onData: () => undefined });
      const far = await eventually('both are connected', () => (backend.isConnected && clients[run] ? accepted[run] : undefined));
      const client = clients[run] as Connection;
      remote.socket.write('heard');
      await eventually('it is heard', () => client.bytesRead === 5);
      if (run % 2 === 0) client.pause();
      // Whether these have come when the relay begins is left to chance, and differs from run to run.
      const sent = pattern(run % 3 === 0 ? 100 : 200_000, run);
      heard.length = 0;
      remote.socket.end(sent);
      if (run % 4 > 1) await new Promise(resolve => setTimeout(resolve, run));
      // Both may have come just now, and nobody knows of either.
      far.socket.write('an');
      const results: RelayResult[] = [];
      const before = Buffer.concat(heard);
      engine.relay(client, backend, {}, result => results.push(result));
      await far.ended();
      expect(Buffer.concat([before, far.received]).equals(sent)).toBe(true);
      far.socket.end('swer');
      await remote.ended();
      expect(remote.received.toString()).toBe('answer');
      await eventually('the relay is over', () => results.length === 1);
      expect(results[0]).toMatchObject({ end: 'ended', by: 'b' });
    }
  });
});
