import { Socket } from 'node:dgram';
import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LarsClient } from '../../../client-sdk/src/index.ts';
import { pause } from '../../../client-sdk/src/util/pause.ts';
import { FakeAgent, hostAnswer, refusingPorts, routeAnswer } from './fake-agent.ts';
import { rejection } from './rejection.ts';

import { silence, UNTIL_ANSWERED } from './silence.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Ask = (client: LarsClient, options?: { signal?: AbortSignal; timeoutMs?: number }) => Promise<unknown>;
const ways: [string, Ask][] = [
  ['getHost', (client, options) => client.getHost(1, 2, options)],
  ['getRoute', (client, options) => client.getRoute(1, 2, options)],
  ['register', (client, options) => client.register(1, 2, options)],
  ['call', (client, options) => client.call(1, 2, () => 'never', options)],
];

describe.each(ways)('%s', (name, ask) => {
  test.each([
    [2 ** 31, 2, 'modid must be an integer in -2147483648..2147483647, not 2147483648'],
    [1, -(2 ** 31) - 1, 'cmdid must be an integer in -2147483648..2147483647, not -2147483649'],
    [1.5, 2, 'modid must be'],
    ['1', 2, "modid must be an integer in -2147483648..2147483647, not '1'"],
    [1, undefined, 'cmdid must be'],
  ])('refuses module %j/%j', async (modid, cmdid, message) => {
    await using peers = await silence();
    const method = peers.client[name as 'getHost'].bind(peers.client) as (...args: unknown[]) => Promise<unknown>;
    const error = await rejection(name === 'call' ? method(modid, cmdid, () => 0) : method(modid, cmdid));
    expect(error).toMatchObject({ code: 'LARS_BAD_ARGUMENT', message: expect.stringContaining(message) });
  });

  test.each([
    [{ timeoutMs: 0 }, 'timeoutMs must be'],
    [{ timeoutMs: 2 ** 31 }, 'timeoutMs must be'],
    [{ signal: {} }, 'signal must be an AbortSignal, not an object'],
    [null, 'options must be an object, not null'],
  ])('refuses options %j', async (options, message) => {
    await using peers = await silence();
    const error = await rejection(ask(peers.client, options as never));
    expect(error).toMatchObject({ code: 'LARS_BAD_ARGUMENT', message: expect.stringContaining(message) });
  });

  test('gives up at its deadline', async () => {
    await using peers = await silence();
    const error = await rejection(ask(peers.client, { timeoutMs: 20 }));
    const code = name === 'register' ? 'LARS_NO_ROUTE' : 'LARS_AGENT_SILENT';
    expect(error).toMatchObject({ code, modid: 1, cmdid: 2 });
    expect(error.message).toContain(`agent 127.0.0.1:${peers.agent.ports[0]}`);
    expect(error.message).toContain('within 20 ms');
    expect(peers.client.stats()).toMatchObject({ pending: 0, timeouts: 1, answered: 0 });
  });

  test('with a signal that has aborted already sends nothing', async () => {
    await using peers = await silence();
    const reason = new Error('no longer wanted');
    const error = await rejection(ask(peers.client, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: 'LARS_ABORTED', modid: 1, cmdid: 2 });
    expect(error.cause).toBe(reason);
    expect(peers.client.stats()).toMatchObject({ aborted: 1, socketsOpened: 0, pending: 0 });
  });

  test('is ended by its signal, and leaves no listener on it', async () => {
    await using peers = await silence();
    const { agent, client } = peers;
    const controller = new AbortController();
    const reason = new Error('no longer wanted');
    const asked = rejection(ask(client, { signal: controller.signal }));
    await agent.until(() => agent.hostRequests.length + agent.routeRequests.length === 1);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort(reason);
    const error = await asked;
    expect([error.code, error.cause]).toEqual(['LARS_ABORTED', reason]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    expect(client.stats()).toMatchObject({ aborted: 1, pending: 0 });
  });

  test('leaves no listener on the signal when it is answered', async () => {
    await using peers = await silence();
    peers.agent.onHost = (request, reply) => reply(hostAnswer(request));
    peers.agent.onRoute = (request, reply) => reply(routeAnswer(request));
    const { signal } = new AbortController();
    await ask(peers.client, { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('is ended by close', async () => {
    await using peers = await silence();
    const { agent, client } = peers;
    const { signal } = new AbortController();
    const asked = rejection(ask(client, { signal }));
    await agent.until(() => agent.hostRequests.length + agent.routeRequests.length === 1);
    await client.close();
    const error = await asked;
    expect(error).toMatchObject({ code: 'LARS_CLOSED', modid: 1, cmdid: 2 });
    expect(error.message).toContain('make a new LarsClient');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('after close is refused', async () => {
    await using peers = await silence();
    await peers.client.close();
    expect((await rejection(ask(peers.client))).code).toBe('LARS_CLOSED');
  });
});

describe('deadlines', () => {
  test('each request keeps its own, whatever the order', async () => {
    await using peers = await silence();
    const ended: number[] = [];
    const ask = (timeoutMs: number) =>
      rejection(peers.client.getHost(timeoutMs, 0, { timeoutMs })).then(() => ended.push(timeoutMs));
    await Promise.all([45, 15, 30].map(ask));
    expect(ended).toEqual([15, 30, 45]);
  });

  test('an answer that comes after its deadline is counted and dropped', async () => {
    await using peers = await silence();
    const { agent, client } = peers;
    let late: (() => void) | undefined;
    agent.onHost = (request, reply) => {
      late = () => reply(hostAnswer(request));
    };
    expect((await rejection(client.getHost(1, 2, { timeoutMs: 20 }))).code).toBe('LARS_AGENT_SILENT');
    await agent.until(() => late !== undefined);
    agent.onHost = (request, reply) => {
      late?.();
      reply(hostAnswer(request));
    };
    await client.getHost(1, 2);
    expect(client.stats()).toMatchObject({ late: 1, answered: 1, timeouts: 1, pending: 0 });
  });

  test('after a pause of the whole process an answer that is there counts, though its deadline has passed', async () => {
    const agent = await FakeAgent.start();
    let nowMs = 0;
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: 30 }, { nowMs: () => nowMs });
    agent.onHost = (request, reply) => {
      reply(hostAnswer(request));
      const until = performance.now() + 60;
      while (performance.now() < until) nowMs = 60;
    };
    expect((await client.getHost(1, 2)).port).toBe(80);
    await agent[Symbol.asyncDispose]();
  });
});

describe('maxPending', () => {
  test('refuses one more, and takes it when another has ended', async () => {
    await using peers = await silence(UNTIL_ANSWERED, 3);
    const { client } = peers;
    const controller = new AbortController();
    const ended = [0, 1].map(modid => rejection(client.getHost(modid, 0, { signal: controller.signal })));
    ended.push(rejection(client.getRoute(0, 0, { signal: controller.signal })));
    await Promise.resolve();
    const refused = await rejection(client.getHost(2, 0));
    expect(refused).toMatchObject({ code: 'LARS_TOO_MANY_PENDING', modid: 2, cmdid: 0 });
    expect(refused.message).toContain('3 requests wait');
    expect(client.stats()).toMatchObject({ pending: 3, tooManyPending: 1 });
    controller.abort();
    await Promise.all(ended);
    expect((await rejection(client.getHost(2, 0, { timeoutMs: 20 }))).code).toBe('LARS_AGENT_SILENT');
  });
});

describe('when no agent listens', () => {
  test('all requests that wait at that server are rejected at once, with the cause; no others are', async () => {
    await using refusing = await refusingPorts();
    await using agent = await FakeAgent.start();
    const ports = [refusing.ports[0] as number, agent.ports[1] as number, agent.ports[2] as number];
    await using client = new LarsClient({ ports, timeoutMs: UNTIL_ANSWERED });
    const refused = [client.getHost(0, 0), client.getHost(3, 0), client.getRoute(0, 0)].map(rejection);
    const answered = client.getHost(1, 0);
    for (const error of await Promise.all(refused)) {
      expect(error).toMatchObject({ code: 'LARS_AGENT_UNREACHABLE', cause: { code: 'ECONNREFUSED' } });
      expect(error.message).toContain(`agent 127.0.0.1:${ports[0]} cannot be reached`);
      expect(error.message).toContain('see whether the agent runs');
    }
    expect((await answered).port).toBe(80);
    expect(client.stats()).toMatchObject({ unreachable: 3, pending: 0, socketFailures: 1 });
  });

  test('the next call tries again, and finds an agent that has started meanwhile', async () => {
    const closing = vi.spyOn(Socket.prototype, 'close');
    const refusing = await refusingPorts();
    await using client = new LarsClient({ ports: refusing.ports, timeoutMs: UNTIL_ANSWERED });
    for (let i = 0; i < 3; i++) expect((await rejection(client.getHost(0, 0))).code).toBe('LARS_AGENT_UNREACHABLE');
    expect(closing).toHaveBeenCalledTimes(3);
    await refusing[Symbol.asyncDispose]();
    await using agent = await FakeAgent.start(refusing.ports);
    expect((await client.getHost(0, 0)).port).toBe(80);
    expect(agent.hostRequests).toHaveLength(1);
  });

  test('register waits for the agent', async () => {
    const refusing = await refusingPorts();
    await using client = new LarsClient({ ports: refusing.ports, timeoutMs: UNTIL_ANSWERED });
    const route = client.register(0, 0);
    while (client.stats().unreachable === 0) await new Promise(setImmediate);
    await refusing[Symbol.asyncDispose]();
    await using _agent = await FakeAgent.start(refusing.ports);
    expect((await route).hosts).toHaveLength(1);
  });

  test('a report is lost without a word', async () => {
    await using refusing = await refusingPorts();
    await using client = new LarsClient({ ports: refusing.ports });
    for (let i = 0; i < 100; i++) client.report({ modid: 0, cmdid: 0, host: '10.0.0.5', port: 80 }, { ok: true });
    while (client.stats().socketFailures === 0) await new Promise(setImmediate);
    expect(client.stats()).toMatchObject({ reports: 100, socketFailures: 1, unreachable: 0 });
    expect(client.stats().sent + client.stats().dropped).toBe(100);
  });

  test('an address that cannot be connected to is unreachable too', async () => {
    await using client = new LarsClient({ host: '255.255.255.255', timeoutMs: UNTIL_ANSWERED });
    const error = await rejection(client.getHost(0, 0));
    expect(error).toMatchObject({ code: 'LARS_AGENT_UNREACHABLE', cause: { syscall: 'connect' } });
    expect(client.stats()).toMatchObject({ sent: 0, socketsOpened: 0, unreachable: 1 });
  });
});

describe('register between two queries', () => {
  test.each(['close', 'abort'] as const)('is ended by %s at once', async ending => {
    // The clock stands still: only an early end can end the pause.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using peers = await silence();
    peers.agent.onRoute = (request, reply) => reply(routeAnswer(request, { host: [] }));
    const controller = new AbortController();
    const registered = rejection(peers.client.register(1, 2, { signal: controller.signal }));
    while (peers.client.stats().answered === 0) await new Promise(setImmediate);
    await new Promise(setImmediate);
    if (ending === 'close') await peers.client.close();
    else controller.abort();
    expect((await registered).code).toBe(ending === 'close' ? 'LARS_CLOSED' : 'LARS_ABORTED');
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });
});

describe('close', () => {
  test('leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using peers = await silence();
    const ended = rejection(peers.client.getHost(1, 2));
    await peers.agent.until(() => peers.agent.hostRequests.length === 1);
    expect(vi.getTimerCount()).toBe(1);
    await peers.client.close();
    expect(vi.getTimerCount()).toBe(0);
    expect((await ended).code).toBe('LARS_CLOSED');
  });

  test('does not wait for what a failed socket had not sent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using refusing = await refusingPorts();
    const client = new LarsClient({ ports: refusing.ports });
    for (let i = 0; i < 30; i++) client.report({ modid: 0, cmdid: 0, host: '10.0.0.5', port: 80 }, { ok: true });
    while (client.stats().socketFailures === 0) await new Promise(setImmediate);
    await client.close();
    expect(client.stats()).toMatchObject({ pending: 0, reports: 30 });
  });

  test('gives the same promise however often it is called, and needs no socket', async () => {
    const client = new LarsClient();
    expect(client.close()).toBe(client.close());
    await client.close();
    await client[Symbol.asyncDispose]();
  });

  test('lets reports go out first, also those that wait for the socket', async () => {
    await using agent = await FakeAgent.start();
    const client = new LarsClient({ ports: agent.ports });
    for (let i = 0; i < 30; i++) client.report({ modid: i, cmdid: 0, host: '10.0.0.5', port: 80 }, { ok: true });
    await client.close();
    await agent.until(() => agent.reports.length === 30);
    expect(client.stats()).toMatchObject({ reports: 30, sent: 30, dropped: 0 });
  });

  test('waits for a name that never resolves no longer than its grace', async () => {
    const client = new LarsClient({ host: 'agent.test' }, { lookup: () => {} });
    client.report({ modid: 0, cmdid: 0, host: '10.0.0.5', port: 80 }, { ok: true });
    await client.close();
    expect(client.stats()).toMatchObject({ sent: 0, socketsOpened: 0, dropped: 1 });
  });

  test('afterwards a report is dropped and counted', async () => {
    const client = new LarsClient();
    await client.close();
    client.report({ modid: 0, cmdid: 0, host: '10.0.0.5', port: 80 }, { ok: true });
    expect(client.stats()).toMatchObject({ reports: 1, dropped: 1, socketsOpened: 0 });
  });
});

describe('pause', () => {
  test('ends at once when a signal aborts, before or meanwhile, and leaves no listener', async () => {
    await pause(1e9, [AbortSignal.abort()]);
    const [one, other] = [new AbortController(), new AbortController()];
    const ended = pause(1e9, [one.signal, other.signal]);
    other.abort();
    await ended;
    expect([one, other].flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([]);
  });
});
