import { LarsProtocolError } from '@lars/proto';
import { afterEach, describe, expect, test } from 'vitest';
import { StartupError } from '../../../../runtime/src/errors.ts';
import type { FramedConnection } from '../../../../runtime/src/tcp/framed-connection.ts';
import { FramedServer, type FramedServerDeps, type TcpServerCounter } from '../../../../runtime/src/tcp/framed-server.ts';
import { eventually } from '../../../support/eventually.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { rawFrame, TcpPeer } from '../../../support/tcp-peer.ts';

const LIMITS = { maxBodyBytes: 1_000, partialFrameTimeoutMs: 100, maxWriteBufferBytes: 100_000 };
const Echo = 1;
const Refuse = 2;
const Break = 3;
const Flood = 4;

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function serve(options: Partial<FramedServerDeps> = {}) {
  const { log, records } = recordingLog();
  const opened: FramedConnection[] = [];
  const closed: FramedConnection[] = [];
  const server = new FramedServer(
    { ip: '127.0.0.1', port: 0, confKey: '[tcp] port', maxConnections: 100, limits: LIMITS, log, ...options },
    {
      onOpen: connection => opened.push(connection),
      onFrame: answer,
      onClose: connection => closed.push(connection),
    },
  );
  await server.listen();
  cleanUps.push(() => server.close(0));
  const peer = async () => {
    const made = await TcpPeer.connect(server.port);
    cleanUps.push(() => made.destroy());
    return made;
  };
  const counted = (name: TcpServerCounter, value: number) =>
    eventually(`${name} = ${value}, it is ${server.counters.get(name)}`, () => server.counters.get(name) === value);
  return { server, peer, opened, closed, records, counted };
}

function answer(connection: FramedConnection, id: number, body: Uint8Array): void {
  if (id === Echo) connection.send(rawFrame(Echo, body));
  else if (id === Refuse) throw new LarsProtocolError('BAD_BODY', 'not today');
  else if (id === Break) throw new TypeError('a bug');
  else if (id === Flood) while (connection.send(rawFrame(Flood, new Uint8Array(900))));
  else throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is not known`);
}

async function expectServed(peer: TcpPeer): Promise<void> {
  const index = peer.frames.length;
  peer.write(rawFrame(Echo, [index]));
  expect((await peer.frame(index)).body).toEqual(Uint8Array.of(index));
}

describe('a framed server', () => {
  test('answers frames that come in any pieces, many at once or byte by byte', async () => {
    const { peer, counted } = await serve();
    const one = await peer();
    const frames = [0, 1, 2].map(n => rawFrame(Echo, [n]));
    one.write(...frames);
    for (const byte of Buffer.concat(frames)) one.write(Uint8Array.of(byte));
    await one.frame(5);
    expect(one.frames.map(({ body }) => body[0])).toEqual([0, 1, 2, 0, 1, 2]);
    await counted('frames', 6);
  });

  test('opens and closes each connection once', async () => {
    const { server, peer, opened, closed, counted } = await serve();
    const [one, other] = [await peer(), await peer()];
    await expectServed(one);
    await expectServed(other);
    expect([opened.length, server.connections.size]).toEqual([2, 2]);
    one.destroy();
    await counted('closedByRemote', 1);
    expect(closed).toEqual([opened[0]]);
    expect([...server.connections]).toEqual([opened[1]]);
    await expectServed(other);
  });

  test('whose port is taken says which, and which conf key it is', async () => {
    const { server } = await serve();
    const second = serve({ port: server.port });
    await expect(second).rejects.toThrow(StartupError);
    await expect(second).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `TCP port 127.0.0.1:${server.port} ([tcp] port) is taken: another process listens there`,
    });
  });
});

describe('a bad connection ends alone, and its reason is counted', () => {
  test.each<[string, Uint8Array, TcpServerCounter]>([
    ['announces too much', rawFrame(Echo, [], 1_001), 'closedBadLength'],
    ['announces less than nothing', rawFrame(Echo, [], -1), 'closedBadLength'],
    ['uses an unknown id', rawFrame(99), 'closedBadMessageId'],
    ['sends what does not parse', rawFrame(Refuse), 'closedBadBody'],
    ['meets a bug of ours', rawFrame(Break), 'closedHandlerError'],
    ['begins a frame and falls silent', rawFrame(Echo, [1, 2, 3]).subarray(0, 9), 'closedPartialFrame'],
  ])('one that %s', async (_, bytes, reason) => {
    const { peer, counted } = await serve();
    const [good, bad] = [await peer(), await peer()];
    await expectServed(good);
    bad.write(bytes);
    await bad.whenClosed();
    await counted(reason, 1);
    await expectServed(good);
    await expectServed(await peer());
  });

  test('one that never reads', async () => {
    const { peer, counted } = await serve();
    const [good, bad] = [await peer(), await peer()];
    bad.socket.pause();
    bad.write(rawFrame(Flood));
    await counted('closedWriteBufferFull', 1);
    await expectServed(good);
  });

  test('only a bug of ours is logged, with the peer that met it', async () => {
    const { peer, records, counted } = await serve();
    const bad = await peer();
    const remote = `127.0.0.1:${bad.socket.localPort}`;
    bad.write(rawFrame(Break));
    await bad.whenClosed();
    (await peer()).write(rawFrame(99));
    await counted('closedBadMessageId', 1);
    expect(records).toEqual([
      { level: 'error', event: 'a message could not be handled', fields: { remote, error: 'a bug', soFar: 1 } },
    ]);
  });

  test('a bug that every message meets is counted each time, and logged once in ten seconds', async () => {
    let nowMs = 1_000;
    const { peer, records, counted } = await serve({ clock: { monotonicMs: () => nowMs, unixMs: () => 0 } });
    const meet = async (times: number) => {
      const bad = await peer();
      bad.write(rawFrame(Break));
      await bad.whenClosed();
      await counted('closedHandlerError', times);
    };
    for (const times of [1, 2, 3]) await meet(times);
    expect(records.map(record => record.fields['soFar'])).toEqual([1]);
    nowMs += 10_000;
    await meet(4);
    expect(records.map(record => record.fields['soFar'])).toEqual([1, 4]);
  });
});

test('beyond the limit connections are refused and counted, until one has closed', async () => {
  const { server, peer, counted } = await serve({ maxConnections: 2 });
  const peers = [await peer(), await peer()];
  for (const one of peers) await expectServed(one);
  await (await peer()).whenClosed();
  await counted('refused', 1);
  for (const one of peers) await expectServed(one);
  peers[0]?.destroy();
  await eventually('there is room', () => server.connections.size === 1);
  await expectServed(await peer());
});

describe('a server that closes', () => {
  test('lets the answers leave that it has given, then closes', async () => {
    const { server, peer } = await serve({ limits: { ...LIMITS, maxWriteBufferBytes: 10_000_000 } });
    const { port } = server;
    const one = await peer();
    await expectServed(one);
    const [connection] = server.connections;
    for (let i = 0; i < 3_000; i++) connection?.send(rawFrame(Echo, new Uint8Array(900)));
    await server.close(5_000);
    await one.whenClosed();
    expect(one.frames).toHaveLength(3_001);
    expect(server.port).toBe(port);
    await expect(TcpPeer.connect(port)).rejects.toThrow();
  });

  test('does not wait for a peer that does not read', async () => {
    const { server, peer, closed } = await serve({ limits: { ...LIMITS, maxWriteBufferBytes: 100_000_000 } });
    const one = await peer();
    await expectServed(one);
    one.socket.pause();
    const [connection] = server.connections;
    for (let i = 0; i < 20_000; i++) connection?.send(rawFrame(Echo, new Uint8Array(900)));
    await server.close(50);
    expect(closed).toEqual([connection]);
    expect(connection?.send(rawFrame(Echo))).toBe(false);
  });
});
