/** A database in a folder of its own, a watcher that polls it when told, and a client that applies what is pushed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatHost, formatModule, hostKey, parseHost, routeKey } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { type DnsserverCounter, dnsserverCounters } from '../../../dnsserver/src/counters.ts';
import { openRouteEditor, type RouteEditor } from '../../../dnsserver/src/edit/route-editor.ts';
import { readAllRoutes } from '../../../dnsserver/src/follow/find-changes.ts';
import type { Route, RouteContent, RouteDiff } from '../../../dnsserver/src/follow/route-table.ts';
import { RouteWatcher } from '../../../dnsserver/src/follow/route-watcher.ts';
import { SqliteRouteStore } from '../../../dnsserver/src/store/sqlite-route-store.ts';
import { type RecordingLog, recordingLog } from '../../support/recording-log.ts';

/** A new folder, removed with all that is in it. */
export function makeFolder(): { folder: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-routes-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A database file in a folder that goes with the test; the file is not made. */
export function tempFile(): string {
  const { folder, remove } = makeFolder();
  onTestFinished(remove);
  return path.join(folder, 'lars.db');
}

/** A connection of its own, as somebody's SQL shell has it. */
export function openSql(file: string): Database.Database {
  const sql = new Database(file);
  onTestFinished(() => {
    sql.close();
  });
  return sql;
}

export interface Watched {
  readonly store: SqliteRouteStore;
  readonly watcher: RouteWatcher;
  readonly diffs: readonly RouteDiff[];
  readonly counters: SharedCounters<DnsserverCounter>;
  readonly log: RecordingLog;
  /** What a client knows that was given everything at the start and applied every push since. */
  readonly client: ReadonlyMap<string, Route>;
  version(modid: number, cmdid: number): number | undefined;
  close(): Promise<void>;
}

export async function watch(
  file: string,
  options: {
    acceptEmpty?: boolean;
    sharePercent?: number;
    store?: SqliteRouteStore;
    unixMs?: number;
    monotonicMs?: () => number;
  } = {},
): Promise<Watched> {
  const store = options.store ?? new SqliteRouteStore({ file, busyWaitMs: 100 });
  const counters = new SharedCounters(dnsserverCounters);
  const log = recordingLog();
  const diffs: RouteDiff[] = [];
  const client = new Map<string, Route>();
  const apply = (route: Route) => {
    const module = formatModule(route.modid, route.cmdid);
    if (route.hosts.length === 0) client.delete(module);
    else client.set(module, route);
  };
  const watcher = new RouteWatcher({
    store,
    counters,
    log: log.log,
    clock: { unixMs: () => options.unixMs ?? 0, monotonicMs: () => options.monotonicMs?.() ?? 0 },
    guard: { acceptEmpty: options.acceptEmpty ?? false, sharePercent: options.sharePercent ?? 50, atLeast: 4 },
    onDiff: diff => {
      diffs.push(diff);
      diff.forEach(apply);
    },
  });
  await watcher.start();
  for (const [, route] of watcher.routes.routes()) apply(route);
  return {
    store,
    watcher,
    diffs,
    counters,
    log,
    client,
    version: (modid, cmdid) => watcher.routes.get(routeKey(modid, cmdid))?.version,
    close: async () => {
      await watcher.stop();
      await store.close();
    },
  };
}

export interface World extends Watched {
  readonly file: string;
  readonly editor: RouteEditor;
  readonly sql: Database.Database;
  /** Polls, and returns the modules that were published by it, as '1/2: 10.0.0.1:80 10.0.0.2:80'. */
  poll(): Promise<string[]>;
}

/** `prepare` fills the database before the watcher reads it for the first time. */
export async function openWorld(
  options: {
    acceptEmpty?: boolean;
    sharePercent?: number;
    prepare?: (editor: RouteEditor, sql: Database.Database) => Promise<unknown>;
  } = {},
): Promise<World> {
  const { folder, remove } = makeFolder();
  const file = path.join(folder, 'lars.db');
  const editor = await openRouteEditor({ file });
  const sql = new Database(file);
  await options.prepare?.(editor, sql);
  const watched = await watch(file, options);
  return {
    ...watched,
    file,
    editor,
    sql,
    poll: async () => {
      const before = watched.diffs.length;
      await watched.watcher.poll();
      return watched.diffs.slice(before).flat().map(describeRoute);
    },
    close: async () => {
      await watched.close();
      await editor.close();
      sql.close();
      remove();
    },
  };
}

/** The same, closed with the test. */
export async function world(options: Parameters<typeof openWorld>[0] = {}): Promise<World> {
  const opened = await openWorld(options);
  onTestFinished(() => opened.close());
  return opened;
}

export function describeRoute({ modid, cmdid, hosts }: RouteContent): string {
  return `${formatModule(modid, cmdid)}: ${hosts.length === 0 ? 'gone' : hosts.map(formatHost).join(' ')}`;
}

/** '10.0.0.1' as the deployed columns have it. */
export function serverip(ip: string): number {
  return parseHost(`${ip}:1`).ip >>> 0;
}

export const INSERT_ROW = 'INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (?, ?, ?, ?)';

/** Everything that a route is but its version, so that two tables can be compared; hosts in no order. */
export function contents(routes: Iterable<RouteContent>): Record<string, string[]> {
  const entries = [...routes].map(({ modid, cmdid, hosts }) => {
    const shown = hosts.map(
      host => `${hostKey(host)} ${formatHost(host)} w${host.weight} z${host.zone}${host.drain ? ' drain' : ''}`,
    );
    return [formatModule(modid, cmdid), shown.sort()] as const;
  });
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** What somebody reads who sees the database for the first time. */
export async function freshContents(store: SqliteRouteStore): Promise<Record<string, string[]>> {
  const { routes } = await store.read(reader => readAllRoutes(reader, async () => {}));
  return contents(routes.values());
}

export function knownContents(watcher: RouteWatcher): Record<string, string[]> {
  return contents([...watcher.routes.routes()].map(([, route]) => route));
}

/** Adds 10.0.0.1:port by hand. */
export function insert({ sql }: Pick<World, 'sql'>, modid: number, cmdid: number, port: number): void {
  sql.prepare(INSERT_ROW).run(modid, cmdid, serverip('10.0.0.1'), port);
}

export function versionOf({ sql }: Pick<World, 'sql'>): unknown {
  return sql.prepare('SELECT version FROM RouteVersion').pluck().get();
}

/** RouteChange as '1/2 7': module and revision. */
export function announcements({ sql }: Pick<World, 'sql'>): unknown[] {
  return sql.prepare("SELECT modid || '/' || cmdid || ' ' || version FROM RouteChange ORDER BY id").pluck().all();
}

/** Adds 10.0.0.1:port to modid/1 in order, and looks. */
export async function adding(w: World, modid: number, port: number): Promise<string[]> {
  await w.editor.add(modid, 1, [{ host: `10.0.0.1:${port}` }]);
  return w.poll();
}
