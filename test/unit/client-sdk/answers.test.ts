import { encodeFrame, Feature, MessageId } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { LarsClient } from '../../../client-sdk/src/index.ts';
import { FakeAgent, HOST, hostAnswer, routeAnswer } from './fake-agent.ts';
import { rejection } from './rejection.ts';

const UNTIL_ANSWERED = 10_000;

async function start() {
  const agent = await FakeAgent.start();
  const client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false });
  const [p0, p1, p2] = agent.ports as [number, number, number];
  const close = async () => {
    await client.close();
    await agent[Symbol.asyncDispose]();
  };
  return { agent, client, ports: [p0, p1, p2] as const, [Symbol.asyncDispose]: close };
}

describe('getHost', () => {
  test('gives the host of the answer', async () => {
    await using peers = await start();
    const { agent, client } = peers;
    agent.onHost = (request, reply) => reply(hostAnswer(request, { host: { ...HOST, weight: 30, zone: 'a' } }));
    const host = await client.getHost(1, 2);
    expect({ ...host }).toEqual({
      modid: 1,
      cmdid: 2,
      host: '10.0.0.5',
      port: 80,
      weight: 30,
      zone: 'a',
      drain: false,
      address: { ip: HOST.ip, port: 80, addr: '' },
    });
    expect(host.authority).toBe('10.0.0.5:80');
  });

  test('says that it understands IPv6 and names, and takes them', async () => {
    await using peers = await start();
    const { agent, client } = peers;
    agent.onHost = (request, reply) => reply(hostAnswer(request, { host: { ...HOST, ip: 0, addr: '2001:db8::1' } }));
    expect(`http://${await client.getHost(1, 2)}/`).toBe('http://[2001:db8::1]:80/');
    expect(agent.hostRequests).toMatchObject([{ seq: 1, modid: 1, cmdid: 2, features: Feature.HostAddr | Feature.Drain }]);
  });

  test.each([
    [0, 0, 0],
    [1, 0, 1],
    [1, 1, 2],
    [-1, 0, 2],
    [-2, 0, 1],
    [-(2 ** 31), -(2 ** 31), 2],
    [2 ** 31 - 1, 2 ** 31 - 1, 2],
  ])('module %j/%j is asked at server %j', async (modid, cmdid, shard) => {
    await using peers = await start();
    const { agent, client } = peers;
    const host = await client.getHost(modid, cmdid);
    expect([host.modid, host.cmdid]).toEqual([modid, cmdid]);
    expect(agent.hostRequests.map(request => request.shard)).toEqual([shard]);
  });

  test.each([
    [1, undefined, 'LARS_OVERLOAD', 'none of its hosts may be called now; shed this call or try again later'],
    [1, HOST, 'LARS_OVERLOAD', 'may be called now'],
    [3, undefined, 'LARS_NO_EXIST', 'knows no host of it; check modid and cmdid'],
    [2, undefined, 'LARS_SYSTEM_ERROR', "answered with return code 2; look into the agent's log"],
    [-9, HOST, 'LARS_SYSTEM_ERROR', 'answered with return code -9'],
    [0, undefined, 'LARS_SYSTEM_ERROR', 'answered without a host that can be called'],
    [0, { ...HOST, port: 0 }, 'LARS_SYSTEM_ERROR', 'without a host'],
    [0, { ...HOST, port: 65_536 }, 'LARS_SYSTEM_ERROR', 'without a host'],
    [0, { ...HOST, ip: 0 }, 'LARS_SYSTEM_ERROR', 'without a host'],
  ])('return code %j with host %j is %s', async (retcode, host, code, message) => {
    await using peers = await start();
    const { agent, client, ports } = peers;
    agent.onHost = (request, reply) => reply(hostAnswer(request, { retcode, host }));
    const error = await rejection(client.getHost(4, 5));
    expect(error).toMatchObject({ name: 'LarsError', code, modid: 4, cmdid: 5 });
    expect(error.message).toContain('module 4/5: ');
    expect(error.message).toContain(`agent 127.0.0.1:${ports[0]} `);
    expect(error.message).toContain(message);
  });

  test('is not misled by answers for others, twice, too early or without sense, and counts them', async () => {
    await using peers = await start();
    const { agent, client } = peers;
    await client.getHost(1, 2);
    const wrong = { ...HOST, port: 6666 };
    agent.onHost = (request, reply) => {
      const { seq } = request;
      reply(hostAnswer(request, { seq: seq - 1, host: wrong }));
      reply(hostAnswer(request, { seq: seq + 1, host: wrong }));
      reply(hostAnswer(request, { modid: 7, host: wrong }));
      reply(hostAnswer(request, { cmdid: 7, host: wrong }));
      reply(routeAnswer({ modid: 1, cmdid: 2, version: 0, features: 0 }));
      reply(new Uint8Array(0));
      reply(new Uint8Array(7));
      reply(hostAnswer(request).subarray(0, 12));
      reply(Uint8Array.of(5, 0, 0, 0, 2, 0, 0, 0, 0x08, 0x80));
      reply(Uint8Array.of(77, 0, 0, 0, 0, 0, 0, 0));
      reply(encodeFrame(MessageId.GetHostRequest, request));
      reply(hostAnswer(request));
      reply(hostAnswer(request, { host: wrong }));
    };
    expect((await client.getHost(1, 2)).port).toBe(80);
    agent.onHost = (request, reply) => reply(hostAnswer(request));
    await client.getHost(1, 2);
    expect(client.stats()).toMatchObject({ answered: 3, late: 6, malformed: 6, pending: 0, sent: 3, timeouts: 0 });
  });
});

describe('getRoute', () => {
  test('gives all hosts with their drain marks, the overload flag and the version', async () => {
    await using peers = await start();
    const { agent, client } = peers;
    const host = [HOST, { ...HOST, ip: 0, addr: 'db.example', weight: 10, zone: 'b', drain: true }];
    agent.onRoute = (request, reply) => reply(routeAnswer(request, { host, overload: true, version: 12 }));
    const route = await client.getRoute(2, 2);
    expect(route).toMatchObject({ modid: 2, cmdid: 2, overload: true, version: 12 });
    expect(route.hosts.map(each => [each.authority, each.weight, each.zone, each.drain, each.modid])).toEqual([
      ['10.0.0.5:80', 100, '', false, 2],
      ['db.example:80', 10, 'b', true, 2],
    ]);
    expect(agent.routeRequests).toEqual([
      { shard: 1, modid: 2, cmdid: 2, version: 0, features: Feature.HostAddr | Feature.Drain },
    ]);
  });

  test('is empty for a module that the agent does not know', async () => {
    await using peers = await start();
    const { agent, client } = peers;
    agent.onRoute = (request, reply) => reply(routeAnswer(request, { host: [], version: 0 }));
    expect((await client.getRoute(1, 2)).hosts).toEqual([]);
  });

  test('leaves out hosts that cannot be called', async () => {
    await using peers = await start();
    const { agent, client } = peers;
    agent.onRoute = (request, reply) => reply(routeAnswer(request, { host: [{ ...HOST, ip: 0 }, HOST, { ...HOST, port: -1 }] }));
    expect((await client.getRoute(1, 2)).hosts.map(String)).toEqual(['10.0.0.5:80']);
  });

  test('one answer resolves all requests for the module; what comes for others or "not modified" resolves none', async () => {
    await using peers = await start();
    const { agent, client } = peers;
    let asked = 0;
    agent.onRoute = (request, reply) => {
      asked += 1;
      if (asked < 3) return;
      reply(routeAnswer({ ...request, cmdid: 5 }));
      reply(routeAnswer(request, { notModified: true, host: [] }));
      reply(routeAnswer(request, { version: 99 }));
    };
    const routes = await Promise.all([client.getRoute(1, 2), client.getRoute(1, 2), client.getRoute(1, 2)]);
    expect(routes.map(route => route.version)).toEqual([99, 99, 99]);
    expect(client.stats()).toMatchObject({ answered: 3, late: 2, pending: 0 });
  });
});

describe('register', () => {
  test('resolves with the route', async () => {
    await using peers = await start();
    expect((await peers.client.register(1, 2)).hosts.map(String)).toEqual(['10.0.0.5:80']);
  });

  test('asks until the agent has it', async () => {
    await using peers = await start();
    const { agent } = peers;
    agent.onRoute = (request, reply) => reply(routeAnswer(request, { host: agent.routeRequests.length < 3 ? [] : [HOST] }));
    const route = await peers.client.register(1, 2);
    expect([route.hosts.length, agent.routeRequests.length]).toEqual([1, 3]);
  });

  test('keeps its deadline', async () => {
    await using peers = await start();
    peers.agent.onRoute = (request, reply) => reply(routeAnswer(request, { host: [] }));
    const error = await rejection(peers.client.register(1, 2, { timeoutMs: 20 }));
    expect(error.code).toBe('LARS_NO_ROUTE');
    expect(error.message).toContain('had no route within 20 ms');
  });
});
