/** Callers while the services are restarted one after the other, and a caller that starts while no agent runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LarsClient } from '@lars/client-sdk';
import { afterEach, expect, test, vi } from 'vitest';
import { hostInfos } from '../support/agent-messages.ts';
import { writeAgentRoutes } from '../support/agent-routes-file.ts';
import { eventually } from '../support/eventually.ts';
import { freeUdpPorts } from '../support/free-ports.ts';
import { knowRoute } from '../support/know-route.ts';
import { CleanUps } from './agent-world.ts';
import { LarsFolder, type LarsProcess } from './cli-process.ts';
import { Load, OutageWorld } from './outage-world.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** One module of each shard. */
const MODULES = [
  [3, 0],
  [1, 0],
  [2, 0],
] as const;

const PATIENT_MS = 20_000;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

test('a rolling restart of agent, dnsserver and reporter fails no call', async () => {
  const folder = new LarsFolder();
  cleanUps.add(() => folder.dispose());
  const [udp, tcp] = [await freeUdpPorts(), await freeUdpPorts()];
  const http = '[http]\nport = 0\n';
  folder.write('conf/dnsserver.ini', `[tcp]\nport = ${tcp}\n${http}`);
  folder.write('conf/reporter.ini', `[tcp]\nport = ${tcp + 1}\n${http}`);
  folder.write('conf/agent.ini', `[udp]\nport = ${udp}\n${http}[dnsserver]\nport = ${tcp}\n[reporter]\nport = ${tcp + 1}\n`);
  const running = new Map<string, LarsProcess>();
  const start = async (name: string) => {
    const service = folder.start([name, '--json']);
    running.set(name, service);
    await service.ready;
  };
  const stop = async (name: string) => {
    running.get(name)?.signal('SIGTERM');
    const ended = await running.get(name)?.ended;
    expect(ended?.code, ended?.err).toBe(0);
  };
  await start('dnsserver');
  await start('reporter');
  for (const [modid, cmdid] of MODULES) {
    const { code, err } = await folder.run(['route', 'add', `${modid}/${cmdid}`, '10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80']);
    expect(code, err).toBe(0);
  }
  await start('agent');
  const clientOf = (options: { cache?: boolean; fallback?: boolean }) => {
    const client = new LarsClient({ ports: udp, ...options });
    cleanUps.add(() => client.close());
    return client;
  };
  const loadsOf = (client: LarsClient) => MODULES.map(([modid, cmdid]) => new Load(client, modid, cmdid));
  const clients = [{}, { cache: false }].map(clientOf);
  for (const client of clients) for (const [modid, cmdid] of MODULES) await knowRoute(client, modid, cmdid, PATIENT_MS);
  const loads = clients.flatMap(loadsOf);
  const without = loadsOf(clientOf({ fallback: false, cache: false }));
  for (const load of loads) load.begin(3);
  for (const load of without) load.begin(1);
  await sleep(1_000);
  for (const name of ['agent', 'dnsserver', 'reporter']) {
    await stop(name);
    await start(name);
    await sleep(1_000);
  }
  // An agent that starts before its dnsserver knows no routes for a while, which its callers do.
  await stop('dnsserver');
  await stop('agent');
  await start('agent');
  await sleep(1_000);
  await start('dnsserver');
  await sleep(1_000);
  for (const load of [...loads, ...without]) await load.end();
  expect(loads.flatMap(({ errors }) => errors)).toEqual([]);
  expect(without.flatMap(({ errors }) => errors)).toContain('LARS_AGENT_UNREACHABLE');
});

test('a caller that starts while no agent runs picks from the file of the last one, and asks the next one', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-outage-'));
  cleanUps.add(() => rmSync(folder, { recursive: true, force: true }));
  const routesFile = path.join(folder, 'agent-routes');
  const world = await OutageWorld.start(cleanUps);
  writeAgentRoutes(
    routesFile,
    MODULES.map(([modid, cmdid]) => ({ modid, cmdid, version: 90, host: hostInfos(4) })),
  );
  for (const [modid, cmdid] of MODULES) world.dns.setRoute(modid, cmdid, hostInfos(4));
  const client = world.client({ routesFile });
  const loads = MODULES.map(([modid, cmdid]) => new Load(client, modid, cmdid, host => host.port !== 2));
  const without = new Load(world.client({ routesFile: undefined, fallback: false }), ...MODULES[0]);
  for (const load of loads) load.begin();
  without.begin(1);
  await sleep(1_000);
  expect(client.stats()).toMatchObject({ agentAway: true, routesFileErrors: 0 });
  await world.startAgent();
  await eventually('the agent is asked', () => !client.stats().agentAway);
  await sleep(1_000);
  for (const load of loads) await load.end();
  await without.end();
  for (const load of loads) {
    expect(load.errors).toEqual([]);
    expect([...load.calls.keys()].sort()).toEqual([1, 2, 3, 4]);
    // The caller saw its own errors: it kept away from the host that fails.
    expect((load.calls.get(2) ?? 0) * 5).toBeLessThan(load.calls.get(1) ?? 0);
  }
  expect(without.errors).toContain('LARS_AGENT_UNREACHABLE');
  for (const [at, [modid, cmdid]] of MODULES.entries())
    await eventually('the reporter knows all', () => {
      return (
        JSON.stringify(world.told(modid, cmdid)) === JSON.stringify(addedTo(loads[at] as Load, modid === 3 ? without : undefined))
      );
    });
});

/** What both have reported. */
function addedTo(load: Load, other: Load | undefined): { succ: number; err: number } {
  const { succ, err } = load.reported;
  return { succ: succ + (other?.reported.succ ?? 0), err: err + (other?.reported.err ?? 0) };
}
