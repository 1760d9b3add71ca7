import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LarsClient } from '../../../client-sdk/src/index.ts';
import { MAX_SEQ } from '../../../client-sdk/src/link/pending-table.ts';
import { HOST_WINDOW } from '../../../client-sdk/src/link/send-window.ts';
import { FakeAgent, HOST, hostAnswer, routeAnswer } from './fake-agent.ts';

const UNTIL_ANSWERED = 15_000;

describe('many requests at once', () => {
  test('10,000 are all answered, each with its own answer, over one socket a shard', async () => {
    await using agent = await FakeAgent.start();
    agent.onHost = (request, reply) => reply(hostAnswer(request, { host: { ...HOST, ip: request.modid + 1 } }));
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false });
    const hosts = await Promise.all(Array.from({ length: 10_000 }, (_, modid) => client.getHost(modid, 5)));
    expect(hosts.every((host, modid) => host.modid === modid && host.address.ip === modid + 1)).toBe(true);
    expect(new Set(agent.hostRequests.map(request => request.fromPort)).size).toBe(3);
    expect(agent.hostRequests).toHaveLength(10_000);
    expect(client.stats()).toMatchObject({ answered: 10_000, sent: 10_000, socketsOpened: 3, late: 0, timeouts: 0, pending: 0 });
  });

  test('60 routes of 60 KiB are all answered', async () => {
    await using agent = await FakeAgent.start();
    const host = Array.from({ length: 3_000 }, (_, i) => ({ ...HOST, ip: -1 - i }));
    agent.onRoute = (request, reply) => reply(routeAnswer(request, { host }));
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false });
    const routes = await Promise.all(Array.from({ length: 60 }, (_, modid) => client.getRoute(modid, 0)));
    expect(routes.every((route, modid) => route.modid === modid && route.hosts.length === 3_000)).toBe(true);
    expect(client.stats()).toMatchObject({ answered: 60, late: 0, timeouts: 0, pending: 0 });
  });

  test('requests that the agent keeps to itself do not delay the others of their shard', async () => {
    await using agent = await FakeAgent.start();
    agent.onHost = (request, reply) => request.modid === 0 && reply(hostAnswer(request));
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false });
    const kept = Array.from({ length: 150 }, () => client.getHost(3, 0).catch(error => error.code));
    expect((await client.getHost(0, 0)).port).toBe(80);
    await client.close();
    expect(new Set(await Promise.all(kept))).toEqual(new Set(['LARS_CLOSED']));
  });

  test('one signal ends all of them, also those that were not sent yet, and the next one goes out', async () => {
    await using agent = await FakeAgent.start();
    agent.onHost = (request, reply) => request.cmdid === 1 && reply(hostAnswer(request));
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false });
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const asked = Array.from({ length: 500 }, (_, i) => client.getHost(i * 3, 0, options).catch(error => error.code));
    await agent.until(() => agent.hostRequests.length > 0);
    const sent = client.stats().sent;
    controller.abort();
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['LARS_ABORTED']));
    expect((await client.getHost(2, 1)).port).toBe(80);
    expect(client.stats()).toMatchObject({ aborted: 500, pending: 0, sent: sent + 1 });
    expect(sent).toBeLessThan(500);
  });

  test('a slot that an abort frees is used', async () => {
    await using agent = await FakeAgent.start();
    agent.onHost = (request, reply) => request.cmdid === 3 && reply(hostAnswer(request));
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false });
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const aborted = Array.from({ length: HOST_WINDOW.full }, () => client.getHost(0, 0, options).catch(error => error.code));
    const next = client.getHost(0, 3);
    await agent.until(() => agent.hostRequests.length > 0);
    controller.abort();
    expect((await next).port).toBe(80);
    expect(new Set(await Promise.all(aborted))).toEqual(new Set(['LARS_ABORTED']));
  });

  test('answers in any order, some of them twice, find their requests', async () => {
    await using agent = await FakeAgent.start();
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false });
    const answers = fc.array(fc.record({ key: fc.nat(), twice: fc.boolean() }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(answers, async plan => {
        const kept: { order: number; send: () => void }[] = [];
        agent.onHost = (request, reply) => {
          const { key, twice } = plan[request.modid] as (typeof plan)[number];
          const answer = hostAnswer(request, { host: { ...HOST, ip: request.modid + 1 } });
          const send = () => {
            reply(answer);
            if (twice) reply(answer);
          };
          kept.push({ order: key, send });
          if (kept.length < plan.length) return;
          for (const { send } of kept.sort((a, b) => a.order - b.order)) send();
        };
        // All modules of one shard: 0 + 0, 1 + 2, 2 + 1 or 4, and so on.
        const hosts = await Promise.all(plan.map((_, modid) => client.getHost(modid, (3 - (modid % 3)) % 3)));
        expect(hosts.map(host => host.address.ip)).toEqual(plan.map((_, modid) => modid + 1));
      }),
      { numRuns: 50 },
    );
    expect(client.stats()).toMatchObject({ timeouts: 0, malformed: 0, pending: 0 });
  });

  test('sequence numbers go round while requests wait', async () => {
    await using agent = await FakeAgent.start();
    await using client = new LarsClient(
      { ports: agent.ports, timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false },
      { firstSeq: MAX_SEQ - 2 },
    );
    const hosts = await Promise.all([0, 3, 6, 9, 12].map(modid => client.getHost(modid, 0)));
    expect(hosts.map(host => host.modid)).toEqual([0, 3, 6, 9, 12]);
    expect(agent.hostRequests.map(request => request.seq)).toEqual([MAX_SEQ - 2, MAX_SEQ - 1, MAX_SEQ, 1, 2]);
  });
});
