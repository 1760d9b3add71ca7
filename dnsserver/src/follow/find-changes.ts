import { type RouteKey, routeKey } from '@lars/proto';
import type { EditRow, JournalEnds, RouteReader } from '../store/route-store.ts';
import { loadAll, loadModules, type Pause } from './load-routes.ts';
import { toInt32, usableRevision } from './parse-rows.ts';
import { type ModuleId, type RouteContent, sameHosts } from './route.ts';
import type { RouteView } from './route-table.ts';
import type { CollectedRoutes } from './row-collector.ts';

/** The last rows of the two journals that a reader knows; each reader has its own. */
export interface Cursors {
  readonly edit: number;
  readonly change: number;
}

/** What the database holds that we do not. */
export interface Findings {
  readonly revision: number;
  readonly journal: JournalEnds;
  /** The whole table was read. */
  readonly full: boolean;
  /** The cursors point beyond the journal's end: this is another database than the one they come from. */
  readonly foreign: boolean;
  /** Modules whose hosts are others than those held. */
  readonly different: readonly RouteContent[];
  /** The revisions with which RouteChange newly names modules. */
  readonly announced: ReadonlyMap<RouteKey, number>;
  /** There is a new clear mark. */
  readonly cleared: boolean;
  /** How many modules will be held after these findings are taken over. */
  readonly moduleCount: number;
  readonly loaded: CollectedRoutes;
}

const PAGE_ROWS = 5_000;
/** From here on the whole table is read sooner than so many modules one by one. */
const MAX_SINGLE_MODULES = 10_000;
const COMPARED_AT_ONCE = 5_000;

/** Compares what is held with the database: of the modules that the journals name beyond the cursors, or of all. */
export async function findChanges(
  reader: RouteReader,
  held: RouteView,
  cursors: Cursors,
  everything: boolean,
  pause: Pause,
): Promise<Findings> {
  const journal = await reader.journal();
  const foreign = cursors.edit > journal.lastEdit;
  const forgotten = cursors.edit + 1 < journal.firstEdit;
  const touched = new Map<RouteKey, ModuleId>();
  const announced = await readAnnouncements(reader, foreign ? journal.lastChange : cursors.change, touched, pause);
  const cleared = !foreign && (await readEdits(reader, cursors.edit, touched, pause));
  const full = everything || foreign || forgotten || touched.size > MAX_SINGLE_MODULES;
  const loaded = full ? await loadAll(reader, pause) : await loadModules(reader, [...touched.values()], pause);
  const different = full ? await compareAll(held, loaded, pause) : await compare(held, loaded, touched.values(), pause);
  const moduleCount = full ? loaded.routes.size : countModules(held, different);
  const revision = await reader.revision();
  return { revision, journal, full, foreign, different, announced, cleared, moduleCount, loaded };
}

async function readAnnouncements(
  reader: RouteReader,
  after: number,
  touched: Map<RouteKey, ModuleId>,
  pause: Pause,
): Promise<Map<RouteKey, number>> {
  const announced = new Map<RouteKey, number>();
  await forEachRow(
    id => reader.changesAfter(id, PAGE_ROWS),
    after,
    pause,
    row => {
      const key = touch(touched, row);
      if (key !== undefined) announced.set(key, Math.max(announced.get(key) ?? 0, usableRevision(row.version)));
    },
  );
  return announced;
}

/** @returns whether there is a clear mark among the edits */
async function readEdits(reader: RouteReader, after: number, touched: Map<RouteKey, ModuleId>, pause: Pause): Promise<boolean> {
  let cleared = false;
  await forEachRow(
    id => reader.editsAfter(id, PAGE_ROWS),
    after,
    pause,
    row => {
      touch(touched, row);
      if (row.modid === null && row.cmdid === null) cleared = true;
    },
  );
  return cleared;
}

async function forEachRow<Row extends EditRow>(
  page: (afterId: number) => Promise<readonly Row[]>,
  after: number,
  pause: Pause,
  visit: (row: Row) => void,
): Promise<void> {
  let last = after;
  for (;;) {
    const rows = await page(last);
    for (const row of rows) visit(row);
    if (rows.length < PAGE_ROWS) return;
    last = rows.at(-1)?.id as number;
    await pause();
  }
}

/** Rows that name no possible module have none to be loaded; loading the whole table names such rows in the log. */
function touch(touched: Map<RouteKey, ModuleId>, row: EditRow): RouteKey | undefined {
  const modid = toInt32(row.modid);
  const cmdid = toInt32(row.cmdid);
  if (modid === undefined || cmdid === undefined) return undefined;
  const key = routeKey(modid, cmdid);
  if (!touched.has(key)) touched.set(key, { modid, cmdid });
  return key;
}

async function compareAll(held: RouteView, loaded: CollectedRoutes, pause: Pause): Promise<RouteContent[]> {
  const different = await compare(held, loaded, loaded.routes.values(), pause);
  for (const [key, route] of held.routes()) if (!loaded.routes.has(key)) different.push(gone(route));
  return different;
}

async function compare(
  held: RouteView,
  loaded: CollectedRoutes,
  modules: Iterable<ModuleId>,
  pause: Pause,
): Promise<RouteContent[]> {
  const different: RouteContent[] = [];
  let compared = 0;
  for (const module of modules) {
    const key = routeKey(module.modid, module.cmdid);
    const found = loaded.routes.get(key) ?? gone(module);
    if (!sameHosts(found.hosts, held.get(key)?.hosts ?? [])) different.push(found);
    compared += 1;
    if (compared % COMPARED_AT_ONCE === 0) await pause();
  }
  return different;
}

function gone({ modid, cmdid }: ModuleId): RouteContent {
  return { modid, cmdid, hosts: [] };
}

function countModules(held: RouteView, different: readonly RouteContent[]): number {
  let count = held.moduleCount;
  for (const { modid, cmdid, hosts } of different) {
    const was = held.get(routeKey(modid, cmdid)) !== undefined;
    if (was && hosts.length === 0) count -= 1;
    if (!was && hosts.length > 0) count += 1;
  }
  return count;
}
