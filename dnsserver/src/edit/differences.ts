// pure
/** Changes of rows as people and machines read them: which hosts of which modules come, go or become different. */
import type { HostInfo, ModuleId } from '@lars/proto';
import { parseRow, type RowRoute } from '../follow/parse-rows.ts';
import type { RowChange } from '../store/history-store.ts';
import type { RouteRow } from '../store/route-store.ts';

/** One host before and after; undefined where it is not there. */
export interface HostDifference extends ModuleId {
  readonly before: HostInfo | undefined;
  readonly after: HostInfo | undefined;
}

export interface Differences {
  /** In the order of modid and cmdid. */
  readonly hosts: readonly HostDifference[];
  /** How many rows that make no sense change; they stand for no host. */
  readonly invalidRows: number;
}

export function differencesOf(changes: readonly RowChange[]): Differences {
  const hosts: HostDifference[] = [];
  let invalidRows = 0;
  for (const change of changes) {
    const before = routeOf(change.before);
    const after = routeOf(change.after);
    const route = before ?? after;
    if (route === undefined) invalidRows += 1;
    else hosts.push({ modid: route.modid, cmdid: route.cmdid, before: before?.hosts[0], after: after?.hosts[0] });
  }
  return { hosts: hosts.sort((one, other) => one.modid - other.modid || one.cmdid - other.cmdid), invalidRows };
}

function routeOf(row: RouteRow | undefined): RowRoute | undefined {
  const route = row === undefined ? undefined : parseRow(row);
  return typeof route === 'string' ? undefined : route;
}
