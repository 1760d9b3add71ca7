/** What servers of frames may expect of whoever moves the bytes, over node:net and each engine that runs here. */
import { LarsProtocolError } from '@lars/proto';
import { StartupError } from '@lars/runtime/errors';
import type { CloseReason, ConnectionLimits } from '@lars/runtime/tcp/framed-connection';
import { FramedConnection } from '@lars/runtime/tcp/framed-connection';
import { FramedServer, type FramedServerDeps, type FramedServerHandler } from '@lars/runtime/tcp/framed-server';
import type { ByteConnection } from '@lars/runtime/transport/byte-connection';
import { openTransport } from '@lars/runtime/transport/open-transport';
import type { TcpTransport } from '@lars/runtime/transport/tcp-transport';
import { exposeEngine } from '@lars/runtime/transport/transport-metrics';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { recordingLog } from '../support/recording-log.ts';
import { rawFrame, TcpPeer } from '../support/tcp-peer.ts';
import { afterTest, describeEngines, descriptors, pattern } from './reactor-harness.ts';

const KB = 1_024;
const LIMITS: ConnectionLimits = { maxBodyBytes: 60 * KB, partialFrameTimeoutMs: 60_000, maxWriteBufferBytes: 64 * KB * KB };
const ECHO = 7;

describeEngines('a transport of TCP connections', kind => {
  async function openOne(): Promise<TcpTransport> {
    const transport = await openTransport({ engine: kind, confKey: 'key', isSecured: false }, recordingLog().log);
    afterTest(() => transport.close());
    return transport;
  }

  async function serve(handler: Partial<FramedServerHandler> = {}, options: Partial<FramedServerDeps> = {}) {
    const transport = options.transport ?? (await openOne());
    const { log } = recordingLog();
    const server = new FramedServer(
      { ip: '127.0.0.1', port: 0, confKey: 'key', maxConnections: 100, limits: LIMITS, log, transport, ...options },
      { onFrame: (connection, id, body) => void connection.send(rawFrame(id, body)), ...handler },
    );
    await server.listen();
    afterTest(() => server.close(0));
    return server;
  }

  async function connect(port: number): Promise<TcpPeer> {
    const peer = await TcpPeer.connect(port);
    afterTest(() => peer.destroy());
    return peer;
  }

  async function expectEcho(peer: TcpPeer, text: string): Promise<void> {
    const index = peer.frames.length;
    peer.write(rawFrame(ECHO, Buffer.from(text)));
    expect(Buffer.from((await peer.frame(index)).body).toString()).toBe(text);
  }

  const bytesOf = (frames: TcpPeer['frames']) => Buffer.concat(frames.map(({ body }) => body));

  /** One connection that was accepted and belongs to nobody yet. */
  async function accept(transport: TcpTransport) {
    const accepted: ByteConnection[] = [];
    const place = { ip: '127.0.0.1', port: 0, pauseOnConnect: true, onError: () => undefined };
    const listener = await transport.listen(place, connection => accepted.push(connection));
    afterTest(() => void listener.close());
    const peer = await connect(listener.port);
    return { peer, connection: await eventually('it is accepted', () => accepted[0]) };
  }

  test('says which it is, and why', async () => {
    const transport = await openOne();
    expect([transport.engine, transport.reason]).toEqual([kind, expect.stringContaining('as asked for')]);
    const registry = new Registry();
    exposeEngine(registry, 'x_tcp', transport);
    expect(await registry.metrics()).toContain(`\nx_tcp_engine_info{engine="${kind}",reason="${transport.reason}"} 1`);
  });

  test('frames come whole and in order, in pieces or many at once, small and large', async () => {
    const server = await serve();
    const peer = await connect(server.port);
    const bodies = [1, 0, 5_000, 60 * KB, 3, 40 * KB, 40 * KB, 2_049].map((length, at) => pattern(length, at));
    const all = Buffer.concat(bodies.map(body => rawFrame(ECHO, body)));
    for (let at = 0; at < 64; at++) peer.write(all.subarray(at, at + 1));
    peer.write(all.subarray(64));
    await peer.frame(bodies.length - 1);
    expect(bytesOf(peer.frames).equals(Buffer.concat(bodies))).toBe(true);
  });

  test('what is queued leaves with one flush, in order, and the bytes may belong to several connections', async () => {
    const server = await serve();
    const peers = [await connect(server.port), await connect(server.port)];
    for (const peer of peers) await expectEcho(peer, 'x');
    const shared = Array.from({ length: 40 }, (_, at) => rawFrame(9, pattern(at % 2 === 0 ? 300 : 9_000, at)));
    for (const frame of shared) for (const connection of server.connections) connection.queue(frame);
    for (const connection of server.connections) connection.flush();
    for (const peer of peers) {
      await peer.frame(40);
      expect(bytesOf(peer.frames.slice(1)).equals(Buffer.concat(shared.map(frame => frame.subarray(8))))).toBe(true);
    }
  });

  test('a remote that stops reading is not read from, its backlog is bounded, and it gets everything when it reads on', async () => {
    const answered: number[] = [];
    const limits = { ...LIMITS, pauseReadingAtBytes: 256 * KB };
    const server = await serve(
      {
        onFrame: (connection, id) => {
          answered.push(id);
          connection.send(rawFrame(id, new Uint8Array(50 * KB)));
        },
      },
      { limits },
    );
    const peer = await connect(server.port);
    peer.socket.pause();
    for (let id = 1; id <= 600; id++) peer.write(rawFrame(id));
    const [connection] = await eventually('it is served', () => server.connections.size > 0 && [...server.connections]);
    await eventually('there is a backlog', () => (connection?.unsentBytes ?? 0) > 256 * KB);
    const before = answered.length;
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect([answered.length, before < 600]).toEqual([before, true]);
    expect(connection?.unsentBytes).toBeLessThan(512 * KB);
    peer.socket.resume();
    await peer.frame(599);
    expect(answered).toEqual(Array.from({ length: 600 }, (_, at) => at + 1));
    expect(peer.frames.map(({ id }) => id)).toEqual(answered);
  });

  test('a remote that takes nothing is closed when its backlog is too large', async () => {
    const server = await serve({}, { limits: { ...LIMITS, maxWriteBufferBytes: 100_000 } });
    const peer = await connect(server.port);
    await expectEcho(peer, 'x');
    peer.socket.pause();
    const [connection] = server.connections;
    while (connection?.send(rawFrame(1, new Uint8Array(50 * KB))));
    expect(connection?.closed).toBe(true);
    expect(server.counters.get('closedWriteBufferFull')).toBe(1);
  });

  test('pausing keeps bytes from the handler, and resuming brings them', async () => {
    const got: string[] = [];
    const server = await serve({
      onFrame: (connection, _, body) => {
        got.push(Buffer.from(body).toString());
        connection.pause();
      },
    });
    const peer = await connect(server.port);
    peer.write(rawFrame(1, Buffer.from('a')));
    await eventually('the first is there', () => got.length === 1);
    peer.write(rawFrame(1, Buffer.from('b')));
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(got).toEqual(['a']);
    for (const connection of server.connections) connection.resume();
    await eventually('the second is there', () => got.length === 2);
  });

  test('what was answered leaves when the server closes, and nothing is accepted any more', async () => {
    const server = await serve();
    const peer = await connect(server.port);
    await expectEcho(peer, 'x');
    const [connection] = server.connections;
    for (let at = 0; at < 100; at++) connection?.send(rawFrame(at, pattern(50 * KB, at)));
    await server.close(10_000);
    await peer.whenClosed();
    expect(peer.frames).toHaveLength(101);
    await expect(TcpPeer.connect(server.port)).rejects.toThrow('ECONNREFUSED');
  });

  test('remotes that end, or reset, are told of once, and give their descriptors back', async () => {
    const closed: FramedConnection[] = [];
    const server = await serve({ onClose: connection => closed.push(connection) });
    const before = descriptors();
    const peers = [await connect(server.port), await connect(server.port), await connect(server.port)];
    for (const peer of peers) await expectEcho(peer, 'x');
    peers[0]?.socket.end();
    peers[1]?.socket.resetAndDestroy();
    peers[2]?.socket.destroy();
    await eventually('all are closed', () => closed.length === 3 && server.connections.size === 0);
    await eventually('their descriptors are', () => descriptors() <= before);
    expect([new Set(closed).size, server.counters.get('closedByRemote')]).toEqual([3, 3]);
  });

  test('a bad remote ends alone', async () => {
    const server = await serve({
      onFrame: (connection, id, body) => {
        if (id !== ECHO) throw new LarsProtocolError('BAD_MESSAGE_ID', 'not spoken here');
        connection.send(rawFrame(id, body));
      },
    });
    const [good, bad, tls] = [await connect(server.port), await connect(server.port), await connect(server.port)];
    bad.write(rawFrame(1));
    tls.write(Uint8Array.of(0x16, 3, 1, 0, 5, 1, 2, 3, 4));
    await Promise.all([bad.whenClosed(), tls.whenClosed()]);
    await expectEcho(good, 'still here');
    expect(['closedBadMessageId', 'closedSpeaksTls'].map(name => server.counters.toObject()[name as 'frames'])).toEqual([1, 1]);
  });

  test('beyond the limit connections are closed, and give their descriptors back', async () => {
    const server = await serve({}, { maxConnections: 1 });
    const first = await connect(server.port);
    await expectEcho(first, 'x');
    const before = descriptors();
    for (let late = 0; late < 5; late++) await (await connect(server.port)).whenClosed();
    await eventually('no descriptor is left over', () => descriptors() <= before);
    await expectEcho(first, 'y');
    expect(server.counters.get('refused')).toBe(5);
  });

  test('a taken port is one line that names it', async () => {
    const server = await serve();
    const transport = await openOne();
    const error = await serve({}, { port: server.port, transport }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StartupError);
    expect(String(error)).toMatch(new RegExp(`127.0.0.1:${server.port} \\(key\\) is taken`));
  });

  test('a connection that was given away is served where it is adopted, with the bytes that were sent before', async () => {
    const transport = await openOne();
    const { peer, connection } = await accept(transport);
    peer.write(rawFrame(ECHO, Buffer.from('early')));
    const adopted = transport.adopt(connection.giveAway());
    const closes: CloseReason[] = [];
    new FramedConnection(adopted, LIMITS, {
      onFrameInPlace: (one, id, bytes, from, to) => void one.send(rawFrame(id, bytes.subarray(from, to))),
      onClose: (_, reason) => closes.push(reason),
    });
    await peer.frame(0);
    await expectEcho(peer, 'later');
    peer.destroy();
    await eventually('it is closed', () => closes.length > 0);
    expect(closes).toEqual(['remote']);
  });

  test('one that was destroyed before it was started tells that it is closed', async () => {
    const { peer, connection } = await accept(await openOne());
    let isClosed = false;
    connection.onceClosed(() => {
      isClosed = true;
    });
    connection.destroy();
    await eventually('it is told', () => isClosed);
    await peer.whenClosed();
  });

  test('immediates that a timer begins follow one another at once, while connections are waited for', async () => {
    await serve();
    const beganMs = await new Promise<number>(resolve => setTimeout(() => resolve(performance.now()), 1));
    for (let turn = 0; turn < 300; turn++) await new Promise(setImmediate);
    // Each would wait 10 ms for connections.
    expect(performance.now() - beganMs).toBeLessThan(1_500);
  });

  test('services of one thread share an engine, which goes with the last of them', async () => {
    const before = descriptors();
    const [one, other] = await Promise.all([openOne(), openOne()]);
    const server = await serve({}, { transport: other });
    if (kind !== 'node') {
      const engine = kind === 'epoll' ? 'io_uring' : 'epoll';
      const opening = openTransport({ engine, confKey: 'key', isSecured: false }, recordingLog().log);
      await expect(opening).rejects.toThrow(`key is ${engine}: another service of this process has the engine ${kind}`);
    }
    await one.close();
    await expectEcho(await connect(server.port), 'x');
    await server.close(0);
    await other.close();
    await eventually('no descriptor is left over', () => descriptors() <= before + 1);
  });
});

test('protected links stand on node:net, whatever could be had; an engine by name is refused', async () => {
  const { log } = recordingLog();
  const transport = await openTransport({ engine: 'auto', confKey: 'key', isSecured: true }, log);
  expect([transport.engine, transport.reason]).toEqual(['node', expect.stringContaining('[security]')]);
  await expect(openTransport({ engine: 'epoll', confKey: 'key', isSecured: true }, log)).rejects.toThrow(
    'key is epoll, but links that [security] protects run on node alone',
  );
});
