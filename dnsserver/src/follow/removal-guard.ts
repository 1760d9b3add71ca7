// pure
/**
 * The removal guard: hosts that vanish from the table in great numbers, by a change that nobody announced, go on being served until
 * somebody says that it was meant, or until most of them are back. What our own commands remove is announced, and never kept.
 */
import { type HostInfo, hostKey, type RouteKey, routeKey } from '@lars/proto';
import { type Pause, visitInSlices } from '../store/route-store.ts';
import type { DatabaseChanges } from './find-changes.ts';
import { type RouteContent, type RouteView, sameHosts } from './route-table.ts';

export interface GuardLimits {
  /** A table that suddenly reads empty is applied as it is. */
  readonly acceptEmpty: boolean;
  /** More than this part of a module's hosts, or of all modules, is kept when it vanishes at once, percent. 100: never. */
  readonly sharePercent: number;
  /** The share counts only where there are at least this many hosts, or modules. */
  readonly atLeast: number;
}

/** What the guard keeps. */
export interface KeptRoutes {
  /** Unix ms. */
  readonly sinceMs: number;
  /** How many modules were kept in all since then, and how many of them have come back. */
  readonly total: number;
  readonly returned: number;
  /** The hosts that vanished, by module. They are served beside those that the table has. */
  readonly modules: ReadonlyMap<RouteKey, RouteContent>;
}

export interface GuardedChanges {
  /** What is to be applied: modules whose hosts differ from the known ones when the kept hosts are added to the table's. */
  readonly different: readonly RouteContent[];
  readonly kept: KeptRoutes | undefined;
}

type Routes = ReadonlyMap<RouteKey, RouteContent>;

/**
 * Splits changes into what is applied and what is kept.
 * @param kept so far; `changes` must have read all its modules
 */
export async function guardChanges(
  changes: DatabaseChanges,
  known: RouteView,
  kept: KeptRoutes | undefined,
  limits: GuardLimits,
  nowMs: number,
  pause: Pause,
): Promise<GuardedChanges> {
  const { different, loaded, announced } = changes;
  if (changes.cleared || (changes.moduleCount === 0 && limits.acceptEmpty)) return { different, kept: undefined };
  const still = await reviewKept(kept, loaded.routes, announced, pause);
  const lost = await lostRoutes(changes, known, kept, limits, pause);
  if (lost.length === 0) return { different: await withKept(different, still, known, pause), kept: still };
  const modules = new Map(still?.modules);
  await visitInSlices(lost, pause, route => modules.set(routeKey(route.modid, route.cmdid), route));
  const counts = { total: (still?.total ?? 0) + lost.length, returned: still?.returned ?? 0 };
  const more: KeptRoutes = { sinceMs: still?.sinceMs ?? nowMs, ...counts, modules };
  return { different: await withKept(different, more, known, pause), kept: more };
}

/**
 * What is kept on: not the modules of which at least half of the hosts are back, and nothing when at least half of the modules are. A
 * module that the table does not have and that is announced is meant to be gone.
 */
export async function reviewKept(
  kept: KeptRoutes | undefined,
  routes: Routes,
  announced: ReadonlyMap<RouteKey, number>,
  pause: Pause,
): Promise<KeptRoutes | undefined> {
  if (kept === undefined) return undefined;
  const modules = new Map<RouteKey, RouteContent>();
  let { total, returned } = kept;
  await visitInSlices(kept.modules, pause, ([key, route]) => {
    const present = routes.get(key)?.hosts ?? [];
    if (present.length === 0 && announced.has(key)) total -= 1;
    else if (missingHosts(route.hosts, present).length * 2 <= route.hosts.length) returned += 1;
    else modules.set(key, route);
  });
  if (modules.size === 0 || returned * 2 >= total) return undefined;
  return modules.size === kept.modules.size ? kept : { sinceMs: kept.sinceMs, total, returned, modules };
}

/** The module's route as it is served: the table's hosts, and behind them the kept ones. */
export function withKeptHosts(content: RouteContent, kept: KeptRoutes | undefined): RouteContent {
  const { modid, cmdid, hosts } = content;
  const missing = missingHosts(kept?.modules.get(routeKey(modid, cmdid))?.hosts ?? [], hosts);
  return missing.length === 0 ? content : { modid, cmdid, hosts: [...hosts, ...missing] };
}

/** Both together; of a module that is in both, what was kept first. */
export function joinKept(earlier: KeptRoutes | undefined, later: KeptRoutes | undefined): KeptRoutes | undefined {
  if (earlier === undefined || later === undefined) return earlier ?? later;
  const modules = new Map([...later.modules, ...earlier.modules]);
  return { ...earlier, total: earlier.total + modules.size - earlier.modules.size, modules };
}

export function keptHostCount(kept: KeptRoutes): number {
  let count = 0;
  for (const { hosts } of kept.modules.values()) count += hosts.length;
  return count;
}

async function withKept(
  different: readonly RouteContent[],
  kept: KeptRoutes | undefined,
  known: RouteView,
  pause: Pause,
): Promise<readonly RouteContent[]> {
  if (kept === undefined) return different;
  const applied: RouteContent[] = [];
  await visitInSlices(different, pause, content => {
    const served = withKeptHosts(content, kept);
    const before = known.get(routeKey(content.modid, content.cmdid))?.hosts ?? [];
    if (served === content || !sameHosts(served.hosts, before)) applied.push(served);
  });
  return applied;
}

/** What vanished now and is to be kept: for each module the hosts that it had and has no more. */
async function lostRoutes(
  changes: DatabaseChanges,
  known: RouteView,
  kept: KeptRoutes | undefined,
  limits: GuardLimits,
  pause: Pause,
): Promise<RouteContent[]> {
  const isEmpty = changes.moduleCount === 0;
  // Of an empty table, announcements say that it is meant only when they name every module.
  const isMeant =
    !isEmpty || (await areAllAnnounced(changes, known, pause)) ? (key: RouteKey) => changes.announced.has(key) : () => false;
  const suspects: { readonly content: RouteContent; readonly before: readonly HostInfo[] }[] = [];
  let gone = 0;
  await visitInSlices(changes.different, pause, content => {
    const key = routeKey(content.modid, content.cmdid);
    const before = known.get(key)?.hosts;
    if (before === undefined || kept?.modules.has(key) === true || isMeant(key)) return;
    suspects.push({ content, before });
    if (content.hosts.length === 0) gone += 1;
  });
  const keepsGone = isEmpty || isMost(gone, known.moduleCount, limits);
  const lost: RouteContent[] = [];
  await visitInSlices(suspects, pause, ({ content: { modid, cmdid, hosts }, before }) => {
    const isLost = (hosts.length === 0 && keepsGone) || isMost(before.length - hosts.length, before.length, limits);
    if (isLost) lost.push({ modid, cmdid, hosts: missingHosts(before, hosts) });
  });
  return lost;
}

async function areAllAnnounced({ announced }: DatabaseChanges, known: RouteView, pause: Pause): Promise<boolean> {
  if (announced.size < known.moduleCount) return false;
  let isOneMissing = false;
  await visitInSlices(known.routes(), pause, ([key]) => {
    isOneMissing ||= !announced.has(key);
  });
  return !isOneMissing;
}

function isMost(lost: number, of: number, { sharePercent, atLeast }: GuardLimits): boolean {
  return of >= atLeast && lost * 100 > of * sharePercent;
}

function missingHosts(hosts: readonly HostInfo[], present: readonly HostInfo[]): readonly HostInfo[] {
  if (hosts.length === 0 || present.length === 0) return hosts;
  const keys = new Set(present.map(hostKey));
  return hosts.filter(host => !keys.has(hostKey(host)));
}
