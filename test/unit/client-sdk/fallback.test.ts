/** A client whose agent does not answer, or answers late. */
import { describe, expect, test } from 'vitest';
import { BUSY_CALLS } from '../../../client-sdk/src/cache/cached-module.ts';
import { CacheDriver } from '../../../client-sdk/src/cache/driver.ts';
import { Fallback } from '../../../client-sdk/src/fallback.ts';
import { LarsClient } from '../../../client-sdk/src/index.ts';
import { newCounters } from '../../../client-sdk/src/stats.ts';
import { hostInfos } from './cache-world.ts';
import { FakeAgent, type Reply, refusingPorts, routeAnswer } from './fake-agent.ts';
import { rejection } from './rejection.ts';

const CALLS = 20_000;
/**
 * The agent has this process's turns too, and those of a busy machine, on which the burst alone has taken 5 s: by then its route may not be there.
 * The requests that the kernel drops wait as long.
 */
const PATIENT_MS = 15_000;
const BURST_TEST_MS = 4 * PATIENT_MS;
/** As long as an agent may park a request by default. */
const PARKED_MS = 100;

/** An agent whose routes come a while after the first request. */
async function startLateAgent(agentPickOnly = false): Promise<FakeAgent> {
  const agent = await FakeAgent.start();
  const { onHost } = agent;
  const parked: (() => void)[] = [];
  const routes: (() => void)[] = [];
  let isKnown = false;
  const park = (answer: () => void) => {
    if (isKnown) answer();
    else if (parked.push(answer) === 1)
      setTimeout(() => {
        isKnown = true;
        // The route's answer first: behind hundreds of others it might find the caller's receive buffer full.
        for (const one of [...routes, ...parked]) one();
      }, PARKED_MS);
  };
  agent.onHost = (request, reply) => park(() => onHost(request, reply));
  agent.onRoute = (request, reply: Reply) => {
    const answer = () => reply(routeAnswer(request, { host: hostInfos(3), overload: agentPickOnly }));
    if (isKnown) answer();
    else routes.push(answer);
  };
  return agent;
}

describe('a burst of first calls', { timeout: BURST_TEST_MS }, () => {
  test('waits for the route, and is then picked from the copy', async () => {
    await using agent = await startLateAgent();
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: PATIENT_MS });
    const hosts = await Promise.all(Array.from({ length: CALLS }, () => client.getHost(1, 2)));
    expect(hosts).toHaveLength(CALLS);
    const { copyPicks, answered, fallbackPicks } = client.stats();
    expect(copyPicks + answered + fallbackPicks).toBe(CALLS);
    // What was sent before the route came is answered by the agent; on a busy machine that is much.
    expect(copyPicks).toBeGreaterThan(0);
  });

  test.each([
    ['without the cache', { cache: false }, false],
    ['where the agent wants each call', {}, true],
  ])('is answered also %s: by the agent, and what it has no time for from the route', async (_, options, agentPickOnly) => {
    await using agent = await startLateAgent(agentPickOnly);
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: PATIENT_MS, ...options });
    const hosts = await Promise.all(Array.from({ length: CALLS }, () => client.getHost(1, 2)));
    expect(hosts).toHaveLength(CALLS);
    const { answered, fallbackPicks, copyPicks } = client.stats();
    expect([answered + fallbackPicks, copyPicks]).toEqual([CALLS, 0]);
  });
});

describe('a client that knows the route', () => {
  test('picks by itself where the agent has not answered in time; its getRoute still fails', async () => {
    await using agent = await FakeAgent.start();
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: 10_000 });
    await client.getHost(1, 2);
    await agent.until(() => agent.routeRequests.length === 1);
    await client.getRoute(1, 2);
    agent.onHost = () => {};
    agent.onRoute = () => {};
    expect((await client.getHost(1, 2, { timeoutMs: 30 })).port).toBe(80);
    expect((await rejection(client.getRoute(1, 2, { timeoutMs: 30 }))).code).toBe('LARS_AGENT_SILENT');
    expect(client.stats()).toMatchObject({ fallbackPicks: 1, timeouts: 2 });
    // Without a deadline to wait for: the silence tells.
    expect((await client.getHost(1, 2)).port).toBe(80);
    expect(client.stats()).toMatchObject({ fallbackPicks: 2, agentAway: true });
    expect(client.tryGetHost(1, 2)?.port).toBe(80);
  });

  test('leaves a signal its effect, and closes while the agent is away', async () => {
    await using agent = await FakeAgent.start();
    const client = new LarsClient({ ports: agent.ports, timeoutMs: 10_000, cache: false });
    for (let i = 0; i < BUSY_CALLS; i++) client.report(await client.getHost(1, 2), { ok: true });
    agent.onHost = () => {};
    agent.onRoute = () => {};
    await client.getHost(1, 2);
    expect(client.stats().agentAway).toBe(true);
    expect((await rejection(client.getHost(1, 2, { signal: AbortSignal.abort() }))).code).toBe('LARS_ABORTED');
    client.report(await client.getHost(1, 2), { ok: true });
    const before = agent.batches.length;
    await client.close();
    // The agent hangs, and may read it later.
    await agent.until(() => agent.batches.length > before);
    expect((await rejection(client.getHost(1, 2))).code).toBe('LARS_CLOSED');
    expect(client.stats().unsentResults).toBe(0);
  });

  test('reports to an agent that has come back what was refused meanwhile', async () => {
    const refusing = await refusingPorts();
    await using client = new LarsClient({ ports: refusing.ports });
    const target = { modid: 0, cmdid: 0, host: '10.0.0.5', port: 80 };
    for (let i = 0; i < 30; i++) client.report(target, { ok: i % 3 > 0, tcostMs: 2 });
    while (!client.stats().agentAway) await new Promise(setImmediate);
    client.report(target, { ok: true, tcostMs: 2 });
    expect(client.stats()).toMatchObject({ unsentResults: 31, droppedResults: 0 });
    await refusing[Symbol.asyncDispose]();
    await using agent = await FakeAgent.start(refusing.ports);
    await agent.until(() => agent.batches.length === 1);
    expect(agent.batches[0]).toMatchObject({ fromCopy: false, results: [{ port: 80, succ: 21, err: 10, tcost: 62 }] });
    expect([agent.reports, client.stats().unsentResults]).toEqual([[], 0]);
  });
});

test('of several servers that do not answer, the one that is away longest says for how long the agent is', () => {
  const nowMs = () => 10_000;
  const channelOf = () => {
    throw new Error('nobody is asked');
  };
  const driver = new CacheDriver({
    nowMs,
    random: () => 0,
    channelOf,
    counters: newCounters(),
    cache: true,
    fallback: true,
    zone: '',
  });
  const fallback = new Fallback(driver, undefined, nowMs);
  const away = (sinceMs: number | undefined, unsentCalls: number, droppedCalls: number) => {
    return { absence: { sinceMs, unsentCalls, droppedCalls } };
  };
  expect(fallback.stats([away(9_000, 1, 10), away(undefined, 2, 20), away(7_000, 4, 40)])).toMatchObject({
    agentAway: true,
    agentAwayForMs: 3_000,
    unsentResults: 7,
    droppedResults: 70,
  });
  driver.close();
  fallback.close();
});
