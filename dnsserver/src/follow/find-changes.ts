// pure
/** Reads from the database which modules have other hosts than the known routes say. */
import { type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import {
  type EditRow,
  type JournalEnds,
  type Pause,
  type RouteReader,
  toInt32,
  usableRevision,
  visitAllRoutes,
  visitInSlices,
  visitRoutesOf,
  visitRows,
} from '../store/route-store.ts';
import { type CollectedRoutes, RowCollector } from './parse-rows.ts';
import { type RouteContent, type RouteView, sameHosts } from './route-table.ts';

/** The last rows of the two journals that a reader has seen. Each reader has cursors of its own. */
export interface Cursors {
  readonly edit: number;
  readonly change: number;
}

/** What the database holds and the known routes do not. */
export interface DatabaseChanges {
  readonly revision: number;
  readonly journal: JournalEnds;
  /** The whole table was read. */
  readonly fullReload: boolean;
  /** The cursors point beyond the journal's end: they come from another database than this one. */
  readonly isOtherDatabase: boolean;
  /** Modules whose hosts differ from the known ones. */
  readonly different: readonly RouteContent[];
  /** The revisions with which new rows of RouteChange name modules. */
  readonly announced: ReadonlyMap<RouteKey, number>;
  /** There is a new clear mark. */
  readonly cleared: boolean;
  /** How many modules the table has. */
  readonly moduleCount: number;
  readonly loaded: CollectedRoutes;
}

/** Beyond this many touched modules, reading the whole table is quicker than reading them one by one. */
const MAX_SINGLE_MODULES = 10_000;

/**
 * Compares the known routes with the database: the modules that the journals name beyond the cursors, or with `reloadAll` all of them.
 * @param kept modules that are compared in any case
 */
export async function findChanges(
  reader: RouteReader,
  known: RouteView,
  cursors: Cursors,
  reloadAll: boolean,
  kept: Iterable<[RouteKey, ModuleId]>,
  pause: Pause,
): Promise<DatabaseChanges> {
  const journal = await reader.journal();
  const isOtherDatabase = cursors.edit > journal.lastEdit;
  const journalTruncated = cursors.edit + 1 < journal.firstEdit;
  const touched = new Map<RouteKey, ModuleId>(kept);
  const announced = await readAnnouncements(
    reader,
    isOtherDatabase ? journal.lastChange : Math.min(cursors.change, journal.lastChange),
    touched,
    pause,
  );
  const cleared = !isOtherDatabase && (await readEdits(reader, cursors.edit, touched, pause));
  const fullReload = reloadAll || isOtherDatabase || journalTruncated || touched.size > MAX_SINGLE_MODULES;
  const loaded = fullReload ? await readAllRoutes(reader, pause) : await readRoutesOf(reader, [...touched.values()], pause);
  const different = fullReload
    ? await compareAll(known, loaded, pause)
    : await compareModules(known, loaded, touched.values(), pause);
  const moduleCount = fullReload ? loaded.routes.size : countModules(known, different);
  const revision = await reader.revision();
  return { revision, journal, fullReload, isOtherDatabase, different, announced, cleared, moduleCount, loaded };
}

/** Reads the whole table. */
export async function readAllRoutes(reader: RouteReader, pause: Pause): Promise<CollectedRoutes> {
  const collector = new RowCollector();
  await visitAllRoutes(reader, pause, row => collector.add(row));
  return collector.collected();
}

/** Reads some modules. A module that is missing from the result has no hosts. */
async function readRoutesOf(reader: RouteReader, modules: readonly ModuleId[], pause: Pause): Promise<CollectedRoutes> {
  const collector = new RowCollector();
  await visitRoutesOf(reader, modules, pause, row => collector.add(row));
  return collector.collected();
}

async function readAnnouncements(
  reader: RouteReader,
  afterId: number,
  touched: Map<RouteKey, ModuleId>,
  pause: Pause,
): Promise<Map<RouteKey, number>> {
  const announced = new Map<RouteKey, number>();
  await visitRows(
    (id, limit) => reader.changesAfter(id, limit),
    afterId,
    pause,
    row => {
      const key = touchModule(touched, row);
      if (key !== undefined) announced.set(key, Math.max(announced.get(key) ?? 0, usableRevision(row.version)));
    },
  );
  return announced;
}

/** @returns whether there is a clear mark among the edits */
export async function readEdits(
  reader: RouteReader,
  afterId: number,
  touched: Map<RouteKey, ModuleId>,
  pause: Pause,
): Promise<boolean> {
  let cleared = false;
  await visitRows(
    (id, limit) => reader.editsAfter(id, limit),
    afterId,
    pause,
    row => {
      touchModule(touched, row);
      if (row.modid === null && row.cmdid === null) cleared = true;
    },
  );
  return cleared;
}

/** A row that names no possible module has no routes to read; a full reload names such rows in the log. */
function touchModule(touched: Map<RouteKey, ModuleId>, row: EditRow): RouteKey | undefined {
  const modid = toInt32(row.modid);
  const cmdid = toInt32(row.cmdid);
  if (modid === undefined || cmdid === undefined) return undefined;
  const key = routeKey(modid, cmdid);
  if (!touched.has(key)) touched.set(key, { modid, cmdid });
  return key;
}

async function compareAll(known: RouteView, loaded: CollectedRoutes, pause: Pause): Promise<RouteContent[]> {
  const different = await compareModules(known, loaded, loaded.routes.values(), pause);
  await visitInSlices(known.routes(), pause, ([key, route]) => {
    if (!loaded.routes.has(key)) different.push(removed(route));
  });
  return different;
}

async function compareModules(
  known: RouteView,
  loaded: CollectedRoutes,
  modules: Iterable<ModuleId>,
  pause: Pause,
): Promise<RouteContent[]> {
  const different: RouteContent[] = [];
  await visitInSlices(modules, pause, module => {
    const key = routeKey(module.modid, module.cmdid);
    const found = loaded.routes.get(key) ?? removed(module);
    if (!sameHosts(found.hosts, known.get(key)?.hosts ?? [])) different.push(found);
  });
  return different;
}

function removed({ modid, cmdid }: ModuleId): RouteContent {
  return { modid, cmdid, hosts: [] };
}

function countModules(known: RouteView, different: readonly RouteContent[]): number {
  let count = known.moduleCount;
  for (const { modid, cmdid, hosts } of different) {
    const was = known.get(routeKey(modid, cmdid)) !== undefined;
    if (was && hosts.length === 0) count -= 1;
    if (!was && hosts.length > 0) count += 1;
  }
  return count;
}
