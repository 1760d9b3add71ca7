import { describe, expect, test } from 'vitest';
import { LarsClient } from '../../../client-sdk/src/index.ts';
import type { Lookup } from '../../../client-sdk/src/link/agent-socket.ts';
import { FakeAgent, hostAnswer } from './fake-agent.ts';
import { rejection } from './rejection.ts';
import { silence, UNTIL_ANSWERED } from './silence.ts';

describe('an agent that is known by name', () => {
  const options = { host: 'agent.test', timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false };

  test('is looked up once', async () => {
    await using agent = await FakeAgent.start();
    const names: string[] = [];
    await using client = new LarsClient(
      { ...options, ports: agent.ports },
      {
        lookup: (name, done) => {
          names.push(name);
          setImmediate(done, null, '127.0.0.1', 4);
        },
      },
    );
    await Promise.all([client.getHost(0, 0), client.getHost(3, 0)]);
    await client.getHost(0, 0);
    expect(names).toEqual(['agent.test']);
  });

  test('that does not resolve is unreachable, and is looked up again by the next call', async () => {
    const failure = Object.assign(new Error('getaddrinfo ENOTFOUND agent.test'), { code: 'ENOTFOUND' });
    let lookups = 0;
    await using client = new LarsClient(options, {
      lookup: (_name, done) => {
        lookups += 1;
        setImmediate(done, failure, '', 0);
      },
    });
    for (const expected of [1, 2]) {
      client.report({ modid: 0, cmdid: 0, host: '10.0.0.5', port: 80 }, { ok: true });
      const error = await rejection(client.getHost(0, 0));
      expect(client.stats()).toMatchObject({ dropped: expected, sent: 0 });
      expect([error.code, error.cause, lookups]).toEqual(['LARS_AGENT_UNREACHABLE', failure, expected]);
      expect(error.message).toContain('agent agent.test:8888 cannot be reached (getaddrinfo ENOTFOUND agent.test)');
    }
  });

  test('is looked up again when it has been silent for eight requests in a row: it may have moved', async () => {
    await using old = await FakeAgent.start();
    await using moved = await FakeAgent.start(old.ports, '127.0.0.2');
    const addresses = ['127.0.0.1', '127.0.0.2'];
    const lookup: Lookup = (_name, done) => setImmediate(done, null, addresses.shift() as string, 4);
    await using client = new LarsClient({ ...options, ports: old.ports }, { lookup });
    const time = async (count: number) => {
      old.onHost = () => {};
      for (let i = 0; i < count; i++)
        expect((await rejection(client.getHost(0, 0, { timeoutMs: 20 }))).code).toBe('LARS_AGENT_SILENT');
      old.onHost = (request, reply) => reply(hostAnswer(request));
    };
    await client.getHost(0, 0);
    await time(7);
    await client.getHost(0, 0);
    await time(7);
    await client.getHost(0, 0);
    expect(addresses).toEqual(['127.0.0.2']);
    await time(8);
    await client.getHost(0, 0);
    expect([addresses, moved.hostRequests.length]).toEqual([[], 1]);
  });

  test('by address keeps its socket, however silent it is', async () => {
    await using peers = await silence(20);
    for (let i = 0; i < 9; i++) expect((await rejection(peers.client.getHost(0, 0))).code).toBe('LARS_AGENT_SILENT');
    expect(peers.client.stats().socketsOpened).toBe(1);
  });

  test('localhost is IPv4 where it can be, as agents are', async () => {
    await using agent = await FakeAgent.start();
    await using client = new LarsClient({ host: 'localhost', ports: agent.ports, timeoutMs: UNTIL_ANSWERED });
    expect((await client.getHost(0, 0)).port).toBe(80);
  });

  test('may be IPv6', async () => {
    await using agent = await FakeAgent.start([0, 0, 0], '::1');
    await using client = new LarsClient({ host: '::1', ports: agent.ports });
    expect((await client.getHost(0, 0)).port).toBe(80);
    agent.onHost = (request, reply) => reply(hostAnswer(request, { retcode: 1 }));
    expect((await rejection(client.getHost(0, 0))).message).toContain(`agent [::1]:${agent.ports[0]} says`);
  });
});
