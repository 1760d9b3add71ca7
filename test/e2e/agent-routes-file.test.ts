/** An agent that starts while dnsserver is away serves what an earlier run of it knew. */
import { once } from 'node:events';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { encodeBody, MessageId, ReturnCode } from '@lars/proto';
import { afterEach, describe, expect, test } from 'vitest';
import { hostInfo, hostInfos } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { parsePrometheus, sampleSum, sampleValue } from '../support/prometheus-text.ts';
import { type AgentRun, page, RestartWorld } from './agent-restart-world.ts';
import { CleanUps, health, metrics, restarted, startWorld } from './agent-world.ts';

const MODULE = { modid: 41, cmdid: 1 };
const OTHER = { modid: -7, cmdid: 3 };

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

/** An agent learns the routes of both modules, and is killed once its file has them. */
async function learnAndDie(): Promise<RestartWorld> {
  const world = await RestartWorld.open(cleanUps);
  world.dns.setRoute(OTHER.modid, OTHER.cmdid, hostInfos(3));
  world.dns.setRoute(MODULE.modid, MODULE.cmdid, [hostInfo(11)]);
  const run = await world.start();
  for (const module of [OTHER, MODULE]) expect((await run.asker.getHost(module)).retcode).toBe(ReturnCode.Success);
  const response = { ...MODULE, host: [hostInfo(11)], version: 0, overload: false, notModified: false };
  const route = Buffer.from(encodeBody(MessageId.GetRouteResponse, response));
  await eventually('the file has the routes', () => world.fileHas('agent-routes', route));
  run.process.signal('SIGKILL');
  await run.process.ended;
  return world;
}

async function healthOf(run: AgentRun): Promise<{ status: string; details: Record<string, unknown> }> {
  return JSON.parse(await page(run, '/healthz'));
}

describe('an agent that was killed and is started again while dnsserver is away', () => {
  test('serves the routes at once, says that they are old, and takes the new ones when dnsserver is back', async () => {
    const world = await learnAndDie();
    await world.dns.stop();
    const run = await world.start();
    const startMs = performance.now();
    expect(await run.asker.getHost(MODULE)).toMatchObject({ retcode: ReturnCode.Success, host: { port: 11 } });
    expect((await run.asker.getHost(OTHER)).retcode).toBe(ReturnCode.Success);
    expect(performance.now() - startMs).toBeLessThan(1_000);

    const told = await eventually('its health says so', async () => {
      const { status, details } = await healthOf(run);
      return details['oldRoutes'] === 2 && { status, details };
    });
    expect(told).toMatchObject({ status: 'degraded', details: { oldRoutesAgeSeconds: expect.any(Number) } });
    expect(Number(told.details['oldRoutesAgeSeconds'])).toBeGreaterThan(0);
    const samples = parsePrometheus(await page(run, '/metrics'));
    expect(sampleSum(samples, 'lars_agent_old_routes')).toBe(2);
    expect(sampleValue(samples, 'lars_agent_old_routes_age_seconds', { shard: '0' })).toBeGreaterThan(0);
    const why = await world.folder.run(['why', '41/1', `--http=127.0.0.1:${run.httpPort}`]);
    expect(why).toMatchObject({ code: 0, out: expect.stringMatching(/The route is old: [^.]* for\s+\d+ ?s\./) });
    world.folder.write('conf/agent.ini', `[http]\nport = ${run.httpPort}\n`);
    expect((await world.folder.run(['status'])).out).toMatch(/oldRoutes=2 oldRoutesAgeSeconds=\d+/);

    world.dns.setRoute(MODULE.modid, MODULE.cmdid, [hostInfo(12)]);
    world.dns.setRoute(OTHER.modid, OTHER.cmdid, []);
    world.dns.requests.length = 0;
    await world.dns.start();
    await eventually('the new route is served', async () => (await run.asker.getHost(MODULE)).host?.port === 12);
    expect(world.dns.requests.map(({ version }) => version)).toEqual(world.dns.requests.map(() => 0));
    await eventually(
      'a module that is gone is gone',
      async () => (await run.asker.getHost(OTHER)).retcode === ReturnCode.NoExist,
    );
    await eventually('no route is old', async () => {
      const { status, details } = await healthOf(run);
      return status === 'ok' && details['oldRoutes'] === 0 && details['oldRoutesAgeSeconds'] === 0;
    });
  }, 60_000);

  test('or while it takes connections and does not answer: within a tenth of a second', async () => {
    const world = await learnAndDie();
    await world.dns.stop();
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanUps.add(() => silent.close());
    world.dnsPort = (silent.address() as AddressInfo).port;
    const run = await world.start();
    await eventually('it is connected', async () => String((await healthOf(run)).details['dnsserver']).endsWith(' connected'));
    const startMs = performance.now();
    expect(await run.asker.getHost(MODULE)).toMatchObject({ retcode: ReturnCode.Success, host: { port: 11 } });
    expect(performance.now() - startMs).toBeLessThan(500);
    await eventually('it says that the route is old', async () => (await healthOf(run)).status === 'degraded');
    run.process.signal('SIGKILL');
    await run.process.ended;
  }, 60_000);

  test('with a torn file says why in one line, and is an agent without routes', async () => {
    const world = await learnAndDie();
    await world.dns.stop();
    truncateSync(world.file('agent-routes'), readFileSync(world.file('agent-routes')).length - 3);
    const run = await world.start();
    await run.process.logged('is torn');
    expect((await run.asker.getHost(MODULE)).retcode).toBe(ReturnCode.NoExist);
    const { err } = await run.process.interrupt();
    expect(err.match(/routes file/g)).toHaveLength(1);
    expect(err).toContain('[agent] routes_file');
  }, 60_000);

  test("with a newer agent's file leaves it alone", async () => {
    const world = await learnAndDie();
    const newer = readFileSync(world.file('agent-routes'), 'latin1').replace('lars agent-routes 1 ', 'lars agent-routes 2 ');
    writeFileSync(world.file('agent-routes'), newer, 'latin1');
    const run = await world.start();
    await run.process.logged('newer than this program');
    expect((await run.asker.getHost(MODULE)).retcode).toBe(ReturnCode.Success);
    expect((await run.process.interrupt()).code).toBe(0);
    expect(readFileSync(world.file('agent-routes'), 'latin1')).toBe(newer);
  }, 60_000);
});

describe('while dnsserver is away, the routes of the thread', () => {
  test.each([
    ['shard0', { modid: 3, cmdid: 0 }],
    ['shard1', { modid: 1, cmdid: 0 }],
  ] as const)(
    '%s are given to its successor',
    async (name, module) => {
      const world = await startWorld(cleanUps, 'ours', {
        agent: { route_wait: 1_000, reconnect_min: 5, reconnect_max: 50, routes_file: '', unsent_file: '' },
      });
      world.dns.setRoute(module.modid, module.cmdid, [hostInfo(9)]);
      expect((await world.asker.getHost(module)).retcode).toBe(ReturnCode.Success);
      await world.dns.stop();
      await world.agent.killThread('dns');
      await restarted(world.agent, 'dns', 1);
      const waiting = async () => sampleSum(await metrics(world.agent), 'lars_agent_dnsserver_waiting');
      await eventually('the new dns thread has heard of the route', async () => (await waiting()) === 1);
      await world.agent.killThread(name);
      await restarted(world.agent, name, 1);
      // Without a call: main and the dns thread do it.
      await eventually('its route is old', async () => sampleSum(await metrics(world.agent), 'lars_agent_old_routes') === 1);
      expect(await world.asker.getHost(module)).toMatchObject({ retcode: ReturnCode.Success, host: { port: 9 } });
      await eventually('it is degraded', async () => (await health(world.agent)).status === 'degraded');
    },
    30_000,
  );
});
