// pure
/** Plans which rows must be written so that the table has the wanted hosts. A row that is right already is not written. */
import {
  countedWeight,
  formatHost,
  formatModule,
  type HostAddress,
  type HostInfo,
  type HostKey,
  hostKey,
  type ModuleId,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import { parseRow } from '../follow/parse-rows.ts';
import { modulesOf } from '../history/compare-rows.ts';
import type { RowChange } from '../store/history-store.ts';
import type { RouteRow } from '../store/route-store.ts';
import { type CheckedEntry, RouteError } from './route-entry.ts';

/**
 * add: other hosts stay, and what an entry leaves out stays as it is. replace: the table has the entries' hosts alone afterwards, and what
 * an entry leaves out gets its default. apply: other hosts stay; the weight and zone that an entry leaves out get their defaults, and its
 * drain mark, which is set while a host is repaired and in no file, stays. prune: as apply, and other hosts go.
 */
export type EditMode = 'add' | 'replace' | 'apply' | 'prune';

export interface EditPlan {
  /** The id of a row that is new is undefined. */
  readonly changes: readonly RowChange[];
  /** The modules to which the rows belong. */
  readonly modules: readonly ModuleId[];
  /** How many hosts no entry names; with 'apply' alone, which leaves them. */
  readonly unnamed: number;
}

/**
 * @param rows of all modules in `entries`; with 'replace' and 'prune', all rows
 * @throws {RouteError} CONFLICT when two entries say different things of one host
 */
export function planEdit(rows: readonly RouteRow[], entries: readonly CheckedEntry[], mode: EditMode): EditPlan {
  const wanted = new WantedHosts(entries);
  const found = new Set<CheckedEntry>();
  const changes: RowChange[] = [];
  const removesOthers = mode === 'replace' || mode === 'prune';
  let unnamed = 0;
  for (const row of rows) {
    const route = validRoute(row);
    const entry = route === undefined ? undefined : wanted.find(route, route.hosts[0]);
    if (route !== undefined && entry !== undefined && !(removesOthers && found.has(entry))) {
      found.add(entry);
      changes.push(...updateOf(row, route.hosts[0], wantedDetails(route.hosts[0], entry, mode)));
    } else if (removesOthers) changes.push({ before: row, after: undefined });
    else if (route !== undefined) unnamed += 1;
  }
  for (const entry of wanted.entries()) if (!found.has(entry)) changes.push({ before: undefined, after: newRow(entry) });
  return { changes, modules: modulesOf(changes), unnamed: mode === 'apply' ? unnamed : 0 };
}

/** @param hosts undefined: all rows are removed, invalid ones too */
export function planRemoval(rows: readonly RouteRow[], hosts: readonly HostKey[] | undefined): EditPlan {
  const named = rows.filter(row => {
    const host = validRoute(row)?.hosts[0];
    return hosts === undefined || (host !== undefined && hosts.includes(hostKey(host)));
  });
  const changes = named.map(row => ({ before: row, after: undefined }));
  return { changes, modules: modulesOf(changes), unnamed: 0 };
}

/**
 * Marks existing hosts as draining, or takes the mark away.
 * @throws {RouteError} NO_SUCH_HOST naming the first host that does not exist
 */
export function planDrain(rows: readonly RouteRow[], module: ModuleId, hosts: readonly HostAddress[], drain: boolean): EditPlan {
  const changes: RowChange[] = [];
  const missing = new Map(hosts.map(host => [hostKey(host), host]));
  const named = new Set(missing.keys());
  for (const row of rows) {
    const host = validRoute(row)?.hosts[0];
    if (host === undefined || !named.has(hostKey(host))) continue;
    missing.delete(hostKey(host));
    changes.push(...updateOf(row, host, { ...host, drain }));
  }
  for (const host of missing.values())
    throw new RouteError('NO_SUCH_HOST', `module ${formatModule(module.modid, module.cmdid)} has no host ${formatHost(host)}`);
  return { changes, modules: modulesOf(changes), unnamed: 0 };
}

/** The parts of a host that an edit may change. */
type HostDetails = Pick<HostInfo, 'weight' | 'zone' | 'drain'>;

const DEFAULT_DETAILS: HostDetails = { weight: 0, zone: '', drain: false };

function wantedDetails(host: HostDetails, entry: CheckedEntry, mode: EditMode): HostDetails {
  const leftOut = { add: host, replace: DEFAULT_DETAILS, apply: declared(host), prune: declared(host) }[mode];
  const { weight = leftOut.weight, zone = leftOut.zone, drain = leftOut.drain } = entry;
  // Two numbers that count as the same are no difference.
  return { weight: countedWeight(weight) === countedWeight(host.weight) ? host.weight : weight, zone, drain };
}

function declared({ drain }: HostDetails): HostDetails {
  return { ...DEFAULT_DETAILS, drain };
}

function updateOf(row: RouteRow, host: HostDetails, { weight, zone, drain }: HostDetails): RowChange[] {
  if (weight === host.weight && zone === host.zone && drain === host.drain) return [];
  return [{ before: row, after: { ...row, weight, zone, drain: flagOf(drain) } }];
}

function newRow({ modid, cmdid, address, weight = 0, zone = '', drain = false }: CheckedEntry): RouteRow {
  const { ip, port, addr } = address;
  return { id: undefined, modid, cmdid, serverip: ip >>> 0, serverport: port, weight, addr, zone, drain: flagOf(drain) };
}

/** The route of one host that the row makes; undefined when the row is invalid. */
function validRoute(row: RouteRow) {
  const route = parseRow(row);
  return typeof route === 'string' ? undefined : route;
}

function flagOf(drain: boolean): 0 | 1 {
  return drain ? 1 : 0;
}

/** Entries by module and host. */
class WantedHosts {
  readonly #modules = new Map<RouteKey, Map<HostKey, CheckedEntry>>();

  constructor(entries: readonly CheckedEntry[]) {
    for (const entry of entries) this.#add(entry);
  }

  find({ modid, cmdid }: ModuleId, host: HostInfo): CheckedEntry | undefined {
    return this.#modules.get(routeKey(modid, cmdid))?.get(hostKey(host));
  }

  *entries(): Generator<CheckedEntry> {
    for (const hosts of this.#modules.values()) yield* hosts.values();
  }

  #add(entry: CheckedEntry): void {
    const key = routeKey(entry.modid, entry.cmdid);
    const hosts = this.#modules.get(key) ?? new Map<HostKey, CheckedEntry>();
    this.#modules.set(key, hosts);
    const other = hosts.get(hostKey(entry.address));
    if (other === undefined) hosts.set(hostKey(entry.address), entry);
    else if (other.weight !== entry.weight || other.zone !== entry.zone || other.drain !== entry.drain)
      throw conflict(entry, other);
  }
}

function conflict(entry: CheckedEntry, other: CheckedEntry): RouteError {
  const host = `host ${formatHost(entry.address)} of module ${formatModule(entry.modid, entry.cmdid)}`;
  const where = other.line === undefined ? 'before' : `on line ${other.line}`;
  return new RouteError('CONFLICT', `${host} has another weight, zone or drain than ${where}`, entry.line);
}
