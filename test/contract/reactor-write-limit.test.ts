/** What a handler may write that does not listen to `false`, with every engine. */
import { connect } from 'node:net';
import type { Connection, Engine, SocketOptions } from '@lars/reactor';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  afterTest,
  describeEngines,
  listenWith,
  NotingHandler,
  openEngine,
  pattern,
  Remote,
  temporaryPath,
} from './reactor-harness.ts';

const CHUNK = pattern(100_000);
const LIMIT = 1_000_000;
const DEFAULT_LIMIT = 67_108_864;

/** An accepted connection whose remote reads nothing until it is let. */
async function acceptSilent(engine: Engine, options: SocketOptions & ({ readonly port: 0 } | { readonly path: string })) {
  const handler = new NotingHandler();
  const accepted: Connection[] = [];
  const listener = await listenWith(
    engine,
    connection => {
      accepted.push(connection);
      connection.start(handler);
    },
    options,
  );
  const socket = connect('path' in options ? { path: options.path } : { port: listener.address.port, host: '127.0.0.1' });
  socket.pause();
  afterTest(() => socket.destroy());
  const connection = await eventually('it is accepted', () => accepted[0]);
  return { handler, socket, connection };
}

/** Writes on, whatever it is told. @returns the most that was unsent */
async function writeOn(connection: Connection, chunk: Uint8Array): Promise<number> {
  let most = 0;
  for (let times = 0; connection.isOpen && times < 10_000; times++) {
    connection.write(chunk);
    most = Math.max(most, connection.unsentBytes);
    // The kernel takes what it can in between.
    if (times % 16 === 0) await new Promise(resolve => setImmediate(resolve));
  }
  return most;
}

describeEngines('unsent bytes', kind => {
  test('a handler that writes on without end loses its connection, and memory is bounded', async () => {
    const engine = await openEngine(kind);
    const { handler, socket, connection } = await acceptSilent(engine, { port: 0, writeLimitBytes: LIMIT });
    const other = await acceptSilent(engine, { port: 0, writeLimitBytes: LIMIT });
    const most = await writeOn(connection, CHUNK);
    expect(most).toBeGreaterThan(LIMIT - 2 * CHUNK.length);
    expect(most).toBeLessThanOrEqual(LIMIT);
    expect(await handler.closed()).toBe('write_limit');
    expect(handler.error?.message).toContain('more than 1000000 bytes (writeLimitBytes) would have been unsent');
    expect([connection.write(CHUNK), connection.unsentBytes]).toEqual([false, 0]);
    expect(engine.stats()).toMatchObject({ writeLimitCloses: 1, open: 1 });
    const remote = new Remote(socket);
    socket.resume();
    await eventually('the remote knows that it has not everything', () => remote.errorCode === 'ECONNRESET');
    expect(other.connection.isOpen).toBe(true);
  });

  test('by a UNIX socket, too', async () => {
    const engine = await openEngine(kind);
    const { handler, connection } = await acceptSilent(engine, { path: temporaryPath(), writeLimitBytes: LIMIT });
    expect(await writeOn(connection, CHUNK)).toBeLessThanOrEqual(LIMIT);
    expect(await handler.closed()).toBe('write_limit');
  });

  test('one that waits may write as much as it likes at once, again and again', async () => {
    const engine = await openEngine(kind);
    const large = pattern(12 * LIMIT);
    const { handler, socket, connection } = await acceptSilent(engine, { port: 0, writeLimitBytes: LIMIT });
    const remote = new Remote(socket);
    let writes = 0;
    const write = () => {
      writes += 1;
      if (writes <= 2) expect(connection.write(large)).toBe(false);
      else connection.end();
    };
    handler.onDrain = () => write();
    write();
    socket.resume();
    await remote.ended();
    expect(remote.received.equals(Buffer.concat([large, large]))).toBe(true);
    expect(engine.stats().writeLimitCloses).toBe(0);
  });

  test('64 MB where nothing else is said, and none with 0', async () => {
    const engine = await openEngine(kind);
    const chunk = new Uint8Array(8_000_000);
    const usual = await acceptSilent(engine, { port: 0 });
    const most = await writeOn(usual.connection, chunk);
    expect(most).toBeGreaterThan(DEFAULT_LIMIT - 2 * chunk.length);
    expect(most).toBeLessThanOrEqual(DEFAULT_LIMIT);
    const without = await acceptSilent(engine, { port: 0, writeLimitBytes: 0 });
    while (without.connection.unsentBytes <= DEFAULT_LIMIT) without.connection.write(chunk);
    expect(without.connection.isOpen).toBe(true);
    without.connection.reset();
  });

  test('of a connection that this side makes, and before it is connected', async () => {
    const engine = await openEngine(kind);
    const { handler } = await acceptSilent(engine, { port: 0 });
    const listener = await listenWith(engine, one => one.pause());
    const made = engine.connect(
      { port: listener.address.port, writeLimitBytes: LIMIT },
      Object.assign(handler, { onConnect: () => undefined }),
    );
    expect(await writeOn(made, CHUNK)).toBeLessThanOrEqual(LIMIT);
    expect(await handler.closed()).toBe('write_limit');
  });
});
