import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatHost, hostKey, routeKey } from '@lars/proto';
import { loadAll } from '../follow/load-routes.ts';
import type { RouteRow } from '../follow/parse-rows.ts';
import type { ModuleId, RouteContent } from '../follow/route.ts';
import { BEFORE_FIRST_ID, type RouteReader, type RouteStore, type RouteWriter } from '../store/route-store.ts';
import { SqliteRouteStore } from '../store/sqlite-route-store.ts';
import { type EditMode, type EditPlan, isNothing, planDrain, planEdit, planRemoval } from './edit-plan.ts';
import { type CheckedEntry, checkEntry, checkHost, checkModule, type HostEntry, type RouteEntry } from './route-entry.ts';

export interface RouteFilter {
  readonly modid?: number | undefined;
  readonly cmdid?: number | undefined;
}

/** What a change did. All zero: everything was so already, and the revision stayed. */
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
 * Every method throws RouteStoreError when the database does not do it; those that take routes check them all before they write
 * any, and throw RouteError.
 */
export interface RouteEditor {
  /** By modid and cmdid. */
  list(filter?: RouteFilter): Promise<readonly RouteContent[]>;
  /** A host that is there already gets what is told of weight, zone and drain. */
  add(modid: number, cmdid: number, hosts: readonly HostEntry[]): Promise<EditResult>;
  /** Without `hosts`, the whole module. Hosts that are not there are no error. */
  remove(modid: number, cmdid: number, hosts?: readonly string[]): Promise<EditResult>;
  /** These hosts get no new calls, or do again. A host that is not there is a RouteError NO_SUCH_HOST, and nothing is changed. */
  setDrain(modid: number, cmdid: number, hosts: readonly string[], drain: boolean): Promise<EditResult>;
  import(entries: readonly RouteEntry[], mode: EditMode): Promise<EditResult>;
  /** Every host that is served, by modid and cmdid: what import takes. */
  export(): Promise<readonly RouteEntry[]>;
  /** Removes all routes; tells a dnsserver that does not believe an empty table that it is meant. Always raises the revision. */
  clear(): Promise<EditResult>;
  close(): Promise<void>;
}

export interface RouteEditorOptions {
  /** The SQLite file of [database] file; it is created when there is none. */
  readonly file: string;
}

/** Another editor's import of a million rows takes about ten seconds. */
const BUSY_WAIT_MS = 30_000;

/** @throws {StartupError} when the file cannot be opened or holds something else */
export async function openRouteEditor({ file }: RouteEditorOptions): Promise<RouteEditor> {
  const store = new SqliteRouteStore({ file, busyWaitMs: BUSY_WAIT_MS });
  try {
    await store.ensureSchema();
  } catch (error) {
    await store.close();
    throw error;
  }
  return new StoreRouteEditor(store);
}

const PAGE_ROWS = 5_000;
const PAGE_MODULES = 100;

class StoreRouteEditor implements RouteEditor {
  readonly #store: RouteStore;

  constructor(store: RouteStore) {
    this.#store = store;
  }

  async list({ modid, cmdid }: RouteFilter = {}): Promise<readonly RouteContent[]> {
    const { routes } = await this.#store.read(reader => loadAll(reader, nextTurn));
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
      const rows = mode === 'replace' ? await allRows(writer) : await rowsOfEntries(writer, checked);
      return planEdit(rows, checked, mode);
    });
  }

  async export(): Promise<readonly RouteEntry[]> {
    const routes = await this.list();
    return routes.flatMap(({ modid, cmdid, hosts }) =>
      hosts.map(host => ({
        modid,
        cmdid,
        host: formatHost(host),
        weight: host.weight,
        zone: host.zone,
        ...(host.drain ? { drain: true } : {}),
      })),
    );
  }

  clear(): Promise<EditResult> {
    return this.#store.change(0, async (writer, revision) => {
      const { routes } = await loadAll(writer, nextTurn);
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
        if (isNothing(edit)) throw new NothingToDo(revision - 1);
        return write(writer, edit, revision);
      });
    } catch (error) {
      if (!(error instanceof NothingToDo)) throw error;
      return { revision: error.revision, added: 0, updated: 0, removed: 0, modules: 0 };
    }
  }
}

/** Thrown inside a transaction so that it is rolled back, the revision too. */
class NothingToDo extends Error {
  readonly revision: number;

  constructor(revision: number) {
    super('everything is so already');
    this.revision = revision;
  }
}

/** Deletes go first: a row may come back under a host that a row without sense stood for. */
async function write(
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

async function allRows(reader: RouteReader): Promise<RouteRow[]> {
  const rows: RouteRow[] = [];
  let after = BEFORE_FIRST_ID;
  for (;;) {
    const page = await reader.rowsAfter(after, PAGE_ROWS);
    for (const row of page) rows.push(row);
    if (page.length < PAGE_ROWS) return rows;
    after = page.at(-1)?.id as number;
  }
}

async function rowsOfEntries(reader: RouteReader, entries: readonly CheckedEntry[]): Promise<RouteRow[]> {
  const modules: ModuleId[] = [...new Map(entries.map(entry => [routeKey(entry.modid, entry.cmdid), entry])).values()];
  const rows: RouteRow[] = [];
  for (let at = 0; at < modules.length; at += PAGE_MODULES) {
    for (const row of await reader.rowsOf(modules.slice(at, at + PAGE_MODULES))) rows.push(row);
  }
  return rows;
}
