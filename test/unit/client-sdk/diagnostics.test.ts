import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createTestAgent } from '@lars/client-sdk/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { type LarsAgentEvent, type LarsApi, LarsClient, type LarsReportEvent } from '../../../client-sdk/src/index.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeAgent } from './fake-agent.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Copies, for an event of a call grows. */
function record(...names: string[]): [string, Record<string, unknown>][] {
  const seen: [string, Record<string, unknown>][] = [];
  for (const name of names) {
    const listener: ChannelListener = message => seen.push([name, { ...(message as object) }]);
    subscribe(name, listener);
    ends.push(() => unsubscribe(name, listener));
  }
  return seen;
}

const START = 'tracing:lars:call:start';
const END = 'tracing:lars:call:asyncEnd';
const ERROR = 'tracing:lars:call:error';

async function withClient(check: (lars: LarsApi) => Promise<void>): Promise<void> {
  await using agent = await FakeAgent.start();
  await using client = new LarsClient({ ports: agent.ports, timeoutMs: 10_000 });
  await check(client);
}

describe.each<[string, (check: (lars: LarsApi) => Promise<void>) => Promise<void>]>([
  ['a client', withClient],
  ['an agent in memory', check => check(createTestAgent({ routes: { '1/2': ['10.0.0.5:80'] } }))],
])('of %s', (_, withLars) => {
  test('a call is told at its start and at its end, its result is not changed', () =>
    withLars(async lars => {
      const seen = record(START, END, ERROR);
      expect(await lars.call(1, 2, host => `to ${host.modid}`)).toBe('to 1');
      const host = expect.objectContaining({ modid: 1, cmdid: 2 });
      expect(seen).toEqual([
        [START, { modid: 1, cmdid: 2 }],
        [END, { modid: 1, cmdid: 2, host, ok: true, tcostMs: expect.any(Number), result: 'to 1' }],
      ]);
    }));

  test('a call that fails has its very error, and one that is aborted no outcome', () =>
    withLars(async lars => {
      const seen = record(ERROR);
      const error = new Error('broken');
      await expect(lars.call(1, 2, () => Promise.reject(error))).rejects.toBe(error);
      const controller = new AbortController();
      const run = () => new Promise(() => controller.abort());
      await expect(lars.call(1, 2, run, { signal: controller.signal })).rejects.toThrow('aborted');
      expect(seen.map(([, { error: thrown, ok }]) => [thrown === error, ok])).toEqual([
        [true, false],
        [false, undefined],
      ]);
    }));

  test('each result is told, whoever reports it', () =>
    withLars(async lars => {
      const seen = record('lars:report');
      await lars.call(1, 2, () => undefined);
      lars.report(await lars.getHost(1, 2), { ok: false });
      lars.report({ modid: 1, cmdid: 2, host: '10.0.0.9', port: 80 }, { ok: true, tcostMs: 3 });
      expect(seen.map(([, event]) => event as unknown as LarsReportEvent)).toMatchObject([
        { host: { modid: 1, cmdid: 2 }, ok: true },
        { host: { modid: 1, cmdid: 2 }, ok: false, tcostMs: undefined },
        { host: { host: '10.0.0.9', port: 80 }, ok: true, tcostMs: 3 },
      ]);
    }));
});

test('an agent is told to be away and back, once, with the times between which the client picks by itself', async () => {
  const seen = record('lars:agent:away', 'lars:fallback:start', 'lars:agent:back', 'lars:fallback:end');
  let nowMs = 0;
  const agent = await FakeAgent.start();
  const { ports } = agent;
  await using client = new LarsClient({ ports, timeoutMs: 10_000 }, { nowMs: () => nowMs });
  await client.getHost(1, 2);
  await agent.until(() => agent.routeRequests.length === 1);
  await client.getRoute(1, 2);
  expect(seen).toEqual([]);
  await agent[Symbol.asyncDispose]();
  await eventually('the agent is away', async () => {
    await client.getHost(1, 2);
    return client.stats().agentAway;
  });
  await client.getHost(1, 2);
  expect(seen.map(([name]) => name)).toEqual(['lars:agent:away', 'lars:fallback:start']);
  await using returned = await FakeAgent.start(ports);
  await eventually('the agent is back and has caught up', () => {
    nowMs += 1_000;
    return seen.length === 4;
  });
  expect(returned.routeRequests.length).toBeGreaterThan(0);
  expect(seen.map(([name]) => name).slice(2)).toEqual(['lars:agent:back', 'lars:fallback:end']);
  const events = seen.map(([, event]) => event as unknown as LarsAgentEvent);
  expect(new Set(events.map(event => event.agent)).size).toBe(1);
  expect(events[0]).toEqual({ agent: expect.stringMatching(/^127\.0\.0\.1:\d+$/), awayForMs: 0 });
  const [, , back, caughtUp] = events.map(event => event.awayForMs);
  expect(back).toBeGreaterThan(0);
  // The client doubts for 10 s whether the agent has all of its routes again.
  expect(caughtUp).toBeGreaterThan((back ?? 0) + 5_000);
});
