/** Plays one seed: trouble for a while, then calm, and then everything must be as it was promised. */
import { mkdirSync, rmSync } from 'node:fs';
import type { ModuleId } from '@lars/proto';
import { Cluster } from './cluster.ts';
import { FaultDriver } from './fault-driver.ts';
import { drawPlan, type Fault, type Plan } from './faults.ts';
import { kernel } from './host/kernel.ts';
import { network } from './host/network.ts';
import type { Killable } from './parts/service.ts';

export interface SeedResult {
  readonly seed: number;
  readonly plan: Plan;
  /** What is wrong; undefined where nothing is. */
  readonly violation: string | undefined;
  /** What was played, for the sum of all seeds. */
  readonly picks: number;
  readonly calls: number;
  readonly virtualMs: number;
}

const CHECK_MS = 250;
const CHECK_ACKS_MS = 1_700;
/** What the slowest of all waits may take: an agent that thinks that its reporter hangs is patient. */
const CALM_MS = 900_000;
const ROUTES_MS = 20_000;
const SILENCE_MS = 10_000;
/** Every ten seconds an agent looks whether a server that it prefers is back, and that may have been too early by a moment. */
const LINKS_MS = 35_000;
/** An agent may keep a connection after which nobody listens, and not know it. */
const MAKES_SILENT: ReadonlySet<Fault> = new Set(['connections silent']);
const PICKS = 10;
/** For 10 s after the return of its agent a client takes NOEXIST for no answer (decision 12). */
const COPY_MS = 12_000;

/** @param folder in which the seed's databases are made, and removed */
export async function playSeed(seed: number, folder: string): Promise<SeedResult> {
  kernel.reset(seed);
  network.reset();
  const plan = drawPlan();
  const own = `${folder}/${seed}`;
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  kernel.trace(`PLAN ${JSON.stringify(plan)}`);
  const cluster = new Cluster(plan, own);
  await play(cluster);
  const result = {
    seed,
    plan,
    violation: kernel.violation,
    picks: cluster.callers.reduce((sum, { picks }) => sum + picks, 0),
    calls: cluster.ledger.handedOverTotal,
    virtualMs: kernel.nowMs,
  };
  end(cluster);
  rmSync(own, { recursive: true, force: true });
  return result;
}

async function play(cluster: Cluster): Promise<void> {
  const faults = new FaultDriver(cluster);
  const { troubledMs } = cluster.plan;
  repeat(CHECK_MS, () => cluster.check());
  repeat(CHECK_ACKS_MS, () => cluster.checkAcks());
  cluster.start();
  kernel.schedule(3_000, undefined, () => faults.start());
  await kernel.run(troubledMs);
  kernel.trace('CALM');
  for (const caller of cluster.callers) caller.calm();
  const down = drawDown(cluster);
  faults.calm(down);
  if (down.length > 0) await settleWithout(cluster, down);
  await settle(cluster);
  if (kernel.violation === undefined) kernel.trace('SETTLED');
  await expectEnd(cluster);
}

function repeat(everyMs: number, work: () => void): void {
  kernel.schedule(everyMs, undefined, () => {
    work();
    repeat(everyMs, work);
  });
}

/** Of several servers some may stay down for longer: one machine's, or all but one of a kind. */
function drawDown({ servers, dnsservers, reporters }: Cluster): readonly Killable[] {
  if (servers.length === 1 || kernel.chance(0.5)) return [];
  const spared = Math.floor(kernel.random() * 3);
  const isDown = (_: unknown, at: number, all: readonly unknown[]) => all.length > 1 && at !== spared % all.length;
  return [...dnsservers.filter(isDown), ...reporters.filter(isDown)];
}

/** The agents must get on with the servers that are left; then the others are started. */
async function settleWithout(cluster: Cluster, down: readonly Killable[]): Promise<void> {
  kernel.trace(`WITHOUT ${down.map(({ name }) => name).join(', ')}`);
  await settleWhen(cluster, () => undefined);
  for (const service of down) service.start();
}

/** Waits until every agent has the newest routes from the servers that it should use, and every report is stored. */
async function settle(cluster: Cluster): Promise<void> {
  await settleWhen(cluster, () => unsettledReports(cluster));
}

async function settleWhen(cluster: Cluster, unsettledOthers: () => string | undefined): Promise<void> {
  const calmMs = kernel.nowMs;
  const untilMs = calmMs + CALM_MS;
  let unsettled: string | undefined = 'nothing was looked at';
  let isConfirmed = false;
  const look = async () => {
    if (!cluster.administrator.isBusy && cluster.dnsservers.some(({ isUp }) => isUp) && !isConfirmed) {
      isConfirmed = true;
      cluster.administrator.confirm();
    }
    const routes = await unsettledRoutes(cluster);
    if (routes !== undefined && kernel.nowMs > calmMs + newestRoutesMs(cluster.plan))
      kernel.violate(
        `the newest routes have not arrived ${newestRoutesMs(cluster.plan) / 1_000} s after the last trouble: ${routes}`,
      );
    const links = cluster.links.problem(mayBeSilent(cluster.plan));
    if (links !== undefined && kernel.nowMs > calmMs + LINKS_MS + silenceMs(cluster.plan))
      kernel.violate(`${LINKS_MS / 1_000} s after the last trouble ${links}`);
    unsettled = routes ?? links ?? unsettledOthers();
    if (unsettled === undefined && !isConfirmed) unsettled = 'the table is not confirmed';
    if (unsettled !== undefined) kernel.schedule(1_000, undefined, look);
  };
  kernel.schedule(2_000, undefined, look);
  await kernel.run(untilMs, () => unsettled === undefined);
  if (unsettled !== undefined && kernel.violation === undefined)
    kernel.violate(`not settled ${CALM_MS / 1_000} s after the last trouble: ${unsettled}`);
}

/** How long the newest routes may take, after all is well: a pause before a connection, a start, a poll. A link that is silent must be noticed first. */
function newestRoutesMs(plan: Plan): number {
  return ROUTES_MS + silenceMs(plan);
}

function silenceMs(plan: Plan): number {
  return mayBeSilent(plan) ? plan.updateTimeoutMs + SILENCE_MS : 0;
}

function mayBeSilent({ faults }: Plan): boolean {
  return faults.some(fault => MAKES_SILENT.has(fault));
}

async function unsettledRoutes(cluster: Cluster): Promise<string | undefined> {
  if (cluster.administrator.isBusy) return 'the administrator is busy';
  const table = cluster.administrator.table();
  for (const caller of cluster.callers) {
    for (const module of cluster.administrator.modules) {
      const name = `${module.modid}/${module.cmdid}`;
      const hosts = await caller.routeOf(module);
      const [has, should] = [sorted(hosts ?? []), sorted(table.get(name) ?? [])];
      if (hosts === undefined || has !== should)
        return `${caller.machine.name} has for ${name} ${hosts === undefined ? 'no answer' : `[${has}]`}, not [${should}]`;
    }
  }
  return undefined;
}

const sorted = (hosts: readonly string[]): string => [...hosts].sort().join(', ');

function unsettledReports(cluster: Cluster): string | undefined {
  for (const { agent } of cluster.agents) {
    const { process } = agent;
    if (process === undefined) return `${agent.name} is not up`;
    // A thread that died took along what it had not passed on.
    if (cluster.hasLostThread(process)) continue;
    const [taken, handedOver] = [cluster.takenCalls(process), cluster.ledger.handedOverBy(process)];
    if (taken > handedOver) return `${process.name} has taken ${taken} calls, and handed over ${handedOver}`;
    if (taken < handedOver) kernel.violate(`${process.name} has taken ${taken} calls, and handed over ${handedOver}`);
  }
  return cluster.problemOfResults() ?? cluster.ledger.problem(cluster.databases.reports);
}

/** Once settled it stays so: also when all agents stop, and clients pick from nothing but the newest routes. */
async function expectEnd(cluster: Cluster): Promise<void> {
  if (kernel.violation !== undefined) return;
  const table = cluster.administrator.table();
  let isDone = false;
  const pickAll = async () => {
    for (const caller of cluster.callers) {
      for (const module of cluster.administrator.modules) await expectPicks(caller.pick.bind(caller), module, table);
    }
    isDone = true;
  };
  kernel.schedule(COPY_MS, undefined, () => void pickAll());
  await kernel.run(kernel.nowMs + 60_000, () => isDone);
  for (const { agent } of cluster.agents) agent.stop();
  await kernel.run(kernel.nowMs + 20_000, () => cluster.agents.every(({ agent }) => agent.process === undefined));
  const problem = cluster.problemOfResults() ?? cluster.ledger.problem(cluster.databases.reports);
  if (problem !== undefined && kernel.violation === undefined) kernel.violate(`at the end: ${problem}`);
}

async function expectPicks(
  pick: (module: ModuleId) => Promise<string | undefined>,
  module: ModuleId,
  table: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const name = `${module.modid}/${module.cmdid}`;
  for (let i = 0; i < PICKS; i++) {
    const host = await pick(module);
    if (host !== undefined && table.get(name)?.includes(host) !== true)
      kernel.violate(`after calm ${host} is picked for ${name}`);
  }
}

/** Whatever lives is killed, so that its databases are closed. */
function end(cluster: Cluster): void {
  for (const { process } of [...cluster.services, ...cluster.callers]) process?.end('killed');
  for (const thread of cluster.threads) thread.end('killed');
  cluster.administrator.close();
  cluster.ledger.close();
}
