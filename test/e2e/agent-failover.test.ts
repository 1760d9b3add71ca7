/** Servers of an agent's lists die, hang and come back while callers never pause. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { LarsClient } from '@lars/client-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { knowRoute } from '../support/know-route.ts';
import { UdpAsker } from '../support/udp-asker.ts';
import { CleanUps } from './agent-world.ts';
import { FailoverWorld, type Server } from './failover-world.ts';
import { Load } from './outage-world.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

/** The promise is two seconds; a machine that has other things to do gets more, and the figure is printed. */
const FAILOVER_LIMIT_MS = 6_000;
const MODULE = { modid: 1, cmdid: 1 };
/** Some hundred calls a second, which leave a processor to the services. */
const CALLERS = 2;
const PATIENT_MS = 60_000;

interface Started {
  readonly world: FailoverWorld;
  readonly load: Load;
  readonly asker: UdpAsker;
}

async function start(cleanUps: CleanUps): Promise<Started> {
  const world = await FailoverWorld.start(cleanUps);
  const [a, b] = world.dnsservers;
  await a.route('add', '1/1', '127.0.0.1:9001', '127.0.0.1:9002');
  await b.route('add', '1/1', '127.0.0.1:9001');
  const asker = await UdpAsker.open(world.agent.udpPorts);
  cleanUps.add(() => asker.close());
  const client = new LarsClient({ ports: [...world.agent.udpPorts] as [number, number, number] });
  cleanUps.add(() => client.close());
  await vi.waitUntil(async () => (await ports(asker)).length === 2, { timeout: PATIENT_MS, interval: 50 });
  await world.uses(world.reporters[0]);
  await knowRoute(client, 1, 1, PATIENT_MS);
  const load = new Load(client, 1, 1);
  cleanUps.add(() => load.end());
  return { world, load, asker };
}

async function ports(asker: UdpAsker): Promise<number[]> {
  return (await asker.getRoute(MODULE)).host.map(({ port }) => port).sort();
}

async function failsOver(world: FailoverWorld, to: Server, how: string): Promise<void> {
  const tookMs = await world.uses(to);
  process.stderr.write(`${to.kind}: the other one was used ${Math.round(tookMs)} ms after ${how}\n`);
  expect(tookMs).toBeLessThan(FAILOVER_LIMIT_MS);
}

const ways = {
  'is killed': {
    end: (server: Server) => server.kill(),
    back: (server: Server) => server.start(),
  },
  hangs: {
    end: async (server: Server) => server.signal('SIGSTOP'),
    back: async (server: Server) => server.signal('SIGCONT'),
  },
} as const;

describe.each(Object.entries(ways))('the first server %s, and comes back', (how, { end, back }) => {
  const cleanUps = new CleanUps();
  let started: Started;
  beforeAll(async () => {
    started = await start(cleanUps);
  });
  afterAll(() => cleanUps.run());

  test('reporter: each call stands in one of the two databases, once', async () => {
    const { world, load } = started;
    load.begin(CALLERS);
    const [a, b] = world.reporters;
    const stored = () => a.calls().succ + b.calls().succ;
    await vi.waitUntil(() => a.calls().succ > 500, { timeout: PATIENT_MS, interval: 50 });
    await end(a);
    await failsOver(world, b, `it ${how}`);
    await vi.waitUntil(() => b.calls().succ > 500, { timeout: PATIENT_MS, interval: 50 });
    await back(a);
    await world.uses(a);
    const atReturn = a.calls().succ;
    await vi.waitUntil(() => a.calls().succ > atReturn + 500, { timeout: PATIENT_MS, interval: 50 });
    await load.end();
    await vi.waitUntil(() => stored() >= load.reported.succ, { timeout: PATIENT_MS, interval: 50 });
    // What counted twice would come late.
    await new Promise(resolve => setTimeout(resolve, 2_000));
    expect({ succ: stored(), err: a.calls().err + b.calls().err }).toEqual(load.reported);
    expect(load.errors).toEqual([]);
  });

  // Behind the other one: results of a host that has just left the route are counted nowhere.
  test('dnsserver: no call fails, and the agent has the routes of the one that it uses, whose database is another', async () => {
    const { world, load, asker } = started;
    load.begin(CALLERS);
    const [a, b] = world.dnsservers;
    const routeIs = (expected: readonly number[]) =>
      vi.waitUntil(async () => JSON.stringify(await ports(asker)) === JSON.stringify(expected), {
        timeout: PATIENT_MS,
        interval: 50,
      });
    await end(a);
    await failsOver(world, b, `it ${how}`);
    await routeIs([9001]);
    await b.route('add', '1/1', '127.0.0.1:9003');
    await routeIs([9001, 9003]);
    expect(await world.links('dnsserver')).toMatch(`127.0.0.1:${a.port} down, 127.0.0.1:${b.port} connected since 20`);
    await back(a);
    await world.uses(a);
    await routeIs([9001, 9002]);
    await a.route('add', '1/1', '127.0.0.1:9004');
    await routeIs([9001, 9002, 9004]);
    await load.end();
    expect(load.errors).toEqual([]);
  });
});

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

test('an agent that ends while the first reporter hangs keeps what it owes that one, and its next start delivers it there, once', async () => {
  const { world, load } = await start(cleanUps);
  load.begin(CALLERS);
  const [a, b] = world.reporters;
  await vi.waitUntil(() => a.calls().succ > 500, { timeout: PATIENT_MS, interval: 50 });
  a.signal('SIGSTOP');
  await world.uses(b);
  await load.end();
  await vi.waitUntil(async () => b.calls().succ > 0, { timeout: PATIENT_MS, interval: 50 });
  await world.stopAgent();
  expect(readdirSync(path.join(world.folder.path, 'data'))).toContain(`agent-unsent.127.0.0.1_${a.port}`);
  const told = () => a.calls().succ + b.calls().succ;
  expect(told()).toBeLessThan(load.reported.succ);
  await world.startAgent();
  a.signal('SIGCONT');
  await vi.waitUntil(() => told() >= load.reported.succ, { timeout: PATIENT_MS, interval: 50 });
  await new Promise(resolve => setTimeout(resolve, 2_000));
  expect(told()).toBe(load.reported.succ);
  expect(load.errors).toEqual([]);
});
