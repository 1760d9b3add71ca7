/** Callers while the agent is away: none of their calls fails, and the agent hears of all of them when it is back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hostInfos } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { knowRoute } from '../support/know-route.ts';
import { CleanUps } from './agent-world.ts';
import { Load, OutageWorld } from './outage-world.ts';

vi.setConfig({ testTimeout: 60_000 });

/** All of the same shard. */
const MODULE = [1, 0] as const;
const STEADY = [4, 0] as const;
const OTHER = [7, 0] as const;
const HOSTS = 4;
const OUTAGE_MS = 5_000;
const PATIENT_MS = 20_000;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

async function start() {
  const world = await OutageWorld.start(cleanUps);
  for (const [modid, cmdid] of [MODULE, STEADY, OTHER]) world.dns.setRoute(modid, cmdid, hostInfos(HOSTS));
  await world.startAgent();
  return world;
}

describe.each([{ cache: true }, { cache: false }])('with %j', options => {
  test('an agent that is killed for five seconds fails no call, and its successor hears of each once', async () => {
    const world = await start();
    const client = world.client(options);
    let isDead = false;
    // One host dies with the agent, and only the caller can see that.
    const load = new Load(client, ...MODULE, host => !(isDead && host.port === 1));
    const without = new Load(world.client({ ...options, fallback: false }), ...OTHER);
    const steady = new Load(client, ...STEADY);
    for (const [modid, cmdid] of [MODULE, STEADY]) await knowRoute(client, modid, cmdid, PATIENT_MS);
    load.begin();
    steady.begin();
    without.begin(1);
    await sleep(1_000);
    // An agent that is killed takes along what it has not told the reporter. Of one module it has told all.
    await load.end();
    await eventually('all is told', () => JSON.stringify(world.told(...MODULE)) === JSON.stringify(load.reported));
    await world.killAgent();
    isDead = true;
    load.begin();
    const killedMs = performance.now();
    await eventually('the client knows', () => client.stats().agentAway);
    expect(performance.now() - killedMs).toBeLessThan(1_000);
    await sleep(OUTAGE_MS);
    const { fallbackPicks, unsentResults } = client.stats();
    expect(fallbackPicks).toBeGreaterThan(1_000);
    expect(unsentResults).toBeGreaterThan(1_000);
    isDead = false;
    await world.startAgent();
    const backMs = performance.now();
    await eventually('the client knows', () => !client.stats().agentAway);
    expect(performance.now() - backMs).toBeLessThan(1_000);
    await sleep(500);
    for (const one of [load, steady, without]) await one.end();
    expect([...load.errors, ...steady.errors]).toEqual([]);
    expect(without.errors).toContain('LARS_AGENT_UNREACHABLE');
    await eventually('the reporter knows all', () => {
      const told = world.told(...MODULE);
      return told.succ + told.err >= load.reported.succ + load.reported.err;
    });
    await sleep(500);
    expect(world.told(...MODULE)).toEqual(load.reported);
    expect(client.stats()).toMatchObject({ unsentResults: 0, droppedResults: 0 });
    // Its own errors keep the caller away from the host that is dead: some tries, and no more.
    expect(load.reported.err).toBeGreaterThan(0);
    expect(load.reported.err).toBeLessThan(fallbackPicks / 20);
  });

  test('an agent that is stopped for five seconds fails no call, and hears of each once when it goes on', async () => {
    const world = await start();
    const client = world.client(options);
    const load = new Load(client, ...MODULE);
    const without = new Load(world.client({ ...options, fallback: false }), ...OTHER);
    await knowRoute(client, ...MODULE, PATIENT_MS);
    load.begin();
    without.begin(1);
    await sleep(1_000);
    world.signalAgent('SIGSTOP');
    const stoppedMs = performance.now();
    await eventually('the client knows', () => client.stats().agentAway);
    expect(performance.now() - stoppedMs).toBeLessThan(1_000);
    await sleep(OUTAGE_MS);
    expect(client.stats()).toMatchObject({ agentAway: true });
    expect(client.stats().agentAwayForMs).toBeGreaterThan(1_000);
    world.signalAgent('SIGCONT');
    const backMs = performance.now();
    await eventually('the client knows', () => !client.stats().agentAway);
    expect(performance.now() - backMs).toBeLessThan(1_000);
    await sleep(500);
    await load.end();
    await without.end();
    expect(load.errors).toEqual([]);
    expect(load.slowestMs).toBeLessThan(options.cache ? 250 : 1_000);
    if (!options.cache) expect(without.errors).toContain('LARS_AGENT_SILENT');
    await eventually('the reporter knows all', () => {
      const told = world.told(...MODULE);
      return told.succ + told.err >= load.reported.succ + load.reported.err;
    });
    await sleep(500);
    expect(world.told(...MODULE)).toEqual(load.reported);
    expect(client.stats()).toMatchObject({ unsentResults: 0, droppedResults: 0 });
  });
});
