/** A running dnsserver on free ports, its database, and an editor; all gone with the test. */
import { type Clock, systemClock } from '@lars/runtime/clock';
import { loadConfig } from '@lars/runtime/config/config';
import type Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { type DnsserverConfig, dnsserverConfigTable } from '../../../dnsserver/src/config.ts';
import { type RunningDnsserver, startDnsserver } from '../../../dnsserver/src/dnsserver.ts';
import { openRouteEditor, type RouteEditor } from '../../../dnsserver/src/edit/route-editor.ts';
import { type RecordingLog, recordingLog } from '../../support/recording-log.ts';
import { type AgentConnection, connectAgent } from './agent-connection.ts';
import { openSql, tempFile } from './route-world.ts';

type Overrides = { readonly [Section in keyof DnsserverConfig]?: Partial<DnsserverConfig[Section]> };

/** Free ports; looks at the database only when told. */
export function testConfig(file: string, overrides: Overrides = {}): DnsserverConfig {
  const defaults = loadConfig(dnsserverConfigTable, { path: 'dnsserver.ini', text: '' });
  return {
    tcp: { ...defaults.tcp, port: 0, ...overrides.tcp },
    security: { ...defaults.security, ...overrides.security },
    http: { ...defaults.http, port: 0, ...overrides.http },
    database: { ...defaults.database, file, ...overrides.database },
    routes: { ...defaults.routes, poll_interval: 60_000, ...overrides.routes },
    log: defaults.log,
  };
}

export interface DnsserverWorld {
  readonly dnsserver: RunningDnsserver;
  readonly file: string;
  readonly editor: RouteEditor;
  readonly sql: Database.Database;
  readonly log: RecordingLog;
  agent(): Promise<AgentConnection>;
  health(): Promise<{ status: number; body: { status: string; details: Record<string, unknown> } }>;
  /** One value of the metrics page. */
  metric(name: string): Promise<number>;
}

export async function dnsserverWorld(
  overrides: Overrides = {},
  prepare: (editor: RouteEditor) => Promise<unknown> = async () => {},
  time: Partial<Clock> = {},
): Promise<DnsserverWorld> {
  const file = tempFile();
  const editor = await openRouteEditor({ file });
  onTestFinished(() => editor.close());
  await prepare(editor);
  const log = recordingLog();
  // Revisions begin at the second of the clock, and these tests tell them one by one.
  const clock = { ...systemClock, unixMs: () => 0, ...time };
  const dnsserver = await startDnsserver(testConfig(file, overrides), { log: log.log, clock });
  onTestFinished(() => dnsserver.stop());
  const get = (path: string) => fetch(`http://127.0.0.1:${dnsserver.httpPort}${path}`);
  return {
    dnsserver,
    file,
    editor,
    sql: openSql(file),
    log,
    agent: () => connectAgent(dnsserver.tcpPort),
    health: async () => {
      const response = await get('/healthz');
      return { status: response.status, body: (await response.json()) as { status: string; details: Record<string, unknown> } };
    },
    metric: async name => {
      const page = await (await get('/metrics')).text();
      const line = page.split('\n').find(each => each.startsWith(`${name} `));
      if (line === undefined) throw new Error(`no metric ${name}`);
      return Number(line.split(' ')[1]);
    },
  };
}

/** A host of a module, as import takes it. */
export const ONE = { modid: 1, cmdid: 1, host: '10.0.0.1:80' };

/** Waits for a change, and until dnsserver has looked at it. */
export async function change({ dnsserver }: DnsserverWorld, work: Promise<unknown>): Promise<void> {
  await work;
  await dnsserver.poll();
}
