// pure
/**
 * What is done with the changes that were found in the database: what is applied under which versions, and what the removal guard keeps. The rules
 * for a route's version: it comes from the database's revision, so that every dnsserver over the database gives the same; it grows with
 * every change; a change that nobody announced has no revision yet and must be given one.
 */
import { type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import {
  type JournalEnds,
  type Pause,
  type RouteReader,
  type RouteStore,
  RouteStoreError,
  type RouteWriter,
  visitInSlices,
} from '../store/route-store.ts';
import type { DatabaseChanges } from './find-changes.ts';
import type { GuardedChanges, KeptRoutes } from './removal-guard.ts';
import { type Route, type RouteContent, type RouteView, withVersion } from './route-table.ts';

export interface UpdatePlan {
  readonly changes: DatabaseChanges;
  /** What the removal guard keeps from now on. */
  readonly kept: KeptRoutes | undefined;
  /** Changed, and announced with a revision that is higher than the known one. */
  readonly versioned: readonly Route[];
  /** Changed without a usable announcement: a hand-made edit, or a revision that was set back. */
  readonly unversioned: readonly RouteContent[];
  /** The hosts are the known ones, under a higher version: another dnsserver gave an edit a revision that we had taken for announced. */
  readonly raised: readonly Route[];
}

/** A plan whose routes all have versions. */
export interface VersionedPlan {
  /** Of the changes that were found last, if another change came in between. */
  readonly plan: UpdatePlan;
  /** The formerly unversioned routes with their new version. */
  readonly routes: readonly Route[];
  /** Of the database. */
  readonly revision: number;
  /** The journals' ends, with our own rows. */
  readonly journal: JournalEnds;
  /** Why the database did not take the change; the versions are local then. */
  readonly failure: RouteStoreError | undefined;
}

/** @param removedVersion the highest version under which a route was ever removed: a module that comes back must have a higher one */
export async function planUpdate(
  changes: DatabaseChanges,
  known: RouteView,
  removedVersion: number,
  { different, kept }: GuardedChanges,
  pause: Pause,
): Promise<UpdatePlan> {
  const versioned: Route[] = [];
  const unversioned: RouteContent[] = [];
  const changed = new Set<RouteKey>();
  await visitInSlices(different, pause, content => {
    const key = routeKey(content.modid, content.cmdid);
    changed.add(key);
    const version = changes.announced.get(key) ?? 0;
    const knownVersion = known.get(key)?.version ?? removedVersion;
    if (version > knownVersion) versioned.push(withVersion(content, version));
    else unversioned.push(content);
  });
  return { changes, kept, versioned, unversioned, raised: await raiseVersions(changes, known, changed, pause) };
}

/** The plan as it is, when all its routes have versions already. */
export function withoutNewVersions(plan: UpdatePlan): VersionedPlan {
  const { revision, journal } = plan.changes;
  return { plan, routes: [], revision, journal, failure: undefined };
}

const MODULES_ANNOUNCED_AT_ONCE = 500;

/**
 * Gives the plan's unversioned routes a revision and announces them, as whoever edited them should have done: every other reader
 * sees them then. An edit to which another dnsserver gave a revision a moment before us is left alone.
 * @param highestVersion of all that we gave out; the revision is raised beyond it
 * @throws {RouteStoreError} BUSY: nothing happened, and the next poll tries again
 */
export async function assignRevision(
  store: RouteStore,
  found: UpdatePlan,
  replan: (reader: RouteReader) => Promise<UpdatePlan>,
  highestVersion: number,
  pause: Pause,
): Promise<VersionedPlan> {
  try {
    return await store.change(highestVersion, async (writer, revision) => {
      const unmoved = !hasMoved(await writer.journal(), found.changes.journal);
      const plan = unmoved ? found : await replan(writer);
      // Raising the revision for nothing does no harm, and the second reading has seen the raised one.
      const { unversioned } = plan;
      await announceModules(writer, unversioned, revision, pause);
      const routes: Route[] = [];
      await visitInSlices(unversioned, pause, content => routes.push(withVersion(content, revision)));
      return { plan, routes, revision, journal: await writer.journal(), failure: undefined };
    });
  } catch (error) {
    if (!(error instanceof RouteStoreError) || error.code === 'BUSY') throw error;
    return await withLocalVersions(found, highestVersion, error, pause);
  }
}

async function raiseVersions(
  changes: DatabaseChanges,
  known: RouteView,
  changed: ReadonlySet<RouteKey>,
  pause: Pause,
): Promise<Route[]> {
  const raised: Route[] = [];
  await visitInSlices(changes.announced, pause, ([key, version]) => {
    const route = known.get(key);
    if (route !== undefined && !changed.has(key) && version > route.version) raised.push(withVersion(route, version));
  });
  return raised;
}

async function withLocalVersions(
  plan: UpdatePlan,
  highestVersion: number,
  failure: RouteStoreError,
  pause: Pause,
): Promise<VersionedPlan> {
  const { revision, journal } = plan.changes;
  const version = Math.max(revision, highestVersion) + 1;
  const routes: Route[] = [];
  await visitInSlices(plan.unversioned, pause, content => routes.push(withVersion(content, version, true)));
  return { plan, routes, revision, journal, failure };
}

async function announceModules(writer: RouteWriter, modules: readonly ModuleId[], revision: number, pause: Pause): Promise<void> {
  for (let at = 0; at < modules.length; at += MODULES_ANNOUNCED_AT_ONCE) {
    if (at > 0) await pause();
    await writer.announce(modules.slice(at, at + MODULES_ANNOUNCED_AT_ONCE), revision);
  }
}

function hasMoved(now: JournalEnds, then: JournalEnds): boolean {
  return now.lastEdit !== then.lastEdit || now.lastChange !== then.lastChange;
}
