/** The cache in a client: what goes over the wire, and when. */
import { MessageId } from '@lars/proto';
import { describe, expect, test, vi } from 'vitest';
import { BUSY_CALLS } from '../../../client-sdk/src/cache/cached-module.ts';
import { LarsClient, type LarsHost } from '../../../client-sdk/src/index.ts';
import { hostInfo, hostInfos } from './cache-world.ts';
import { FakeAgent, HOST, hostAnswer, routeAnswer } from './fake-agent.ts';
import { rejection } from './rejection.ts';

const UNTIL_ANSWERED = 10_000;
const { GetHostRequest, ApiGetRouteRequest, ReportRequest, BatchReportRequest } = MessageId;

/** A client with a copy of the route of 1/2; what the agent heard until then is forgotten. */
async function start(host = hostInfos(3)) {
  const agent = await FakeAgent.start();
  agent.onRoute = (request, reply) => {
    if (request.version === 7) reply(routeAnswer(request, { host: [], notModified: true }));
    else reply(routeAnswer(request, { host }));
  };
  const client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED });
  await busy(client);
  await copied(client);
  agent.ids.length = 0;
  agent.hostRequests.length = 0;
  const close = async () => {
    await client.close();
    await agent[Symbol.asyncDispose]();
  };
  return { agent, client, [Symbol.asyncDispose]: close };
}

/** So many calls that the module is picked from a copy. Resolves with the last host. */
async function busy(client: LarsClient, modid = 1, cmdid = 2): Promise<LarsHost> {
  const hosts = await Promise.all(Array.from({ length: BUSY_CALLS }, () => client.getHost(modid, cmdid)));
  return hosts.at(-1) as LarsHost;
}

async function copied(client: LarsClient): Promise<void> {
  while (client.stats().copies === 0) await new Promise(setImmediate);
}

describe('a client', () => {
  test('asks the agent once, and then picks from its copy, without a datagram', async () => {
    await using siblings = await start();
    const { agent, client } = siblings;
    const ports = new Set<number>();
    for (let i = 0; i < 1_000; i++) {
      const host = await client.getHost(1, 2, i % 2 === 0 ? undefined : { timeoutMs: 5 });
      ports.add(host.port);
      client.report(host, { ok: true, tcostMs: 1 });
    }
    expect(ports).toEqual(new Set([1, 2, 3]));
    expect(agent.ids).toEqual([]);
    expect(client.stats()).toMatchObject({
      copyPicks: 1_000,
      copies: 1,
      held: 1_000,
      reports: 1_000,
      answered: BUSY_CALLS,
      pending: 0,
    });
    expect(agent.hostRequests).toHaveLength(0);
    await agent.until(() => agent.batches.length === 1);
    expect(agent.batches[0]).toMatchObject({ modid: 1, cmdid: 2, shard: 0, fromCopy: true });
    expect(sums(agent)).toEqual({ succ: 1_000, err: 0, tcost: 1_000 });
    expect(client.stats()).toMatchObject({ held: 0, batches: 1 });
  });

  test('gives the same hosts by getHost, tryGetHost and call', async () => {
    await using siblings = await start(hostInfos(1));
    const { client } = siblings;
    const host = await client.getHost(1, 2);
    expect(client.tryGetHost(1, 2)).toBe(host);
    expect(await client.call(1, 2, picked => picked)).toBe(host);
    expect(`${host}`).toBe('10.0.0.5:1');
    expect(client.tryGetHost(2, 1)).toBeUndefined();
  });

  test('tells of a failure at once, after the successes before it, and asks for the route', async () => {
    await using siblings = await start();
    const { agent, client } = siblings;
    const fine = client.tryGetHost(1, 2) as LarsHost;
    client.report(fine, { ok: true });
    await expect(client.call(1, 2, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    await agent.until(() => agent.ids.length === 2);
    expect(agent.ids).toEqual([BatchReportRequest, ApiGetRouteRequest]);
    expect(agent.batches[0]?.results).toMatchObject([
      { succ: 1, err: 0 },
      { succ: 0, err: 1 },
    ]);
    expect(agent.batches[0]?.results[1]?.tcost).toBeGreaterThanOrEqual(1);
    expect(agent.routeRequests.at(-1)).toMatchObject({ version: 7 });
  });

  test('asks for each host while one is ejected, and reports each call by itself, after the unsent results', async () => {
    await using siblings = await start();
    const { agent, client } = siblings;
    const before = client.tryGetHost(1, 2) as LarsHost;
    client.report(before, { ok: true });
    client.report(client.tryGetHost(1, 2) as LarsHost, { ok: false });
    agent.onRoute = (request, reply) => reply(routeAnswer(request, { host: [], notModified: true, overload: true }));
    while (client.stats().copies > 0) await new Promise(setImmediate);
    agent.ids.length = 0;
    client.report(before, { ok: true });
    agent.onHost = (request, reply) => reply(hostAnswer(request, { host: hostInfo(1) }));
    const picked = await client.getHost(1, 2);
    client.report(before, { ok: true });
    client.report(picked, { ok: true });
    client.report(before, { ok: true });
    client.report({ modid: 1, cmdid: 2, host: '10.0.0.5', port: 1 }, { ok: true });
    await agent.until(() => agent.reports.length === 2);
    expect(agent.ids).toEqual([
      BatchReportRequest,
      GetHostRequest,
      BatchReportRequest,
      ReportRequest,
      BatchReportRequest,
      ReportRequest,
    ]);
    expect(client.tryGetHost(1, 2)).toBeUndefined();
  });

  test('takes a target by address for one of the copy while that is picked from', async () => {
    await using siblings = await start();
    const { agent, client } = siblings;
    client.report({ modid: 1, cmdid: 2, host: '10.0.0.5', port: 2 }, { ok: true, tcostMs: 5 });
    client.report({ modid: 1, cmdid: 2, host: '10.0.0.9', port: 2 }, { ok: true });
    await agent.until(() => agent.ids.length === 2);
    expect(agent.ids).toEqual([BatchReportRequest, ReportRequest]);
    expect(agent.batches[0]?.results).toMatchObject([{ port: 2, succ: 1, tcost: 5 }]);
  });

  test('reports a host that the agent picked by itself, also where the copy came meanwhile', async () => {
    await using agent = await FakeAgent.start();
    let answer = () => {};
    agent.onRoute = (request, reply) => {
      answer = () => reply(routeAnswer(request, { host: [HOST] }));
    };
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED });
    const host = await busy(client);
    await agent.until(() => agent.routeRequests.length === 1);
    answer();
    await copied(client);
    client.report(host, { ok: true, tcostMs: 3 });
    await agent.until(() => agent.reports.length === 1);
    expect(agent.reports).toMatchObject([{ modid: 1, cmdid: 2, tcost: 3 }]);
  });

  test('is asked for the route by a caller, the agent has got the unsent results before; its answer is none to a later query', async () => {
    await using siblings = await start();
    const { agent, client } = siblings;
    agent.onRoute = (request, reply) =>
      reply(routeAnswer(request, { host: hostInfos(3), version: 7, overload: agent.routeRequests.at(-1)?.version === 7 }));
    client.report(client.tryGetHost(1, 2) as LarsHost, { ok: false });
    await client.getRoute(1, 2);
    while (client.stats().copies > 0) await new Promise(setImmediate);
    expect(agent.ids).toEqual([BatchReportRequest, ApiGetRouteRequest, ApiGetRouteRequest]);
  });

  test('takes a host that another client picked for one of its own copy', async () => {
    await using siblings = await start();
    await using others = await start();
    siblings.client.report(others.client.tryGetHost(1, 2) as LarsHost, { ok: true });
    await siblings.agent.until(() => siblings.agent.batches.length === 1);
    expect(others.client.stats()).toMatchObject({ reports: 0, held: 0 });
  });

  test('refuses a report that makes no sense, of a host of its copy too', async () => {
    await using siblings = await start();
    const host = siblings.client.tryGetHost(1, 2) as LarsHost;
    for (const result of [undefined, { ok: 1 }, { ok: true, tcostMs: -1 }]) {
      expect(() => siblings.client.report(host, result as never)).toThrow(expect.objectContaining({ code: 'LARS_BAD_ARGUMENT' }));
    }
    expect(siblings.client.stats()).toMatchObject({ reports: 0, held: 0 });
  });

  test('with an aborted signal picks nothing', async () => {
    await using siblings = await start();
    const signal = AbortSignal.abort();
    expect((await rejection(siblings.client.getHost(1, 2, { signal }))).code).toBe('LARS_ABORTED');
    expect((await rejection(siblings.client.call(1, 2, () => 0, { signal }))).code).toBe('LARS_ABORTED');
    expect((await rejection(siblings.client.getHost('1' as never, 2))).code).toBe('LARS_BAD_ARGUMENT');
    expect(siblings.client.stats()).toMatchObject({ copyPicks: 0, aborted: 2 });
  });

  test('goes on with its copy while the agent is away', async () => {
    await using siblings = await start();
    siblings.agent.onRoute = () => {};
    siblings.agent.onHost = () => {};
    for (let i = 0; i < 100; i++) expect(await siblings.client.getHost(1, 2)).toBeDefined();
  });

  test('getRoute asks the agent all the same', async () => {
    await using siblings = await start();
    expect((await siblings.client.getRoute(1, 2)).hosts).toHaveLength(3);
    expect(siblings.agent.ids).toEqual([ApiGetRouteRequest]);
  });
});

test.each([
  ['does not number routes', { version: 0 }],
  ['has more hosts than a datagram holds', { host: Array.from({ length: 4_340 }, (_, i) => ({ ...HOST, ip: -1 - i })) }],
])('an agent that %s is asked for each host', async (_, details) => {
  await using agent = await FakeAgent.start();
  agent.onRoute = (request, reply) => reply(routeAnswer(request, details));
  await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED });
  for (let i = 0; i < 5; i++) client.report(await client.getHost(1, 2), { ok: true });
  await agent.until(() => agent.reports.length === 5 && agent.routeRequests.length === 1);
  // Its answer comes before that to the next query.
  await client.getRoute(0, 0);
  expect(await client.getHost(1, 2)).toBeDefined();
  expect(agent.hostRequests).toHaveLength(6);
  expect(client.stats()).toMatchObject({ copyPicks: 0, copies: 0, batches: 0 });
});

test('without cache and fallback there are no route queries, and no batches', async () => {
  await using agent = await FakeAgent.start();
  await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false });
  for (let i = 0; i < 3; i++) client.report(await client.getHost(1, 2), { ok: i > 0 });
  expect(client.tryGetHost(1, 2)).toBeUndefined();
  await agent.until(() => agent.reports.length === 3);
  expect(new Set(agent.ids)).toEqual(new Set([GetHostRequest, ReportRequest]));
  expect(client.stats()).toMatchObject({ copyPicks: 0, cacheFull: 0, copies: 0, held: 0, refreshes: 0 });
});

describe('close', () => {
  test('sends all unsent results, failures too, and nothing later', async () => {
    await using siblings = await start();
    const { agent, client } = siblings;
    const host = client.tryGetHost(1, 2) as LarsHost;
    client.report(host, { ok: true, tcostMs: 3 });
    client.report(host, { ok: false });
    await client.close();
    await agent.until(() => agent.batches.length === 1);
    expect(sums(agent)).toEqual({ succ: 1, err: 1, tcost: 3 });
    expect(agent.ids).toEqual([BatchReportRequest]);
    expect(client.tryGetHost(1, 2)).toBeUndefined();
    expect((await rejection(client.getHost(1, 2))).code).toBe('LARS_CLOSED');
    client.report(host, { ok: true });
    expect(client.stats()).toMatchObject({ reports: 3, dropped: 1, held: 0 });
  });

  test('leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    try {
      await using siblings = await start();
      expect(vi.getTimerCount()).toBeGreaterThan(0);
      await siblings.client.close();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('leaves no timer behind either where the agent turns out to be away meanwhile', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    try {
      const { promise: failure, resolve: fail } = Promise.withResolvers<() => void>();
      const client = new LarsClient(
        { host: 'agent.test' },
        { lookup: (_, done) => fail(() => done(new Error('ENOTFOUND'), '', 0)) },
      );
      client.report({ modid: 1, cmdid: 2, host: '10.0.0.5', port: 80 }, { ok: true });
      const closed = client.close();
      (await failure)();
      await closed;
      expect(vi.getTimerCount()).toBe(0);
      expect(client.stats()).toMatchObject({ agentAway: true, dropped: 1 });
    } finally {
      vi.useRealTimers();
    }
  });
});

test('a refresh that is not answered is no request of a caller: it counts by itself, and rejects no request', async () => {
  await using agent = await FakeAgent.start();
  agent.onRoute = () => {};
  agent.onHost = (request, reply) => reply(hostAnswer(request));
  await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED });
  await client.getHost(1, 2);
  await agent.until(() => agent.routeRequests.length === 1);
  expect(client.stats().pending).toBe(0);
  while (client.stats().refreshesLost === 0) await new Promise(setImmediate);
  expect(client.stats()).toMatchObject({ refreshes: 1, timeouts: 0, pending: 0, answered: 1 });
});

test('two thousand modules are all copied', async () => {
  await using agent = await FakeAgent.start();
  // The client's clock is slow, so that a busy machine lets no query time out: only one that is lost on its way does.
  const nowMs = () => performance.now() / 10;
  await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED }, { nowMs });
  await Promise.all(Array.from({ length: 2_000 }, (_, modid) => busy(client, modid, 5)));
  while (client.stats().copies < 2_000) await new Promise(setImmediate);
  expect(client.tryGetHost(1_999, 5)?.modid).toBe(1_999);
  expect(client.stats()).toMatchObject({ refreshesLost: 0, timeouts: 0 });
});

function sums({ batches }: FakeAgent): { succ: number; err: number; tcost: number } {
  const total = { succ: 0, err: 0, tcost: 0 };
  for (const { succ, err, tcost } of batches.flatMap(batch => batch.results)) {
    total.succ += succ;
    total.err += err;
    total.tcost += tcost;
  }
  return total;
}
