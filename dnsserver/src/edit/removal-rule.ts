// pure
/** Whether a change removes so much that whoever makes it must say that it is meant; one rule for every command. */
import { formatModule, type RouteKey, routeKey } from '@lars/proto';
import { parseRow } from '../follow/parse-rows.ts';
import type { RouteRow } from '../store/route-store.ts';
import type { HostDifference } from './differences.ts';

/** One host in so many. A single host may always go: whoever removes it has named it. */
const SHARE = 10;

/**
 * @param isDeclared the routes were declared in a file, and nobody has named what goes: then every removal is to be confirmed
 * @param rows all rows of the modules that lose hosts, as they are before the change
 * @param hostCount of the whole table, before the change
 * @returns what the change takes away, in words; undefined when it need not be confirmed
 */
export function whyConfirm(
  differences: readonly HostDifference[],
  rows: readonly RouteRow[],
  hostCount: number,
  isDeclared: boolean,
): string | undefined {
  const left = hostCounts(rows);
  const emptied = new Set<RouteKey>();
  let removed = 0;
  for (const { modid, cmdid, before, after } of differences) {
    const key = routeKey(modid, cmdid);
    const change = Number(after !== undefined) - Number(before !== undefined);
    left.set(key, (left.get(key) ?? 0) + change);
    if (change < 0) removed += 1;
    if (change < 0) emptied.add(key);
  }
  const gone = differences.filter(({ modid, cmdid }) => {
    const key = routeKey(modid, cmdid);
    return left.get(key) === 0 && emptied.delete(key);
  });
  const first = gone[0];
  if (first !== undefined)
    return gone.length === 1
      ? `module ${formatModule(first.modid, first.cmdid)} would have no host any more`
      : `${gone.length} modules would have no host any more`;
  const isMuch = isDeclared ? removed > 0 : removed > 1 && removed * SHARE > hostCount;
  if (isMuch) return `${removed} of ${hostCount} hosts would go`;
  return undefined;
}

function hostCounts(rows: readonly RouteRow[]): Map<RouteKey, number> {
  const counts = new Map<RouteKey, number>();
  for (const row of rows) {
    const route = parseRow(row);
    if (typeof route === 'string') continue;
    const key = routeKey(route.modid, route.cmdid);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
