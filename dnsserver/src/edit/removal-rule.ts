// pure
/** Whether a change removes so much that whoever makes it must say that it is meant; one rule for every command. */
import { formatModule, type HostInfo, type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import { parseRow } from '../follow/parse-rows.ts';
import type { RowChange } from '../store/history-store.ts';
import type { RouteRow } from '../store/route-store.ts';
import type { HostDifference } from './differences.ts';

/** One host in so many. A single host may always go: whoever removes it has named it. */
const SHARE = 10;

export interface RemovalFacts {
  /** All rows of the modules from which the change takes hosts away, as they are before it. */
  readonly rows: readonly RouteRow[];
  /** Of the whole table, before the change. */
  readonly hostCount: number;
  /** The routes were declared in a file, and nobody has named what goes: then every removal is to be confirmed. */
  readonly isDeclared: boolean;
  /** How many hosts that the removal guard keeps are served no more afterwards. */
  readonly letGo: number;
}

/** Whether the row is gone afterwards, or its host gets no more calls. */
export function takesAway({ before, after }: RowChange): boolean {
  return before !== undefined && (after === undefined || (after.drain === 1 && before.drain !== 1));
}

/** @returns what the change takes away, in words; undefined when it need not be confirmed */
export function whyConfirm(
  differences: readonly HostDifference[],
  { rows, hostCount, isDeclared, letGo }: RemovalFacts,
): string | undefined {
  const modules = modulesOf(rows);
  let removed = 0;
  for (const { modid, cmdid, before, after } of differences) {
    if (after === undefined) removed += 1;
    const module = modules.get(routeKey(modid, cmdid));
    if (module === undefined) continue;
    module.hostsAfter += presence(after) - presence(before);
    module.callableAfter += callability(after) - callability(before);
  }
  // What was so before is not of this change.
  const emptied = [...modules.values()].filter(({ hosts, hostsAfter }) => hosts > 0 && hostsAfter === 0);
  if (emptied.length > 0) return `${namesOf(emptied)} would have no host any more`;
  const drained = [...modules.values()].filter(({ callable, callableAfter }) => callable > 0 && callableAfter === 0);
  if (drained.length > 0) return `${namesOf(drained)} would have no host any more that takes calls`;
  if (isDeclared ? removed > 0 : removed > 1 && removed * SHARE > hostCount) return `${removed} of ${hostCount} hosts would go`;
  return letGo === 0 ? undefined : `${letGo} ${letGo === 1 ? 'host' : 'hosts'} that the removal guard keeps would go`;
}

interface ModuleHosts extends ModuleId {
  hosts: number;
  /** Those that do not drain. */
  callable: number;
  hostsAfter: number;
  callableAfter: number;
}

function modulesOf(rows: readonly RouteRow[]): Map<RouteKey, ModuleHosts> {
  const modules = new Map<RouteKey, ModuleHosts>();
  for (const row of rows) {
    const route = parseRow(row);
    if (typeof route === 'string') continue;
    const { modid, cmdid } = route;
    const key = routeKey(modid, cmdid);
    const module = modules.get(key) ?? { modid, cmdid, hosts: 0, callable: 0, hostsAfter: 0, callableAfter: 0 };
    modules.set(key, module);
    module.hosts += 1;
    module.hostsAfter += 1;
    module.callable += callability(route.hosts[0]);
    module.callableAfter += callability(route.hosts[0]);
  }
  return modules;
}

function presence(host: HostInfo | undefined): number {
  return host === undefined ? 0 : 1;
}

function callability(host: HostInfo | undefined): number {
  return host === undefined || host.drain ? 0 : 1;
}

function namesOf([first, ...others]: readonly ModuleId[]): string {
  if (first !== undefined && others.length === 0) return `module ${formatModule(first.modid, first.cmdid)}`;
  return `${1 + others.length} modules`;
}
