/** What every client of the agent does while the agent is away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { OutageWorld } from '../e2e/outage-world.ts';
import { hostInfo, hostInfos } from '../support/agent-messages.ts';
import { writeAgentRoutes } from '../support/agent-routes-file.ts';
import { eventually } from '../support/eventually.ts';
import { refusingPorts } from '../unit/client-sdk/fake-agent.ts';
import type { Outcome, ToldHost } from './sdk-drivers.ts';
import { describeEachSdk, getHost, MODULE, PATIENT } from './sdk-suite.ts';

describeEachSdk(sdks => {
  test('an agent that is killed fails no call, and its successor hears of each once', async () => {
    const world = await OutageWorld.start(sdks.cleanUps);
    world.dns.setRoute(...MODULE, hostInfos(4));
    await world.startAgent();
    const client = await sdks.newClient({ ports: world.port });
    await client.run({ do: 'register', module: MODULE, options: PATIENT });
    const reported = { succ: 0, err: 0 };
    const call = async (isOk: (port: number) => boolean) => {
      const { value, error } = await getHost(client, MODULE);
      expect(error).toBeUndefined();
      const { port, number } = value as ToldHost;
      const ok = isOk(port);
      await client.run({ do: 'report', target: { number }, result: { ok, tcostMs: 2 } });
      reported[ok ? 'succ' : 'err'] += 1;
      return port;
    };
    for (let calls = 0; calls < 20; calls++) await call(() => true);
    await eventually('all is told', () => JSON.stringify(world.told(...MODULE)) === JSON.stringify(reported));
    await world.killAgent();
    const ports: number[] = [];
    for (let calls = 0; calls < 300; calls++) ports.push(await call(port => port !== 4));
    expect((await client.run({ do: 'stats' })).value).toMatchObject({ agentAway: true });
    // Two failures in a row are enough; every two seconds it may be tried again.
    expect(new Set(ports.slice(100))).toContain(1);
    expect(ports.slice(100).filter(port => port === 4).length).toBeLessThan(20);
    await world.startAgent();
    await eventually('the client knows', async () => {
      const { value } = await client.run({ do: 'stats' });
      return (value as { agentAway: boolean; unsentResults: number }).unsentResults === 0 && value;
    });
    for (let calls = 0; calls < 5; calls++) await call(() => true);
    await eventually('the reporter knows all', () => callsOf({ all: world.told(...MODULE) }) === reported.succ + reported.err);
    expect(world.told(...MODULE)).toEqual(reported);
    expect((await client.run({ do: 'stats' })).value).toMatchObject({ agentAway: false, droppedResults: 0 });
  });

  test('an agent that is stopped under load and goes on fails no call, and hears of each once', async () => {
    const world = await OutageWorld.start(sdks.cleanUps);
    world.dns.setRoute(...MODULE, hostInfos(4));
    await world.startAgent();
    const client = await sdks.newClient({ ports: world.port });
    await client.run({ do: 'register', module: MODULE, options: PATIENT });
    const stats = async () => (await client.run({ do: 'stats' })).value as { agentAway: boolean; unsentResults: number };
    const errors: Outcome['error'][] = [];
    const reported = { succ: 0, err: 0 };
    let isOn = true;
    const caller = async () => {
      while (isOn) {
        const { value, error } = await getHost(client, MODULE);
        if (error !== undefined) errors.push(error);
        else {
          const target = { number: (value as ToldHost).number };
          await client.run({ do: 'report', target, result: { ok: true, tcostMs: 1 } });
          reported.succ += 1;
        }
        await sleep(5);
      }
    };
    const callers = Array.from({ length: 8 }, caller);
    await sleep(300);
    world.signalAgent('SIGSTOP');
    await eventually('the client knows', async () => (await stats()).agentAway);
    await eventually('results wait', async () => (await stats()).unsentResults > 100);
    world.signalAgent('SIGCONT');
    await eventually('the client knows', async () => !(await stats()).agentAway);
    isOn = false;
    await Promise.all(callers);
    expect(errors).toEqual([]);
    await eventually('nothing waits', async () => (await stats()).unsentResults === 0);
    await eventually('the reporter knows all', () => world.told(...MODULE).succ >= reported.succ);
    await sleep(300);
    expect(world.told(...MODULE)).toEqual(reported);
  });

  test('an agent that hangs is known for it within a second', async () => {
    const { agent, client } = await sdks.withFakeAgent();
    // A client that asks for the route beside the first call has it when that is answered.
    await getHost(client, MODULE);
    await agent.until(() => agent.routeRequests.length > 0);
    await getHost(client, MODULE);
    agent.onHost = () => undefined;
    agent.onRoute = () => undefined;
    const startMs = performance.now();
    expect(await getHost(client, MODULE)).toMatchObject({ value: { host: '10.0.0.5', port: 80 } });
    // Its patience is twenty seconds: without the fallback it would wait for these.
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect((await client.run({ do: 'stats' })).value).toMatchObject({ agentAway: true, fallbackPicks: 1 });
  });

  test('a process that starts while no agent runs picks from the agent’s file', async () => {
    const refusing = await refusingPorts();
    sdks.cleanUps.add(() => refusing[Symbol.asyncDispose]());
    const folder = mkdtempSync(join(tmpdir(), 'lars-sdk-'));
    sdks.cleanUps.add(() => rmSync(folder, { recursive: true }));
    const routesFile = join(folder, 'agent-routes');
    writeAgentRoutes(routesFile, [{ modid: 1, cmdid: 2, version: 3, host: [hostInfo(7), hostInfo(8, { drain: true })] }]);
    const client = await sdks.newClient({ ports: refusing.ports, routesFile });
    for (let calls = 0; calls < 10; calls++) expect(await getHost(client, MODULE)).toMatchObject({ value: { port: 7 } });
    expect((await getHost(client, [4, 4])).error).toMatchObject({ code: 'LARS_AGENT_UNREACHABLE' });
    expect((await client.run({ do: 'stats' })).value).toMatchObject({ agentAway: true, fallbackPicks: 10 });
  });
});

function callsOf(calls: Readonly<Record<string, { readonly succ: number; readonly err: number }>>): number {
  return Object.values(calls).reduce((sum, { succ, err }) => sum + succ + err, 0);
}
