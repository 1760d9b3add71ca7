import { Purpose } from '@lars/proto';
import { expect, test } from 'vitest';
import { LarsClient } from '../../../client-sdk/src/index.ts';
import { FakeAgent, HOST } from './fake-agent.ts';

/** What an agent hears of one pick and its result. */
async function heard(purpose: 'call' | 'look' | 'simulation' | undefined) {
  await using agent = await FakeAgent.start();
  await using client = new LarsClient({ ports: agent.ports, cache: false, fallback: false, purpose });
  const host = await client.getHost(1, 2);
  client.report(host, { ok: false, tcostMs: 12 });
  await agent.until(() => agent.reports.length + agent.batches.length > 0);
  const purposes = agent.hostRequests.map(request => request.purpose);
  return { purposes, reports: agent.reports.length, batches: agent.batches };
}

test.each([
  [undefined, Purpose.Call],
  ['call', Purpose.Call],
  ['look', Purpose.Look],
] as const)('a client for %s says so of its getHosts, and its reports are plain ones', async (purpose, told) => {
  expect(await heard(purpose)).toEqual({ purposes: [told], reports: 1, batches: [] });
});

test('results of simulated calls are told as such, one by one', async () => {
  const { ip, port, addr } = HOST;
  const result = { ip, port, addr, succ: 0, err: 1, tcost: 12 };
  const batch = { modid: 1, cmdid: 2, results: [result], fromCopy: false, simulated: true };
  expect(await heard('simulation')).toMatchObject({ purposes: [Purpose.Simulation], reports: 0, batches: [batch] });
});
