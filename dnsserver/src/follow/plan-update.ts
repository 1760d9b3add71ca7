// pure
/**
 * What is done about what was found in the database. The rules for a route's version: it comes from the database's revision, so
 * that every dnsserver over it says the same; it grows with every change; a change that nobody announced has no revision yet
 * and must be given one.
 */
import { type RouteKey, routeKey } from '@lars/proto';
import type { Findings } from './find-changes.ts';
import type { Route, RouteContent } from './route.ts';
import type { RouteView } from './route-table.ts';

/** hold: the table reads empty and is not believed; what is held is served on. */
export type Verdict =
  | { readonly kind: 'hold'; readonly findings: Findings }
  | { readonly kind: 'take'; readonly findings: Findings; readonly plan: VersionPlan };

export interface VersionPlan {
  /** Changed, and announced with a revision that is higher than what was held. */
  readonly announced: readonly Route[];
  /** Changed without a usable announcement: a hand-made edit, or a revision that was set back. */
  readonly unannounced: readonly RouteContent[];
  /** The hosts are those held, under a higher version: another dnsserver adopted an edit that we had taken for announced. */
  readonly raised: readonly Route[];
}

/**
 * @param removedVersion the highest version under which a route was ever removed: who comes back must come with a higher one
 * @param believeEmpty an empty table is taken as it is
 */
export function judgeFindings(findings: Findings, held: RouteView, removedVersion: number, believeEmpty: boolean): Verdict {
  const suspicious = findings.moduleCount === 0 && held.moduleCount > 0 && !believeEmpty;
  if (suspicious && !isDeliberatelyEmpty(findings, held)) return { kind: 'hold', findings };
  return { kind: 'take', findings, plan: planVersions(findings, held, removedVersion) };
}

/**
 * Whether a table without any route is to be believed. One that was emptied by mistake, or is not there any more, must not take
 * every agent's hosts away: only what was announced module by module, or a clear mark, says that somebody meant it.
 */
function isDeliberatelyEmpty(findings: Findings, held: RouteView): boolean {
  if (findings.cleared) return true;
  for (const [key] of held.routes()) if (!findings.announced.has(key)) return false;
  return true;
}

function planVersions(findings: Findings, held: RouteView, removedVersion: number): VersionPlan {
  const announced: Route[] = [];
  const unannounced: RouteContent[] = [];
  const changed = new Set<RouteKey>();
  for (const content of findings.different) {
    const key = routeKey(content.modid, content.cmdid);
    changed.add(key);
    const version = findings.announced.get(key) ?? 0;
    const heldVersion = held.get(key)?.version ?? removedVersion;
    if (version > heldVersion) announced.push(withVersion(content, version));
    else unannounced.push(content);
  }
  return { announced, unannounced, raised: raise(findings, held, changed) };
}

function raise(findings: Findings, held: RouteView, changed: ReadonlySet<RouteKey>): Route[] {
  const raised: Route[] = [];
  for (const [key, version] of findings.announced) {
    const route = held.get(key);
    if (route !== undefined && !changed.has(key) && version > route.version) raised.push(withVersion(route, version));
  }
  return raised;
}

export function withVersion({ modid, cmdid, hosts }: RouteContent, version: number, local = false): Route {
  return { modid, cmdid, hosts, version, local };
}
