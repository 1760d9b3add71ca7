import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { startAgent } from '@lars/agent';
import { ReturnCode } from '@lars/proto';
import { StartupError } from '@lars/runtime/errors';
import { afterEach, describe, expect, test } from 'vitest';
import { hostInfo, hostInfos } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { sampleValue } from '../support/prometheus-text.ts';
import { recordingLog } from '../support/recording-log.ts';
import { type AgentWorld, agentConfig, CleanUps, health, metrics, restarted, startWorld } from './agent-world.ts';

const MODULES = [
  { modid: 3, cmdid: 0 },
  { modid: 1, cmdid: 0 },
  { modid: -1, cmdid: 0 },
];
const THREADS = ['shard0', 'shard1', 'shard2', 'dns', 'reporter'] as const;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

async function serveAll({ dns, asker }: AgentWorld): Promise<void> {
  for (const module of MODULES) {
    dns.setRoute(module.modid, module.cmdid, hostInfos(2));
    expect((await asker.getHost(module)).retcode).toBe(ReturnCode.Success);
  }
}

/** Asks until the module's answers name this host alone; a datagram to a thread that is being replaced may be lost. */
async function servesOnly({ asker }: AgentWorld, module: (typeof MODULES)[number], port: number): Promise<void> {
  await eventually(`${module.modid}/${module.cmdid} is served with host ${port} alone`, () => {
    const ports = [...asker.hosts.values()].filter(({ modid }) => modid === module.modid).map(({ host }) => host?.port);
    asker.hosts.clear();
    for (let i = 0; i < 4; i++) asker.ask(module);
    return ports.length > 0 && ports.every(one => one === port);
  });
}

describe.each(THREADS)('when thread %s dies', name => {
  test('it is started again, every module is served, pushes arrive and reports too', async () => {
    const world = await startWorld(cleanUps, 'ours');
    const { agent, dns, reporter, asker, recording } = world;
    await serveAll(world);
    const { udpPorts } = agent;
    await agent.killThread(name);
    await restarted(agent, name, 1);
    for (const [i, module] of MODULES.entries()) {
      dns.setRoute(module.modid, module.cmdid, [hostInfo(50 + i)]);
      await servesOnly(world, module, 50 + i);
      await asker.report(module, 50 + i, [true, true]);
    }
    for (const [i, { modid, cmdid }] of MODULES.entries()) {
      await eventually(`the calls of ${modid}/${cmdid}`, () => reporter.calls(modid, cmdid)[50 + i]?.succ === 2);
    }
    expect(agent.udpPorts).toEqual(udpPorts);
    expect(recording.events()).toContain(`thread ${name} died`);
    expect(THREADS.map(thread => agent.restarts(thread))).toEqual(THREADS.map(thread => Number(thread === name)));
    expect(sampleValue(await metrics(agent), 'lars_agent_thread_restarts_total', { thread: name })).toBe(1);
    expect((await health(agent)).details).toMatchObject({ threadRestarts: 1 });
  });
});

describe('the routes after a thread has died', () => {
  test('of a shard are fetched without waiting for a call', async () => {
    const world = await startWorld(cleanUps, 'ours');
    await serveAll(world);
    world.dns.requests.length = 0;
    await world.agent.killThread('shard0');
    await eventually('its module is asked for in full', () => world.dns.requests.length > 0);
    expect(world.dns.requests).toMatchObject([{ modid: 3, cmdid: 0, version: 0 }]);
  });

  test('of the dns thread are known to its successor: after the next reconnect all are asked for again', async () => {
    const world = await startWorld(cleanUps, 'ours');
    await serveAll(world);
    world.dns.takeAsked();
    await world.agent.killThread('dns');
    await eventually('all are asked for', () => world.dns.requests.length >= MODULES.length);
    expect(world.dns.requests.some(({ version }) => version > 0)).toBe(true);
    world.dns.takeAsked();
    world.dns.cutConnections();
    await eventually('all are asked for again', () => world.dns.requests.length >= MODULES.length);
    expect(new Set(world.dns.takeAsked())).toEqual(new Set(['3/0', '1/0', '-1/0']));
  });

  test('counters go on where the dead thread left them', async () => {
    const world = await startWorld(cleanUps, 'ours');
    await serveAll(world);
    const before = sampleValue(await metrics(world.agent), 'lars_agent_get_host_total', { shard: '0' });
    expect(before).toBeGreaterThan(0);
    await world.agent.killThread('shard0');
    expect(sampleValue(await metrics(world.agent), 'lars_agent_get_host_total', { shard: '0' })).toBe(before);
  });
});

test('a thread that dies six times within a minute is the end: the agent says why, and can still be stopped', async () => {
  const world = await startWorld(cleanUps, 'ours');
  const { agent } = world;
  let reason: Error | undefined;
  void agent.failed.then(error => {
    reason = error;
  });
  for (let deaths = 1; deaths <= 5; deaths++) {
    await agent.killThread('dns');
    await restarted(agent, 'dns', deaths);
  }
  expect(reason).toBeUndefined();
  await agent.killThread('dns');
  const { message } = await agent.failed;
  expect(message).toMatch(/^thread dns died 6 times within 60 s, last: /);
  await agent.stop();
});

describe('an agent that cannot start', () => {
  test.each([0, 1, 2])(
    'because UDP port number %i is taken says which, and which key of the conf, and leaves nothing running',
    async n => {
      const { base, taker } = await takePort(n);
      cleanUps.add(() => taker.close());
      const key = n === 0 ? 'conf key [udp] port' : `conf key [udp] port + ${n}`;
      const started = startAgent(agentConfig({ udp: { port: base } }), { log: recordingLog().log });
      await expect(started).rejects.toThrow(StartupError);
      await expect(started).rejects.toMatchObject({
        code: 'EADDRINUSE',
        message: `UDP port 127.0.0.1:${base + n} (${key}) is taken: another process listens there`,
      });
      expect((process.report.getReport() as unknown as { workers: unknown[] }).workers).toEqual([]);
    },
  );

  test('because its HTTP port is taken ends its threads', async () => {
    const world = await startWorld(cleanUps, 'ours');
    const port = world.agent.httpPort;
    const started = startAgent(agentConfig({ http: { port } }), { log: recordingLog().log });
    await expect(started).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining(`${port} (conf key [http] port)`),
    });
    expect((process.report.getReport() as unknown as { workers: unknown[] }).workers).toHaveLength(5);
  });

  test('because the conf contradicts itself says where', async () => {
    const started = startAgent(agentConfig({ agent: { reconnect_min: 100, reconnect_max: 50 } }), { log: recordingLog().log });
    await expect(started).rejects.toThrow(StartupError);
    await expect(started).rejects.toThrow('reconnect_min = 100 is greater than reconnect_max = 50');
  });
});

test('two agents live side by side, and the end of one is not noticed by the other', async () => {
  const [one, other] = [await startWorld(cleanUps, 'ours'), await startWorld(cleanUps, 'deployed')];
  await serveAll(one);
  await serveAll(other);
  expect(new Set([...one.agent.udpPorts, ...other.agent.udpPorts]).size).toBe(6);
  await one.agent.stop();
  for (const module of MODULES) expect((await other.asker.getHost(module)).retcode).toBe(ReturnCode.Success);
});

test('health and metrics tell what runs where and how much was asked', async () => {
  const world = await startWorld(cleanUps, 'ours');
  const { agent, dns, reporter, asker } = world;
  await serveAll(world);
  await asker.report({ modid: 3, cmdid: 0 }, 1, [true, true]);
  asker.send(new Uint8Array(3), 0);
  await asker.getHost({ modid: 3, cmdid: 0 });
  const told = await eventually('all is well', async () => {
    const { status, details } = await health(agent);
    return status === 'ok' && String(details['reporter']).endsWith(' connected') && details['modules'] === 3 && details;
  });
  expect(told).toMatchObject({
    udp: `127.0.0.1:${agent.udpPorts.join(',')}`,
    transport: agent.transport,
    algorithm: 'adaptive',
    dnsserver: `127.0.0.1:${dns.port} connected`,
    reporter: `127.0.0.1:${reporter.port} connected`,
    modules: 3,
    hosts: 6,
    ejectedHosts: 0,
    overloadedHosts: 0,
    getHost: 5,
    reports: 2,
    threadRestarts: 0,
  });
  const samples = await metrics(agent);
  const value = (name: string, shard: string) => sampleValue(samples, `lars_agent_${name}`, { shard });
  expect(value('get_host_total', '0')).toBe(3);
  expect(value('bad_length_total', '0')).toBe(1);
  expect(value('reported_calls_total', '0')).toBe(2);
  // Renamed metrics keep their old names for one release.
  expect(value('report_total', '0')).toBe(2);
  expect([value('ejected_hosts', '2'), value('overloaded_hosts', '2')]).toEqual([0, 0]);
  expect(value('modules', '2')).toBe(1);
  expect(sampleValue(samples, 'lars_agent_dnsserver_link_up')).toBe(1);
  expect(sampleValue(samples, 'lars_agent_dnsserver_requests_total')).toBe(3);
  expect(sampleValue(samples, 'lars_build_info', { service: 'agent' })).toBe(1);
});

test('stop can be called twice, and frees the ports', async () => {
  const world = await startWorld(cleanUps, 'ours');
  const { agent } = world;
  await Promise.all([agent.stop(), agent.stop()]);
  for (const port of agent.udpPorts) {
    const socket = await bound(port);
    socket?.close();
    expect(socket).toBeDefined();
  }
  await expect(fetch(`http://127.0.0.1:${agent.httpPort}/healthz`)).rejects.toThrow();
});

/** A socket on this port of loopback, or undefined when it is taken. */
async function bound(port: number): Promise<Socket | undefined> {
  const socket = createSocket('udp4');
  const listening = once(socket, 'listening');
  socket.bind({ port, address: '127.0.0.1', exclusive: true });
  try {
    await listening;
    return socket;
  } catch {
    socket.close();
    return undefined;
  }
}

/** Takes the n-th of three ports that follow one another, of which the others are free. */
async function takePort(n: number): Promise<{ base: number; taker: Socket }> {
  return eventually('three ports in a row', async () => {
    const taker = await bound(0);
    if (taker === undefined) return undefined;
    const base = taker.address().port - n;
    for (const other of [0, 1, 2].filter(i => i !== n)) {
      const socket = await bound(base + other);
      socket?.close();
      if (socket === undefined) {
        taker.close();
        return undefined;
      }
    }
    return { base, taker };
  });
}
