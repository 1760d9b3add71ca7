import { setImmediate as nextTick } from 'node:timers/promises';
import { formatHost } from '@lars/proto';
import { messageOf, StartupError } from '@lars/runtime/errors';
import { START_WAIT_MS } from '@lars/runtime/sql/sqlite';
import { readAllRoutes } from '../follow/find-changes.ts';
import type { RouteContent } from '../follow/route-table.ts';
import { foldChanges } from '../history/compare-rows.ts';
import { findUnrecorded } from '../history/find-unrecorded.ts';
import { countsOf } from '../history/record-changes.ts';
import type { ChangeSet, NewChangeSet, RowChange } from '../store/history-store.ts';
import { type RouteReader, type RouteRow, type RouteStore, visitAllRoutes } from '../store/route-store.ts';
import { SqliteRouteStore } from '../store/sqlite-route-store.ts';
import { type Differences, differencesOf } from './differences.ts';
import { type EditMode, planEdit } from './edit-plan.ts';
import { checkEntry, checkModule, type RouteEntry, RouteError } from './route-entry.ts';

export interface RouteFilter {
  readonly modid?: number | undefined;
  readonly cmdid?: number | undefined;
}

export interface RouteHistory {
  /** All changes behind this revision are known. */
  readonly sinceRevision: number;
  /** The latest first. */
  readonly changeSets: readonly ChangeSet[];
  /** What was changed by hand and is not recorded yet; undefined when that is nothing. */
  readonly unrecorded: Pick<NewChangeSet, 'added' | 'updated' | 'removed' | 'modules'> | undefined;
}

/** Reads routes and their history, also for users who may not write. Every method throws RouteStoreError when the database fails. */
export interface RouteInspector {
  /** Routes in the order of modid and cmdid. */
  list(filter?: RouteFilter): Promise<readonly RouteContent[]>;
  /** Every host that is served, in the order of modid and cmdid, as `import` takes it. */
  export(): Promise<readonly RouteEntry[]>;
  /** @param filter names a whole module, or nothing */
  history(limit: number, filter?: RouteFilter): Promise<RouteHistory>;
  /**
   * What changed from one revision to another; without `to`, until now.
   * @throws {RouteError} NO_HISTORY, NO_SUCH_REVISION
   */
  diff(from: number, to?: number): Promise<Differences>;
  /** What importing these routes would change. @throws {RouteError} as import does */
  diffWith(entries: readonly RouteEntry[], mode: EditMode): Promise<Differences>;
  close(): Promise<void>;
}

/**
 * Opens the file to read alone. One of an older schema is upgraded first, which needs a user who may write.
 * @throws {StartupError} when the file cannot be read or holds something else
 */
export async function openRouteInspector({ file }: { readonly file: string }): Promise<RouteInspector> {
  const options = { file, busyWaitMs: START_WAIT_MS };
  const store = new SqliteRouteStore({ ...options, readOnly: true });
  try {
    await store.ensureSchema();
    return new StoreRouteInspector(store);
  } catch (error) {
    await store.close();
    if (!(error instanceof StartupError) || error.code !== 'OLD_DATABASE') throw error;
    await upgrade(new SqliteRouteStore(options), error);
    return openRouteInspector({ file });
  }
}

async function upgrade(store: RouteStore, why: StartupError): Promise<void> {
  try {
    await store.ensureSchema();
  } catch (cause) {
    throw new StartupError(why.code, `${why.message} (${messageOf(cause)})`, { cause });
  } finally {
    await store.close();
  }
}

export class StoreRouteInspector implements RouteInspector {
  protected readonly store: RouteStore;

  constructor(store: RouteStore) {
    this.store = store;
  }

  async list({ modid, cmdid }: RouteFilter = {}): Promise<readonly RouteContent[]> {
    const { routes } = await this.store.read(reader => readAllRoutes(reader, nextTick));
    return [...routes.values()]
      .filter(route => (modid ?? route.modid) === route.modid && (cmdid ?? route.cmdid) === route.cmdid)
      .sort((one, other) => one.modid - other.modid || one.cmdid - other.cmdid);
  }

  async export(): Promise<readonly RouteEntry[]> {
    return (await this.list()).flatMap(entriesOf);
  }

  async history(limit: number, { modid, cmdid }: RouteFilter = {}): Promise<RouteHistory> {
    const module = modid === undefined || cmdid === undefined ? undefined : { modid, cmdid };
    if (module !== undefined) checkModule(module.modid, module.cmdid);
    return this.store.read(async reader => {
      const { sinceRevision } = await reader.history.state();
      const { changes } = await findUnrecorded(reader, nextTick);
      const unrecorded = changes.length === 0 ? undefined : countsOf(changes);
      return { sinceRevision, unrecorded, changeSets: await reader.history.latestSets(limit, module) };
    });
  }

  diff(from: number, to?: number): Promise<Differences> {
    return this.store.read(async reader => {
      const [first, last] = [Math.min(from, to ?? from), Math.max(from, to ?? from)];
      await checkRevisions(reader, first, last);
      const firstSet = (await reader.history.setUpTo(first))?.id ?? 0;
      const lastSet = to === undefined ? await reader.history.lastSet() : await reader.history.setUpTo(last);
      const recorded = await reader.history.changesBetween(firstSet, lastSet?.id ?? 0);
      const { changes: unrecorded } = to === undefined ? await findUnrecorded(reader, nextTick) : { changes: [] };
      const folded = foldChanges([...recorded, ...unrecorded]);
      return differencesOf(to !== undefined && to < from ? folded.map(invert) : folded);
    });
  }

  async diffWith(entries: readonly RouteEntry[], mode: EditMode): Promise<Differences> {
    const checked = entries.map(checkEntry);
    return this.store.read(async reader => differencesOf(planEdit(await allRows(reader), checked, mode).changes));
  }

  close(): Promise<void> {
    return this.store.close();
  }
}

/** The hosts of a route as `import` takes them. */
export function entriesOf({ modid, cmdid, hosts }: RouteContent): RouteEntry[] {
  return hosts.map(host => ({
    modid,
    cmdid,
    host: formatHost(host),
    weight: host.weight,
    zone: host.zone,
    ...(host.drain ? { drain: true } : {}),
  }));
}

export async function allRows(reader: RouteReader): Promise<RouteRow[]> {
  const rows: RouteRow[] = [];
  await visitAllRoutes(reader, nextTick, row => rows.push(row));
  return rows;
}

async function checkRevisions(reader: RouteReader, first: number, last: number): Promise<void> {
  const { sinceRevision } = await reader.history.state();
  if (first < sinceRevision)
    throw new RouteError('NO_HISTORY', `revision ${first} is too old: the history begins at revision ${sinceRevision}`);
  const revision = Math.max(await reader.revision(), (await reader.history.lastSet())?.revision ?? 0);
  if (last > revision) throw new RouteError('NO_SUCH_REVISION', `there is no revision ${last} yet: the last one is ${revision}`);
}

function invert({ before, after }: RowChange): RowChange {
  return { before: after, after: before };
}
