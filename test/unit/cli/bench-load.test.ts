/** The generators against real sockets of this process. */
import { createSocket, type Socket } from 'node:dgram';
import { type Socket as Connection, createServer, type Server } from 'node:net';
import { decodeBody, decodeDatagram, encodeFrame, FrameDecoder, MessageId } from '@lars/proto';
import { afterEach, describe, expect, test } from 'vitest';
import { runAgentLoad } from '../../../cli/src/bench/agent-load.ts';
import { chooseClient } from '../../../cli/src/bench/choose-client.ts';
import type { ClientKind } from '../../../cli/src/bench/datagram-client.ts';
import { framesOf } from '../../../cli/src/bench/get-host-frames.ts';
import { RouteRequests, RouteScript } from '../../../cli/src/bench/route-script.ts';
import { runTcpLoad } from '../../../cli/src/bench/tcp-load.ts';

const HOST = { ip: 0x0a000001, port: 80, weight: 0, addr: '', zone: '', drain: false };
const MODULE = { modid: 1, cmdid: 1 };
const { signal } = new AbortController();

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Answers getHost, but not every `ignored`th request at its first time; counts reports. */
async function fakeAgent(ignored: number) {
  const socket = createSocket('udp4');
  closers.push(() => socket.close());
  const seen = { requests: 0, reports: 0 };
  socket.on('message', (datagram, { port, address }) => {
    const { id, body } = decodeDatagram(datagram);
    if (id === MessageId.ReportRequest) {
      seen.reports += 1;
      return;
    }
    seen.requests += 1;
    if (seen.requests % ignored === 0) return;
    const { seq } = decodeBody(MessageId.GetHostRequest, body);
    socket.send(encodeFrame(MessageId.GetHostResponse, { seq, ...MODULE, retcode: 0, host: HOST }), port, address);
  });
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  return { seen, port: (socket satisfies Socket).address().port };
}

const loaded = await chooseClient();
const kinds: readonly ClientKind[] = loaded.kind === 'mmsg' ? ['mmsg', 'dgram'] : ['dgram'];

describe.each(kinds)('the load of an agent by %s', kind => {
  test('makes as many requests as planned, on all sockets together, and a report for each answer', async () => {
    const agents = [await fakeAgent(Number.POSITIVE_INFINITY), await fakeAgent(Number.POSITIVE_INFINITY)];
    const targets = agents.map(({ port }) => ({ ip: '127.0.0.1', port, modules: [framesOf(MODULE)] }));
    const client = await chooseClient(kind);
    const options = { targets, sockets: 2, window: 5, reports: true, client, stint: { requests: 1_000 }, signal };
    const { done, lost, seconds, latency, counts } = await runAgentLoad(options);
    expect({ done, lost, counts }).toStrictEqual({
      done: 1_000,
      lost: 0,
      counts: { reports: 1_000, overloaded: 0, hostless: 0, late: 0, odd: 0 },
    });
    expect(latency.count).toBe(1_000);
    expect(seconds).toBeGreaterThan(0);
    expect(agents.reduce((sum, { seen }) => sum + seen.requests, 0)).toBe(1_000);
    expect(Math.min(...agents.map(({ seen }) => seen.requests))).toBeGreaterThan(0);
  });

  test('counts what is never answered as lost', async () => {
    const { port } = await fakeAgent(10);
    const targets = [{ ip: '127.0.0.1', port, modules: [framesOf(MODULE)] }];
    const client = await chooseClient(kind);
    const options = { targets, sockets: 1, window: 50, reports: false, client, stint: { requests: 100 }, signal };
    expect(await runAgentLoad(options)).toMatchObject({ done: 90, lost: 10 });
  });

  test('ends when it is interrupted, though no answer comes', async () => {
    const { port } = await fakeAgent(1);
    const ending = new AbortController();
    const targets = [{ ip: '127.0.0.1', port, modules: [framesOf(MODULE)] }];
    const client = await chooseClient(kind);
    const options = { targets, sockets: 1, window: 5, reports: false, client, stint: { seconds: 60 }, signal: ending.signal };
    const running = runAgentLoad(options);
    ending.abort();
    await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

/** Answers every frame with a route of the given number of hosts; closes a connection instead of the answer number `last`. */
async function fakeDnsserver(hosts: number, last = Number.POSITIVE_INFINITY): Promise<number> {
  const answer = { ...MODULE, version: 1, overload: false, notModified: false };
  const frame = encodeFrame(MessageId.GetRouteResponse, { ...answer, host: Array.from({ length: hosts }, () => HOST) });
  const server: Server = createServer(socket => {
    const decoder = new FrameDecoder();
    let answered = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Uint8Array) =>
      decoder.push(chunk, () => (++answered < last ? socket.write(frame) : socket.destroy())),
    );
  });
  closers.push(() => server.close());
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

describe('the load of a server over TCP', () => {
  const script = (onFirst: (hosts: number) => void) => () => new RouteScript(new RouteRequests([MODULE], 8), 0, onFirst);
  const load = (port: number, onFirst: (hosts: number) => void = () => undefined) =>
    runTcpLoad({
      server: { ip: '127.0.0.1', port },
      ...{ connections: 7, window: 8, script: script(onFirst), stint: { requests: 2_000 }, signal },
    });

  test('makes as many requests as planned, on all connections together', async () => {
    const { done, lost, latency } = await load(await fakeDnsserver(3));
    expect([done, lost, latency.count]).toStrictEqual([2_000, 0, 2_000]);
  });

  test('ends when a connection does, naming the server', async () => {
    const port = await fakeDnsserver(3, 20);
    await expect(load(port)).rejects.toMatchObject({
      code: 'DISCONNECTED',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  test.each([
    [/DISCONNECTED|CANNOT_CONNECT/, 'resets connections as they come', (socket: Connection) => socket.resetAndDestroy()],
    [
      'BAD_ANSWER',
      'speaks another language',
      (socket: Connection) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ],
  ])('ends with %s when the server %s', async (code, _, serve) => {
    const server: Server = createServer(socket => {
      socket.on('error', () => undefined);
      serve(socket);
    });
    closers.push(() => server.close());
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await expect(load(port)).rejects.toMatchObject({
      code: expect.stringMatching(code),
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  test('ends with what its script throws', async () => {
    const refuse = () => {
      throw new Error('no hosts');
    };
    await expect(load(await fakeDnsserver(0), refuse)).rejects.toThrow('no hosts');
  });

  test('does not begin where no process listens', async () => {
    const port = await fakeDnsserver(1);
    for (const close of closers.splice(0)) close();
    await expect(load(port)).rejects.toMatchObject({
      code: 'CANNOT_CONNECT',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  test('ends when it is interrupted', async () => {
    const port = await fakeDnsserver(1);
    const ending = new AbortController();
    const running = runTcpLoad({
      server: { ip: '127.0.0.1', port },
      ...{ connections: 2, window: 8, script: script(() => ending.abort()), stint: { seconds: 60 }, signal: ending.signal },
    });
    await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});
