/** What every engine promises of a relay: each byte arrives once and in order, ends and resets are passed on, and nothing is left behind. */
import type { RelayOptions, RelayResult } from '@lars/reactor';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { seededRandom } from '../support/seeded-random.ts';
import {
  acceptOne,
  connectRemote,
  describeEngines,
  descriptors,
  listenRemote,
  listenWith,
  openEngine,
  pattern,
  type Remote,
} from './reactor-harness.ts';
import { expectClean, openRelayWorld } from './reactor-relay-world.ts';

const MIB = 2 ** 20;

describeEngines('relay', kind => {
  const modes = kind === 'node' ? (['auto'] as const) : (['auto', 'never', 'always'] as const);

  const openWorld = (options?: RelayOptions, onBackend?: (remote: Remote) => void) => openRelayWorld(kind, options, onBackend);

  test.each(modes)('the last bytes before a close arrive, though the client reads slowly (splice %s)', async splice => {
    const size = 4 * MIB + 1_397;
    const world = await openWorld({ splice }, backend => backend.socket.end(pattern(size)));
    for (let run = 0; run < 3; run++) {
      const { client } = await world.pair();
      client.socket.pause();
      for (let pauses = 0; pauses < 8; pauses++) {
        client.socket.resume();
        await new Promise(resolve => setImmediate(resolve));
        client.socket.pause();
        await new Promise(resolve => setTimeout(resolve, 3));
      }
      client.socket.resume();
      await client.ended();
      expect(client.errorCode).toBeUndefined();
      expect(client.received.equals(pattern(size))).toBe(true);
      client.socket.end();
      await eventually('the relay is over', () => world.results.length === run + 1);
      expect(world.results[run]).toMatchObject({ end: 'ended', by: 'a', bytesBToA: size, bytesAToB: 0 });
    }
    await expectClean(world);
  });

  test.each(modes)('bulk in both directions at once (splice %s)', async splice => {
    const world = await openWorld({ splice });
    const { client, backend } = await world.pair();
    client.socket.end(pattern(12 * MIB, 1));
    backend.socket.end(pattern(9 * MIB, 2));
    await Promise.all([client.ended(), backend.ended()]);
    expect(backend.received.equals(pattern(12 * MIB, 1))).toBe(true);
    expect(client.received.equals(pattern(9 * MIB, 2))).toBe(true);
    await eventually('the relay is over', () => world.results.length === 1);
    expect(world.results[0]).toMatchObject({ end: 'ended', bytesAToB: 12 * MIB, bytesBToA: 9 * MIB, error: undefined });
    if (splice === 'never' || kind === 'node') expect(world.engine.stats().bytesSpliced).toBe(0);
    else expect(world.engine.stats().bytesSpliced).toBeGreaterThan(8 * MIB);
    await expectClean(world);
  });

  test.each(['client', 'backend'] as const)(
    'a half-close of the %s is passed on, and the other direction goes on',
    async first => {
      const world = await openWorld();
      const pair = await world.pair();
      const other = first === 'client' ? pair.backend : pair.client;
      pair[first].socket.end('req');
      await other.ended();
      expect(other.received.toString()).toBe('req');
      other.socket.end(pattern(MIB));
      await pair[first].ended();
      expect(pair[first].received.equals(pattern(MIB))).toBe(true);
      await expectClean(world);
    },
  );

  test('a request and its half-close that come before the backend is connected are passed on', async () => {
    const engine = await openEngine(kind);
    const { port } = await listenRemote(backend =>
      backend.socket.on('end', () => backend.socket.end(Buffer.concat([backend.received, pattern(MIB)]))),
    );
    const listener = await listenWith(engine, client => {
      setTimeout(() => {
        engine.connect(
          { host: '127.0.0.1', port },
          { onConnect: backend => void engine.relay(client, backend, {}, () => undefined), onData: () => undefined },
        );
      }, 30);
    });
    const client = await connectRemote({ port: listener.address.port });
    client.socket.end('req');
    await client.ended();
    expect(client.received.equals(Buffer.concat([Buffer.from('req'), pattern(MIB)]))).toBe(true);
  });

  test('what was read is passed on first, behind what was written, also when the end was read', async () => {
    const engine = await openEngine(kind);
    const { port } = await listenRemote(backend =>
      backend.socket.on('end', () => backend.socket.end(Buffer.concat([Buffer.from('got '), backend.received]))),
    );
    const results: RelayResult[] = [];
    const listener = await listenWith(engine, client => {
      const read: Buffer[] = [];
      client.start({
        onData: (_, bytes) => void read.push(Buffer.from(bytes)),
        onEnd: () => {
          engine.connect(
            { host: '127.0.0.1', port },
            {
              onConnect: backend => {
                backend.write(Buffer.from('PROXY '));
                client.unread(Buffer.concat(read));
                engine.relay(client, backend, {}, result => results.push(result));
              },
              onData: () => undefined,
            },
          );
        },
      });
    });
    const client = await connectRemote({ port: listener.address.port });
    client.socket.end('hello');
    await client.ended();
    expect(client.received.toString()).toBe('got PROXY hello');
    client.socket.end();
    await eventually('the relay is over', () => results.length === 1);
    expect(results[0]).toMatchObject({ end: 'ended', bytesAToB: 5, bytesBToA: 15 });
  });

  test.each(['client', 'backend'] as const)(
    'a reset of the %s is a reset for the other, also with bytes under way',
    async first => {
      const world = await openWorld();
      for (const bytes of [0, 5, 6 * MIB]) {
        const before = world.results.length;
        const pair = await world.pair();
        const other = first === 'client' ? pair.backend : pair.client;
        if (bytes > 0) other.socket.write(pattern(bytes));
        if (bytes > 5) pair[first].socket.pause();
        await eventually('the bytes are under way', () => bytes === 0 || other.socket.bytesWritten > 0);
        pair[first].socket.resetAndDestroy();
        await eventually('the other is reset', () => other.errorCode === 'ECONNRESET' || other.errorCode === 'EPIPE');
        await eventually('the relay is over', () => world.results.length > before);
        expect(world.results[before]).toMatchObject({ end: 'reset', by: first === 'client' ? 'a' : 'b' });
      }
      await expectClean(world);
    },
  );

  test('who does not read stops who sends', async () => {
    const world = await openWorld();
    const { client, backend } = await world.pair();
    backend.socket.pause();
    const sent = pattern(24 * MIB);
    client.socket.write(sent);
    const taken = () => client.socket.bytesWritten - client.socket.writableLength;
    let before = -1;
    await eventually('the client is stopped', async () => {
      const stands = taken() === before;
      before = taken();
      await new Promise(resolve => setTimeout(resolve, 50));
      return stands;
    });
    backend.socket.resume();
    client.socket.end();
    await backend.ended();
    expect(backend.received.equals(sent)).toBe(true);
  });

  // A paused socket of node:net notices no reset, so that such a relay ends by its idle timeout there.
  test.each(kind === 'node' ? [] : modes)('bytes of a relay that broke never come to another one (splice %s)', async splice => {
    const world = await openWorld({ splice });
    for (let run = 0; run < 3; run++) {
      const broken = await world.pair();
      broken.backend.socket.pause();
      broken.client.socket.write(pattern(24 * MIB, 99));
      await eventually('the backend takes no more', async () => {
        const before = world.engine.stats().bytesRead;
        await new Promise(resolve => setTimeout(resolve, 30));
        return world.engine.stats().bytesRead === before && before > 0;
      });
      broken.client.socket.resetAndDestroy();
      await eventually('the relay is over', () => world.results.length === 2 * run + 1);
      const { client, backend } = await world.pair();
      client.socket.end(pattern(MIB, run));
      await backend.ended();
      expect(backend.received.equals(pattern(MIB, run))).toBe(true);
      backend.socket.end();
      await eventually('the relay is over', () => world.results.length === 2 * run + 2);
    }
    await expectClean(world);
  });

  test('silence ends a relay, sooner when one direction has ended', async () => {
    const silent = await openWorld({ idleTimeoutMs: 60 });
    const pair = await silent.pair();
    await eventually('the relay is over', () => silent.results.length === 1);
    expect(silent.results[0]).toMatchObject({ end: 'idle_timeout', by: undefined });
    await pair.client.closed();
    expect(silent.engine.stats().idleTimeouts).toBe(1);

    const half = await openWorld({ idleTimeoutMs: 60_000, halfCloseTimeoutMs: 50 });
    const { client } = await half.pair();
    client.socket.end();
    await eventually('the relay is over', () => half.results.length === 1);
    expect(half.results[0]).toMatchObject({ end: 'idle_timeout' });
  });

  test('a stopped relay resets both, and a connection that is closed already ends it', async () => {
    const engine = await openEngine(kind);
    const { port, accepted } = await listenRemote();
    const results: RelayResult[] = [];
    let early = false;
    const listener = await listenWith(engine, client => {
      engine.connect(
        { host: '127.0.0.1', port },
        {
          onConnect: backend => {
            if (early) client.destroy();
            const relay = engine.relay(client, backend, {}, result => results.push(result));
            expect(results).toHaveLength(early ? 1 : 0);
            if (early) return;
            expect(() => engine.relay(client, backend, {}, () => undefined)).toThrow('in a relay already');
            relay.stop();
            expect(results).toEqual([]);
          },
          onData: () => undefined,
        },
      );
    });
    const client = await connectRemote({ port: listener.address.port });
    await eventually('both are reset', () => client.errorCode === 'ECONNRESET' && accepted[0]?.errorCode === 'ECONNRESET');
    expect(results).toMatchObject([{ end: 'stopped', by: undefined }]);
    early = true;
    await connectRemote({ port: listener.address.port });
    await eventually('the second is over', () => results.length === 2);
    expect(results[1]).toMatchObject({ end: 'reset', by: 'a' });
    await eventually('nothing is open', () => engine.stats().open === 0 && engine.stats().relays === 0);
  });

  test('a relay wants two connections that can take something', async () => {
    const { engine, connection } = await acceptOne(kind);
    const other = await acceptOne(kind);
    const never = () => expect.unreachable('it never began');
    expect(() => engine.relay(connection, connection, {}, never)).toThrow('two connections of one engine');
    expect(() => engine.relay(connection, other.connection, {}, never)).toThrow('two connections of one engine');
    expect(() => engine.relay(connection, connection, { idleTimeoutMs: -1 }, never)).toThrow('idleTimeoutMs is -1');
    const { port } = await listenRemote();
    const opening = engine.connect({ port }, { onConnect: () => undefined, onData: () => undefined });
    expect(() => engine.relay(connection, opening, {}, never)).toThrow('not connected yet');
    await eventually('it is connected', () => opening.isConnected);
    connection.end();
    expect(() => engine.relay(connection, opening, {}, never)).toThrow('has been ended');
  });

  test('whatever clients and backends do, whole streams arrive and no descriptor stays', async () => {
    const random = seededRandom(7);
    const before = descriptors();
    const world = await openWorld({}, backend => {
      backend.socket.on('data', (chunk: Buffer) => backend.socket.write(chunk));
      backend.socket.on('end', () => backend.socket.end());
    });
    const rounds = Array.from({ length: 60 }, async (_, at) => {
      const sent = pattern(Math.floor(random() ** 4 * MIB), at);
      const breaks = random() < 0.2;
      const { client } = await world.pair();
      for (let offset = 0; offset < sent.length; ) {
        const length = 1 + Math.floor(random() ** 3 * 100_000);
        client.socket.write(sent.subarray(offset, offset + length));
        offset += length;
        if (random() < 0.3) await new Promise(resolve => setImmediate(resolve));
        if (breaks && random() < 0.2) break;
      }
      if (breaks) {
        client.socket.resetAndDestroy();
        return;
      }
      client.socket.end();
      await client.ended();
      expect(client.received.equals(sent)).toBe(true);
    });
    await Promise.all(rounds);
    await eventually('all relays are over', () => world.results.length === 60);
    await expectClean(world);
    await world.engine.close();
    for (const remote of world.accepted) remote.socket.destroy();
    await eventually('no descriptor stays', () => descriptors() <= before + 2);
    expect(world.engine.stats().pipes).toBe(0);
  });
});
