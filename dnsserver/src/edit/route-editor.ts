import { setImmediate as nextTick } from 'node:timers/promises';
import { formatHost, hostKey, type ModuleId, routeKey } from '@lars/proto';
import { START_WAIT_MS } from '@lars/runtime/sql/sqlite';
import { readAllRoutes } from '../follow/find-changes.ts';
import { keptFileOf, readKept } from '../follow/kept-file.ts';
import { keptHostCount } from '../follow/removal-guard.ts';
import type { RouteContent } from '../follow/route-table.ts';
import {
  type RouteReader,
  type RouteRow,
  type RouteStore,
  type RouteWriter,
  visitAllRoutes,
  visitRoutesOf,
} from '../store/route-store.ts';
import { SqliteRouteStore } from '../store/sqlite-route-store.ts';
import { type EditMode, type EditPlan, isEmptyPlan, planDrain, planEdit, planRemoval } from './edit-plan.ts';
import {
  type CheckedEntry,
  checkEntry,
  checkHost,
  checkModule,
  type HostEntry,
  type RouteEntry,
  RouteError,
} from './route-entry.ts';

export interface RouteFilter {
  readonly modid?: number | undefined;
  readonly cmdid?: number | undefined;
}

/** What a change did. Where all counts are zero, nothing had to be changed, and the revision stayed. */
export interface EditResult {
  /** Of the database, after the change. */
  readonly revision: number;
  readonly added: number;
  readonly updated: number;
  readonly removed: number;
  /** How many modules changed. */
  readonly modules: number;
}

/**
 * Writes routes, whether dnsserver runs or not. Each change is one transaction: the rows, the revision raised by one, and a row
 * in RouteChange for each changed module. A change of nothing leaves the revision as it is.
 * Every method throws RouteStoreError when the database fails; the methods that take routes check all of them before they write
 * any, and throw RouteError.
 */
export interface RouteEditor {
  /** Routes in the order of modid and cmdid. */
  list(filter?: RouteFilter): Promise<readonly RouteContent[]>;
  /** A host that exists already gets the weight, zone and drain mark that the entry has. */
  add(modid: number, cmdid: number, hosts: readonly HostEntry[]): Promise<EditResult>;
  /** Removes hosts; without `hosts`, the whole module. Hosts that do not exist are no error. */
  remove(modid: number, cmdid: number, hosts?: readonly string[]): Promise<EditResult>;
  /** These hosts get no new calls, or get them again. A host that does not exist is a RouteError NO_SUCH_HOST, and nothing is changed. */
  setDrain(modid: number, cmdid: number, hosts: readonly string[], drain: boolean): Promise<EditResult>;
  import(entries: readonly RouteEntry[], mode: EditMode): Promise<EditResult>;
  /** Every host that is served, in the order of modid and cmdid, as `import` takes it. */
  export(): Promise<readonly RouteEntry[]>;
  /** Removes all routes, and confirms to a dnsserver's removal guard that this is meant. Always raises the revision. */
  clear(): Promise<EditResult>;
  /** Says to a dnsserver's removal guard that the table is meant as it is. Always raises the revision. */
  confirm(): Promise<KeptCounts>;
  /** Writes back what a dnsserver's removal guard keeps. */
  restore(): Promise<EditResult>;
  close(): Promise<void>;
}

/** What the removal guard kept. */
export interface KeptCounts {
  readonly modules: number;
  readonly hosts: number;
}

export interface RouteEditorOptions {
  /** The SQLite file of [database] file; it is created when there is none. */
  readonly file: string;
}

/** @throws {StartupError} when the file cannot be opened or holds something else */
export async function openRouteEditor({ file }: RouteEditorOptions): Promise<RouteEditor> {
  const store = new SqliteRouteStore({ file, busyWaitMs: START_WAIT_MS });
  try {
    await store.ensureSchema();
  } catch (error) {
    await store.close();
    throw error;
  }
  return new StoreRouteEditor(store);
}

class StoreRouteEditor implements RouteEditor {
  readonly #store: RouteStore;

  constructor(store: RouteStore) {
    this.#store = store;
  }

  async list({ modid, cmdid }: RouteFilter = {}): Promise<readonly RouteContent[]> {
    const { routes } = await this.#store.read(reader => readAllRoutes(reader, nextTick));
    return [...routes.values()]
      .filter(route => (modid ?? route.modid) === route.modid && (cmdid ?? route.cmdid) === route.cmdid)
      .sort((one, other) => one.modid - other.modid || one.cmdid - other.cmdid);
  }

  add(modid: number, cmdid: number, hosts: readonly HostEntry[]): Promise<EditResult> {
    return this.import(
      hosts.map(host => ({ modid, cmdid, ...host })),
      'add',
    );
  }

  async remove(modid: number, cmdid: number, hosts?: readonly string[]): Promise<EditResult> {
    checkModule(modid, cmdid);
    const keys = hosts?.map(host => hostKey(checkHost(host)));
    const module = { modid, cmdid };
    return this.#change(async writer => planRemoval(await writer.rowsOf([module]), module, keys));
  }

  async setDrain(modid: number, cmdid: number, hosts: readonly string[], drain: boolean): Promise<EditResult> {
    checkModule(modid, cmdid);
    const addresses = hosts.map(host => checkHost(host));
    const module = { modid, cmdid };
    return this.#change(async writer => planDrain(await writer.rowsOf([module]), module, addresses, drain));
  }

  async import(entries: readonly RouteEntry[], mode: EditMode): Promise<EditResult> {
    const checked = entries.map(checkEntry);
    return this.#change(async writer => {
      // Who says what the whole table is means that it has nothing else.
      if (mode === 'replace') await writer.markConfirmed();
      const rows = mode === 'replace' ? await allRows(writer) : await rowsOfEntries(writer, checked);
      return planEdit(rows, checked, mode);
    });
  }

  async export(): Promise<readonly RouteEntry[]> {
    return (await this.list()).flatMap(entriesOf);
  }

  async confirm(): Promise<KeptCounts> {
    const stored = await readKept(keptFileOf(this.#store.name));
    await this.#store.change(0, writer => writer.markConfirmed());
    return { modules: stored?.kept.modules.size ?? 0, hosts: stored === undefined ? 0 : keptHostCount(stored.kept) };
  }

  async restore(): Promise<EditResult> {
    const stored = await readKept(keptFileOf(this.#store.name));
    if (stored === undefined)
      throw new RouteError('NOTHING_KEPT', `nothing is kept: there is no ${keptFileOf(this.#store.name)}`);
    return this.import([...stored.kept.modules.values()].flatMap(entriesOf), 'add');
  }

  clear(): Promise<EditResult> {
    return this.#store.change(0, async (writer, revision) => {
      const { routes } = await readAllRoutes(writer, nextTick);
      let removed = 0;
      for (const { hosts } of routes.values()) removed += hosts.length;
      await writer.clear(revision);
      return { revision, added: 0, updated: 0, removed, modules: routes.size };
    });
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #change(plan: (writer: RouteWriter) => Promise<EditPlan>): Promise<EditResult> {
    try {
      return await this.#store.change(0, async (writer, revision) => {
        const edit = await plan(writer);
        if (isEmptyPlan(edit)) throw new NothingToChange(revision - 1);
        return writePlan(writer, edit, revision);
      });
    } catch (error) {
      if (!(error instanceof NothingToChange)) throw error;
      return { revision: error.revision, added: 0, updated: 0, removed: 0, modules: 0 };
    }
  }
}

/** Thrown inside a transaction so that it is rolled back, the revision too. */
class NothingToChange extends Error {
  readonly revision: number;

  constructor(revision: number) {
    super('nothing has to be changed');
    this.revision = revision;
  }
}

/** Deletes come first: an inserted row may name the host that a deleted invalid row stood for. */
async function writePlan(
  writer: RouteWriter,
  { inserts, updates, deletes, modules }: EditPlan,
  revision: number,
): Promise<EditResult> {
  await writer.deleteRows(deletes);
  for (const update of updates) await writer.updateRow(update);
  await writer.insertRows(inserts);
  await writer.announce(modules, revision);
  return { revision, added: inserts.length, updated: updates.length, removed: deletes.length, modules: modules.length };
}

function entriesOf({ modid, cmdid, hosts }: RouteContent): RouteEntry[] {
  return hosts.map(host => ({
    modid,
    cmdid,
    host: formatHost(host),
    weight: host.weight,
    zone: host.zone,
    ...(host.drain ? { drain: true } : {}),
  }));
}

async function allRows(reader: RouteReader): Promise<RouteRow[]> {
  const rows: RouteRow[] = [];
  await visitAllRoutes(reader, nextTick, row => rows.push(row));
  return rows;
}

async function rowsOfEntries(reader: RouteReader, entries: readonly CheckedEntry[]): Promise<RouteRow[]> {
  const modules: ModuleId[] = [...new Map(entries.map(entry => [routeKey(entry.modid, entry.cmdid), entry])).values()];
  const rows: RouteRow[] = [];
  await visitRoutesOf(reader, modules, nextTick, row => rows.push(row));
  return rows;
}
