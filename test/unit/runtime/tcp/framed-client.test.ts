import { createServer, type Server, type Socket } from 'node:net';
import { LarsProtocolError } from '@lars/proto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FramedClient, type FramedClientOptions } from '../../../../runtime/src/tcp/framed-client.ts';
import { eventually } from '../../../support/eventually.ts';
import { type RecordingLog, recordingLog } from '../../../support/recording-log.ts';
import { rawFrame, TcpPeer } from '../../../support/tcp-peer.ts';

/** Every other thing that a client may do waits for the test's clock; only the network is real. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await eventually('no timer is left', () => vi.getTimerCount() === 0);
  vi.useRealTimers();
});

/** A server that the test scripts: `onSocket` sees each new connection. */
class ScriptedServer {
  readonly peers: TcpPeer[] = [];
  readonly #server: Server;
  readonly port: number;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async listen(port = 0, onSocket: (socket: Socket) => void = () => undefined): Promise<ScriptedServer> {
    const server = createServer();
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
    const address = server.address();
    const made = new ScriptedServer(server, typeof address === 'object' && address !== null ? address.port : 0);
    server.on('connection', socket => {
      made.peers.push(new TcpPeer(socket));
      onSocket(socket);
    });
    cleanUps.push(() => made.close());
    return made;
  }

  peer(index: number): Promise<TcpPeer> {
    return eventually(`connection ${index}`, () => this.peers[index]);
  }

  close(): Promise<void> {
    for (const peer of this.peers) peer.destroy();
    return new Promise(resolve => this.#server.close(() => resolve()));
  }
}

/** A client whose random number is always a half, and what it told. */
function dial(port: number, onFrame: (id: number, body: Uint8Array) => void = () => undefined) {
  const told: string[] = [];
  const recording: RecordingLog = recordingLog();
  let pauses = 0;
  const options: FramedClientOptions = {
    host: '127.0.0.1',
    port,
    serverName: 'dnsserver',
    connectTimeoutMs: 3_000,
    backoffMinMs: 100,
    backoffMaxMs: 1_600,
    limits: { maxBodyBytes: 1_000, partialFrameTimeoutMs: 500, maxWriteBufferBytes: 10_000 },
    random: () => {
      pauses += 1;
      return 0.5;
    },
    log: recording.log,
  };
  const client = new FramedClient(options, {
    onUp: () => told.push('up'),
    onDown: () => told.push('down'),
    onFrame: (id, body) => {
      told.push(`frame ${id}`);
      onFrame(id, body);
    },
  });
  client.start();
  cleanUps.push(() => client.stop());
  /** How long it pauses now before it dials again; the pause is over afterwards. */
  const pause = async (n: number) => {
    await eventually(`pause ${n}`, () => pauses === n);
    const beganMs = Date.now();
    vi.advanceTimersToNextTimer();
    return Date.now() - beganMs;
  };
  return { client, told, recording, pause, pauses: () => pauses };
}

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = await ScriptedServer.listen();
  await server.close();
  return server.port;
}

describe('a link that stands', () => {
  test('carries frames both ways', async () => {
    const server = await ScriptedServer.listen();
    const bodies: Uint8Array[] = [];
    const { client, told } = dial(server.port, (_, body) => bodies.push(new Uint8Array(body)));
    expect([client.up, client.queue(rawFrame(1))]).toEqual([false, false]);
    const peer = await server.peer(0);
    await eventually('up', () => client.up);
    expect(client.queue(rawFrame(1, [42]))).toBe(true);
    client.flush();
    expect(await peer.frame(0)).toEqual({ id: 1, body: Uint8Array.of(42) });
    peer.write(rawFrame(2, [43]));
    await eventually('a frame', () => told.length === 2);
    expect([told, bodies]).toEqual([['up', 'frame 2'], [Uint8Array.of(43)]]);
  });

  test('that is lost at once again and again is told of twice, and then when one stands', async () => {
    const server = await ScriptedServer.listen();
    const { client, recording } = dial(server.port);
    await eventually('up', () => client.up);
    for (let loss = 0; loss < 6; loss++) {
      (await server.peer(loss)).destroy();
      await eventually('lost', () => !client.up);
      await vi.advanceTimersByTimeAsync(1_000);
      await eventually('up again', () => client.up);
    }
    const pair = ['dnsserver: connected', 'dnsserver: connection lost'];
    expect(recording.events()).toEqual([...pair, ...pair]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(recording.events()).toEqual([...pair, ...pair, 'dnsserver: connected']);
  });

  test('that is lost is told once, and made again', async () => {
    const server = await ScriptedServer.listen();
    const { client, told, recording, pause } = dial(server.port);
    (await server.peer(0)).destroy();
    await pause(1);
    await server.peer(1);
    await eventually('up again', () => client.up);
    expect(told).toEqual(['up', 'down', 'up']);
    expect(recording.events()).toEqual(['dnsserver: connected', 'dnsserver: connection lost', 'dnsserver: connected']);
  });

  test('is given up and made again where its user says so', async () => {
    const server = await ScriptedServer.listen();
    const { client, told, pause } = dial(server.port);
    await eventually('up', () => client.up);
    client.reconnect('it does not answer');
    client.reconnect('it is down already');
    expect(told).toEqual(['up', 'down']);
    await (await server.peer(0)).whenClosed();
    await pause(1);
    await eventually('up again', () => client.up);
  });

  test('is made at once, without the pause, where its user cannot wait', async () => {
    const port = await deadPort();
    const { client, pauses } = dial(port);
    await eventually('it pauses', () => pauses() === 1);
    await ScriptedServer.listen(port);
    client.connectNow();
    client.connectNow();
    await eventually('up', () => client.up);
    client.connectNow();
    expect([client.up, pauses()]).toEqual([true, 1]);
  });

  test('ends when the server speaks nonsense', async () => {
    const server = await ScriptedServer.listen();
    const { told, recording, pause } = dial(server.port, () => {
      throw new LarsProtocolError('BAD_BODY', 'the body does not parse');
    });
    const peer = await server.peer(0);
    peer.write(rawFrame(2));
    await peer.whenClosed();
    await pause(1);
    expect(told.slice(0, 3)).toEqual(['up', 'frame 2', 'down']);
    expect(recording.records[1]).toMatchObject({ fields: { reason: 'BAD_BODY', error: 'the body does not parse' } });
  });
});

describe('the pauses between attempts', () => {
  test('grow while nobody listens, and the log has one line for all of them', async () => {
    const { pause, recording, told } = dial(await deadPort());
    const pauses: number[] = [];
    for (let n = 1; n <= 7; n++) pauses.push(await pause(n));
    expect(pauses).toEqual([50, 100, 200, 400, 800, 800, 800]);
    expect(recording.events()).toEqual(['dnsserver: cannot connect, retrying until it answers']);
    expect(told).toEqual([]);
  });

  test('grow too with a server that accepts and closes at once: it is not dialled in a hot loop', async () => {
    const server = await ScriptedServer.listen(0, socket => socket.destroy());
    const { pause } = dial(server.port);
    const pauses: number[] = [];
    for (let n = 1; n <= 6; n++) pauses.push(await pause(n));
    expect(pauses).toEqual([50, 100, 200, 400, 800, 800]);
  });

  test('and with a server that says something and closes', async () => {
    const server = await ScriptedServer.listen(0, socket => socket.end(rawFrame(2)));
    const { pause } = dial(server.port);
    const pauses: number[] = [];
    for (let n = 1; n <= 5; n++) pauses.push(await pause(n));
    expect(pauses).toEqual([50, 100, 200, 400, 800]);
  });

  test('are short again after a link has stood for a second', async () => {
    const server = await ScriptedServer.listen();
    const { client, pause } = dial(server.port);
    for (const [n, expected] of [50, 100, 200].entries()) {
      (await server.peer(n)).destroy();
      expect(await pause(n + 1)).toBe(expected);
    }
    const steady = await server.peer(3);
    await eventually('up', () => client.up);
    vi.advanceTimersByTime(1_000);
    steady.destroy();
    expect(await pause(4)).toBe(50);
  });

  test('come after an attempt that takes too long, too', async () => {
    const server = await ScriptedServer.listen();
    const { pauses, recording } = dial(server.port);
    // Before the network has had its turn.
    vi.advanceTimersByTime(3_000);
    await eventually('a pause', () => pauses() === 1);
    expect(recording.records[0]).toMatchObject({ fields: { error: 'no connection within 3000 ms' } });
  });
});

test('each outage has one line in the log, not only the first', async () => {
  const port = await deadPort();
  const { client, pauses, pause, recording } = dial(port);
  const complaints = () => recording.events().filter(event => event.includes('cannot connect')).length;
  await eventually('it pauses', () => pauses() === 1);
  expect(complaints()).toBe(1);
  const server = await ScriptedServer.listen(port);
  client.connectNow();
  await eventually('up', () => client.up);
  await server.close();
  for (const n of [2, 3, 4]) await pause(n);
  expect(complaints()).toBe(2);
});

test('a server that accepts and closes is said to be lost twice, though it refuses now and then', async () => {
  const server = await ScriptedServer.listen(0, socket => socket.destroy());
  const { pause, recording } = dial(server.port);
  for (let n = 1; n <= 4; n++) await pause(n);
  const said = ['dnsserver: connected', 'dnsserver: connection lost'];
  expect(recording.events()).toEqual([...said, ...said]);
  await server.close();
  await pause(5);
  const again = await ScriptedServer.listen(server.port, socket => socket.destroy());
  await pause(6);
  await again.close();
  await pause(7);
  expect(recording.events().slice(4)).toEqual(['dnsserver: cannot connect, retrying until it answers']);
});

describe('a client that stops', () => {
  test('lets leave what it has sent, and does not come back', async () => {
    const server = await ScriptedServer.listen();
    const { client, told, recording, pauses } = dial(server.port);
    await eventually('up', () => client.up);
    for (let n = 0; n < 10; n++) client.queue(rawFrame(1, new Uint8Array(900).fill(n)));
    client.stop();
    expect([client.up, client.queue(rawFrame(1))]).toEqual([false, false]);
    const peer = await server.peer(0);
    await peer.whenClosed();
    expect(peer.frames).toHaveLength(10);
    expect([told, pauses()]).toEqual([['up', 'down'], 0]);
    expect(recording.events()).toEqual(['dnsserver: connected']);
  });

  test('while it connects, or pauses, ends at once and leaves no timer', async () => {
    const server = await ScriptedServer.listen();
    const connecting = dial(server.port);
    connecting.client.stop();
    const pausing = dial(await deadPort());
    await eventually('a pause', () => pausing.pauses() === 1);
    pausing.client.stop();
    await eventually('no timers', () => vi.getTimerCount() === 0);
    expect([connecting.told, connecting.recording.events()]).toEqual([[], []]);
  });
});
