/** A whole LARS in this process: dnsserver, reporter and agent on free ports, their database in a folder of its own. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type AgentConfig, agentConfigTable } from '@lars/agent';
import { startSystem } from '@lars/cli';
import { dnsserverConfigTable, openRouteEditor } from '@lars/dnsserver';
import { reporterConfigTable } from '@lars/reporter';
import { type ConfigOf, type ConfigTable, loadConfig } from '@lars/runtime/config/config';
import type { Logger } from '@lars/runtime/log';
import { openSqlite } from '@lars/runtime/sql/sqlite';
import type { HostLook } from './host-look.ts';
import type { StoredCalls } from './summary.ts';

export interface LarsOptions {
  readonly log: Logger;
  /** Lines for [loadbalance] of the agent's conf; none: as shipped. */
  readonly loadbalance?: readonly string[];
}

export interface Lars {
  /** Where business code asks. */
  readonly udpPorts: readonly number[];
  readonly loadbalance: AgentConfig['loadbalance'];
  /** Resolves with the reason when a service has ended by itself. */
  readonly failed: Promise<Error>;
  /** Adds hosts to a module as an operator does; the agent hears of it through dnsserver. */
  addRoute(modid: number, cmdid: number, hosts: readonly string[]): Promise<void>;
  /** The state of a module's hosts now, as `lars why` shows it. */
  why(modid: number, cmdid: number): Promise<readonly HostLook[]>;
  /** One of the agent's counters, 'probes', as its /metrics page has it, over all its threads. */
  counted(name: string): Promise<number>;
  /** A module's sums in the reporter's history. */
  storedCalls(modid: number, cmdid: number): Promise<StoredCalls>;
  /** Stops the services, the agent first, so that its last counts reach the reporter. The database stays until `remove`. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

/** @throws {StartupError} when a service cannot start; then nothing of it is left */
export async function startLars({ log, loadbalance = [] }: LarsOptions): Promise<Lars> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lars-demo-'));
  // A process that has to end at once must leave nothing behind either.
  const removeAtExit = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeAtExit);
  const removeFolder = async () => {
    await rm(folder, { recursive: true, force: true });
    process.off('exit', removeAtExit);
  };
  const databaseFile = path.join(folder, 'lars.db');
  const server = ['[tcp]', 'port = 0', '[database]', `file = ${databaseFile}`, '[http]', 'port = 0'];
  const dnsserver = configOf(dnsserverConfigTable, server);
  const reporter = configOf(reporterConfigTable, server);
  try {
    const agent = configOf(agentConfigTable, [
      '[udp]',
      'port = 0',
      '[http]',
      'port = 0',
      '[agent]',
      'routes_file =',
      'unsent_file =',
      '[loadbalance]',
      ...loadbalance,
    ]);
    const system = await startSystem({ dnsserver, reporter, agent, log });
    const page = (name: string) => fetch(`http://${agent.http.ip}:${system.agent.httpPort}/${name}`);
    return {
      udpPorts: system.agent.udpPorts,
      loadbalance: agent.loadbalance,
      failed: system.failed,
      addRoute: (modid, cmdid, hosts) => addRoute(databaseFile, modid, cmdid, hosts),
      why: async (modid, cmdid) => hostsOn(await page(`why/${modid}/${cmdid}`)),
      counted: async name => sumOf(`lars_agent_${name}_total`, await (await page('metrics')).text()),
      storedCalls: (modid, cmdid) => storedCalls(databaseFile, modid, cmdid),
      stop: () => system.stop(),
      remove: () => system.stop().then(removeFolder),
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

async function hostsOn(page: Response): Promise<readonly HostLook[]> {
  const { hosts } = (await page.json()) as { readonly hosts: readonly HostLook[] };
  return hosts;
}

/** A line is `name{labels} value`, one for each thread. */
function sumOf(name: string, metrics: string): number {
  const lines = metrics.split('\n').filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

function configOf<T extends ConfigTable>(table: T, lines: readonly string[]): ConfigOf<T> {
  return loadConfig(table, { path: table.file, text: lines.join('\n') }) as ConfigOf<T>;
}

async function addRoute(file: string, modid: number, cmdid: number, hosts: readonly string[]): Promise<void> {
  const editor = await openRouteEditor({ file });
  try {
    await editor.add(
      modid,
      cmdid,
      hosts.map(host => ({ host })),
    );
  } finally {
    await editor.close();
  }
}

async function storedCalls(file: string, modid: number, cmdid: number): Promise<StoredCalls> {
  const database = await openSqlite<never>({ file, confKey: '[database] file', durability: 'normal' });
  try {
    const sums =
      'SELECT coalesce(sum(succ), 0) AS succ, coalesce(sum(err), 0) AS err FROM CallHistory WHERE modid = ? AND cmdid = ?';
    return database.connection.prepare(sums).get(modid, cmdid) as StoredCalls;
  } finally {
    database.close();
  }
}
