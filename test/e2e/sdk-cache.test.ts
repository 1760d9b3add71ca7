/** The SDK's cache with an agent: the agent hears of every call, and its word counts. */
import { execFile } from 'node:child_process';
import { LarsClient, type LarsHost } from '@lars/client-sdk';
import { afterEach, describe, expect, test } from 'vitest';
import { hostInfos } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { sampleSum } from '../support/prometheus-text.ts';
import type { Dialect } from '../support/scripted-dnsserver.ts';
import { type AgentWorld, CleanUps, metrics, startWorld } from './agent-world.ts';

/** One module of each shard. */
const MODULES = [
  { modid: 3, cmdid: 0 },
  { modid: 1, cmdid: 0 },
  { modid: -1, cmdid: 0 },
];
const HOSTS = 4;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

async function start(dialect: Dialect, clients = 1): Promise<{ world: AgentWorld; clients: LarsClient[] }> {
  const world = await startWorld(cleanUps, dialect);
  for (const { modid, cmdid } of MODULES) world.dns.setRoute(modid, cmdid, hostInfos(HOSTS));
  const made = Array.from({ length: clients }, () => new LarsClient({ ports: world.agent.udpPorts, timeoutMs: 5_000 }));
  for (const client of made) cleanUps.add(() => client.close());
  return { world, clients: made };
}

/** One call: a pick and a report. */
async function call(
  client: LarsClient,
  module = MODULES[0] as (typeof MODULES)[number],
  ok = (_: LarsHost) => true,
): Promise<LarsHost> {
  const host = await client.getHost(module.modid, module.cmdid);
  client.report(host, { ok: ok(host), tcostMs: 1 });
  return host;
}

/** So many calls that the module is picked from a copy where the agent allows it. */
async function busy(client: LarsClient, module = MODULES[0]): Promise<void> {
  for (let i = 0; i < 10; i++) await call(client, module);
}

async function copied(client: LarsClient, count: number): Promise<void> {
  await eventually(`${count} copies`, () => client.stats().copies === count);
}

describe('an agent whose callers keep copies of the route', () => {
  test('counts every call once, and close leaves none behind', async () => {
    const { world, clients } = await start('ours', 3);
    let calls = 0;
    for (const client of clients) for (const module of MODULES) await busy(client, module).then(() => (calls += 10));
    for (const client of clients) await copied(client, MODULES.length);
    for (let i = 0; i < 3_000; i++) {
      await call(clients[i % 3] as LarsClient, MODULES[i % 2], () => i % 100 !== 0);
      calls += 1;
    }
    const picks = clients.reduce((sum, client) => sum + client.stats().copyPicks, 0);
    for (const client of clients) await client.close();
    await eventually(
      'all reports',
      async () => sampleSum(await metrics(world.agent), 'lars_agent_reported_calls_total') === calls,
    );
    const asked = sampleSum(await metrics(world.agent), 'lars_agent_get_host_total');
    expect(asked + picks).toBe(calls);
    expect(picks).toBeGreaterThan(100);
    await world.agent.stop();
    const told = MODULES.flatMap(({ modid, cmdid }) => Object.values(world.reporter.calls(modid, cmdid)));
    expect(told.reduce((sum, { succ, err }) => sum + succ + err, 0)).toBe(calls);
  });

  test.each(['', 'process.exit();'])('hears of every call of a script that forgets close() and ends with "%s"', async end => {
    const { world } = await start('ours', 0);
    const script = `
      import { LarsClient } from '@lars/client-sdk';
      const lars = new LarsClient({ ports: ${JSON.stringify(world.agent.udpPorts)}, timeoutMs: 15_000 });
      for (let i = 0; i < 100; i++) await lars.call(3, 0, () => i);
      ${end}`;
    const ended = new Promise<string>((resolve, reject) => {
      execFile(
        process.execPath,
        ['--input-type=module', '-e', script],
        { cwd: import.meta.dirname, timeout: 30_000 },
        (error, out, err) => (error === null ? resolve(out + err) : reject(error)),
      );
    });
    expect(await ended).toBe('');
    await eventually('all reports', async () => sampleSum(await metrics(world.agent), 'lars_agent_reported_calls_total') === 100);
  });

  test('takes a host that fails out of service for all of them', async () => {
    const { world, clients } = await start('ours', 2);
    const [one, other] = clients as [LarsClient, LarsClient];
    for (const client of clients) {
      await busy(client);
      await copied(client, 1);
    }
    // Many calls at a time, so that each host has some when the first one fails.
    const hosts = await Promise.all(Array.from({ length: 4 * HOSTS }, () => one.getHost(3, 0)));
    expect(hosts.filter(host => host.port === 1)).toHaveLength(4);
    for (const host of hosts) one.report(host, { ok: host.port !== 1, tcostMs: 1 });
    await eventually('the host is ejected', async () => {
      return sampleSum(await metrics(world.agent), 'lars_agent_ejected_hosts') === 1;
    });
    await eventually('who told of it has been told', () => one.stats().copies === 0);
    await eventually('the other has been told', () => {
      other.tryGetHost(3, 0);
      return other.stats().copies === 0;
    });
    let probes = 0;
    for (let i = 0; i < 50; i++) {
      const { port } = await call(other, MODULES[0], host => host.port !== 1);
      if (port === 1) probes += 1;
    }
    expect(probes).toBeLessThanOrEqual(2);
  });

  test('tells them of a changed route', async () => {
    const { world, clients } = await start('ours');
    const [client] = clients as [LarsClient];
    await busy(client);
    await copied(client, 1);
    world.dns.setRoute(3, 0, hostInfos(6).slice(4));
    const left = new Set([5, 6]);
    await eventually('only the new hosts', async () => {
      const ports = new Set<number>();
      for (let i = 0; i < 30; i++) ports.add((await call(client)).port);
      return [...ports].every(port => left.has(port));
    });
    for (let i = 0; i < 200; i++) expect(left).toContain((await call(client)).port);
  });
});

test('among peers that do not number routes every call is asked for', async () => {
  const { clients } = await start('deployed');
  const [client] = clients as [LarsClient];
  for (let i = 0; i < 20; i++) await call(client);
  await eventually('the route was asked for', () => client.stats().refreshes === 1);
  for (let i = 0; i < 20; i++) await call(client);
  expect(client.stats()).toMatchObject({ copyPicks: 0, copies: 0, answered: 40 });
});
