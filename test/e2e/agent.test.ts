import { ReturnCode } from '@lars/proto';
import { afterEach, describe, expect, test } from 'vitest';
import { hostInfo, hostInfos } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { sampleSum, sampleValue } from '../support/prometheus-text.ts';
import { type AgentWorld, CleanUps, health, metrics, startWorld } from './agent-world.ts';

/** One module of each shard. */
const MODULES = [
  { modid: 3, cmdid: 0 },
  { modid: 1, cmdid: 0 },
  { modid: -1, cmdid: 0 },
];
const MODULE = { modid: 3, cmdid: 0 };

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

/** All modules have been asked for once and are served. */
async function serveAll({ dns, asker }: AgentWorld): Promise<void> {
  for (const module of MODULES) {
    dns.setRoute(module.modid, module.cmdid, hostInfos(2));
    expect(await asker.getHost(module)).toMatchObject({ ...module, retcode: ReturnCode.Success });
  }
}

/** The ports that a module's next answers name. */
async function portsOf({ asker }: AgentWorld, module = MODULE, calls = 6): Promise<Set<number | undefined>> {
  const ports = new Set<number | undefined>();
  for (let i = 0; i < calls; i++) ports.add((await asker.getHost(module)).host?.port);
  return ports;
}

describe.each(['deployed', 'ours'] as const)('an agent among %s peers', dialect => {
  test('answers the first call with a host, as soon as the route has come', async () => {
    const world = await startWorld(cleanUps, dialect);
    world.dns.setRoute(3, 0, [hostInfo(80)]);
    expect(await world.asker.getHost(MODULE)).toMatchObject({ ...MODULE, retcode: ReturnCode.Success, host: hostInfo(80) });
    expect(world.dns.takeAsked()).toEqual(['3/0']);
    expect(await world.asker.getHost({ modid: 6, cmdid: 0 })).toMatchObject({ retcode: ReturnCode.NoExist, host: undefined });
    expect(await world.asker.getRoute(MODULE)).toMatchObject({ ...MODULE, host: [hostInfo(80)] });
  });

  test('answers at each port for every module', async () => {
    const world = await startWorld(cleanUps, dialect);
    await serveAll(world);
    for (const module of MODULES) {
      for (const shard of [0, 1, 2]) expect(await world.asker.getHost(module, shard)).toMatchObject({ ...module, retcode: 0 });
    }
    expect(sampleSum(await metrics(world.agent), 'lars_agent_misrouted_total')).toBe(6);
  });

  test('follows a pushed change at once, and a removal', async () => {
    const world = await startWorld(cleanUps, dialect);
    await serveAll(world);
    world.dns.setRoute(3, 0, [hostInfo(7)]);
    await eventually('only host 7 is answered', async () => [...(await portsOf(world))].join() === '7');
    world.dns.setRoute(3, 0, []);
    await eventually('NOEXIST', async () => (await world.asker.getHost(MODULE)).retcode === ReturnCode.NoExist);
    expect((await world.asker.getHost({ modid: 1, cmdid: 0 })).retcode).toBe(ReturnCode.Success);
  });

  test('asks anew for a route that has aged, when its module is asked for, and serves on meanwhile', async () => {
    const world = await startWorld(cleanUps, dialect, { loadbalance: { report_timeout: 0.01, update_timeout: 0.01 } });
    world.dns.setRoute(3, 0, [hostInfo(80)]);
    await world.asker.getHost(MODULE);
    world.dns.takeAsked();
    await eventually('asked anew', async () => {
      expect(await world.asker.getHost(MODULE)).toMatchObject({ retcode: ReturnCode.Success, host: hostInfo(80) });
      return world.dns.takeAsked().includes('3/0');
    });
  });

  test('goes on with the routes it knows while dnsserver is away, then asks for all of them again', async () => {
    const world = await startWorld(cleanUps, dialect, { loadbalance: { update_timeout: 0.01 } });
    await serveAll(world);
    await world.dns.stop();
    await eventually('the health says so', async () => (await health(world.agent)).status === 'degraded');
    for (const module of MODULES) expect((await world.asker.getHost(module)).retcode).toBe(ReturnCode.Success);
    world.dns.setRoute(3, 0, [hostInfo(9)]);
    world.dns.takeAsked();
    await world.dns.start();
    await eventually('the change is seen', async () => [...(await portsOf(world))].join() === '9');
    expect(new Set(world.dns.takeAsked())).toEqual(new Set(['3/0', '1/0', '-1/0']));
    world.dns.setRoute(1, 0, [hostInfo(8)]);
    await eventually('pushes come again', async () => [...(await portsOf(world, { modid: 1, cmdid: 0 }))].join() === '8');
    await eventually('the health says so', async () => (await health(world.agent)).status === 'ok');
  });

  test('tells the reporter how calls went, under its address', async () => {
    const world = await startWorld(cleanUps, dialect);
    await serveAll(world);
    await world.asker.report(MODULE, 1, [true, true, false]);
    await world.asker.report(MODULE, 2, [true]);
    await eventually('the calls', () => world.reporter.calls(3, 0)[1]?.succ === 2 && world.reporter.calls(3, 0)[2]?.succ === 1);
    expect(world.reporter.calls(3, 0)).toEqual({ 1: { succ: 2, err: 1 }, 2: { succ: 1, err: 0 } });
    expect(world.reporter.reports[0]).toMatchObject({ ...MODULE, caller: 0x0a09_0807 });
    const ageSeconds = Date.now() / 1_000 - (world.reporter.reports[0]?.ts ?? 0);
    expect(ageSeconds).toBeLessThan(20);
  });

  test('keeps what the reporter cannot take now, merged, and delivers it later', async () => {
    const world = await startWorld(cleanUps, dialect);
    await serveAll(world);
    await world.reporter.stop();
    let calls = 0;
    await eventually('reports were merged', async () => {
      calls += 1;
      await world.asker.report(MODULE, 1, [true]);
      return sampleValue(await metrics(world.agent), 'lars_agent_reporter_merged_total') >= 1;
    });
    expect(world.reporter.reports).toEqual([]);
    await world.reporter.start();
    await eventually('all calls', () => world.reporter.calls(3, 0)[1]?.succ === calls);
    expect(world.reporter.reports.length).toBeLessThan(calls);
  });

  test('that stops flushes its last counts', async () => {
    const world = await startWorld(cleanUps, dialect, { loadbalance: { report_timeout: 3_600 } });
    await serveAll(world);
    for (const module of MODULES) await world.asker.report(module, 1, [true, false]);
    expect(world.reporter.reports).toEqual([]);
    await world.agent.stop();
    for (const { modid, cmdid } of MODULES) expect(world.reporter.calls(modid, cmdid)).toEqual({ 1: { succ: 1, err: 1 } });
    expect(world.reporter.reports).toHaveLength(3);
  });
});

describe('a reporter that acknowledges', () => {
  test('has each call once, though it was cut off before it could acknowledge', async () => {
    const world = await startWorld(cleanUps, 'ours');
    await serveAll(world);
    world.reporter.acknowledges = false;
    await world.asker.report(MODULE, 1, [true, true]);
    await eventually('a report', () => world.reporter.reports.length === 1);
    world.reporter.acknowledges = true;
    world.reporter.cutConnections();
    await eventually('the same report again', () => world.reporter.reports.length === 2);
    expect(world.reporter.reports[1]).toEqual(world.reporter.reports[0]);
    await eventually('it is acknowledged', async () => {
      return sampleValue(await metrics(world.agent), 'lars_agent_reporter_acknowledged_total') === 1;
    });
    await world.asker.report(MODULE, 1, [true]);
    await eventually('the next report', () => world.reporter.reports.length === 3);
    expect(world.reporter.calls(3, 0)).toEqual({ 1: { succ: 3, err: 0 } });
    expect(world.reporter.reports.map(({ seq }) => seq)).toEqual([1, 1, 2]);
  });
});

describe('without a dnsserver', () => {
  test('the first call is answered NOEXIST when its wait is over', async () => {
    const world = await startWorld(cleanUps, 'ours', { agent: { route_wait: 30, absent_ttl: 3_600 } });
    await world.dns.stop();
    const beganMs = performance.now();
    expect((await world.asker.getHost(MODULE)).retcode).toBe(ReturnCode.NoExist);
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(29);
    expect((await world.asker.getHost(MODULE)).retcode).toBe(ReturnCode.NoExist);
    expect(sampleSum(await metrics(world.agent), 'lars_agent_parked_total')).toBe(1);
  });

  test('what is asked meanwhile is asked of it when it comes, and served then though its absence is remembered', async () => {
    const world = await startWorld(cleanUps, 'ours', { agent: { route_wait: 1, absent_ttl: 3_600 } });
    await world.dns.stop();
    expect((await world.asker.getHost(MODULE)).retcode).toBe(ReturnCode.NoExist);
    world.dns.setRoute(3, 0, hostInfos(1));
    await world.dns.start();
    await eventually('a host', async () => (await world.asker.getHost(MODULE)).retcode === ReturnCode.Success);
  });
});
