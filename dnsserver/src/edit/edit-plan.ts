// pure
/** Plans which rows must be written so that the table has the wanted hosts. A row that is right already is not written. */
import {
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
import type { NewRouteRow, RouteRow, RowUpdate } from '../store/route-store.ts';
import { type CheckedEntry, RouteError } from './route-entry.ts';

/** add: other hosts stay. replace: the table has the entries' hosts alone afterwards. */
export type EditMode = 'add' | 'replace';

export interface EditPlan {
  readonly inserts: readonly NewRouteRow[];
  readonly updates: readonly RowUpdate[];
  readonly deletes: readonly number[];
  /** The modules to which the rows belong. */
  readonly modules: readonly ModuleId[];
}

export function isEmptyPlan(plan: EditPlan): boolean {
  return plan.inserts.length === 0 && plan.updates.length === 0 && plan.deletes.length === 0;
}

/**
 * @param rows of all modules in `entries`; with 'replace', all rows
 * @throws {RouteError} CONFLICT when two entries say different things of one host
 */
export function planEdit(rows: readonly RouteRow[], entries: readonly CheckedEntry[], mode: EditMode): EditPlan {
  const plan = new PlanBuilder();
  const wanted = new WantedHosts(entries);
  const found = new Set<CheckedEntry>();
  for (const row of rows) {
    const route = validRoute(row);
    const entry = route === undefined ? undefined : wanted.find(route, route.hosts[0]);
    if (route !== undefined && entry !== undefined && !(mode === 'replace' && found.has(entry))) {
      found.add(entry);
      plan.update(row.id as number, route, route.hosts[0], wantedDetails(route.hosts[0], entry, mode));
    } else if (mode === 'replace') {
      plan.delete(row.id as number, route);
    }
  }
  for (const entry of wanted.entries()) if (!found.has(entry)) plan.insert(entry);
  return plan;
}

/** @param hosts undefined: all rows are removed, invalid ones too */
export function planRemoval(rows: readonly RouteRow[], module: ModuleId, hosts: readonly HostKey[] | undefined): EditPlan {
  const plan = new PlanBuilder();
  for (const row of rows) {
    const host = validRoute(row)?.hosts[0];
    const named = hosts === undefined || (host !== undefined && hosts.includes(hostKey(host)));
    if (named) plan.delete(row.id as number, module);
  }
  return plan;
}

/**
 * Marks existing hosts as draining, or takes the mark away.
 * @throws {RouteError} NO_SUCH_HOST naming the first host that does not exist
 */
export function planDrain(rows: readonly RouteRow[], module: ModuleId, hosts: readonly HostAddress[], drain: boolean): EditPlan {
  const plan = new PlanBuilder();
  const missing = new Map(hosts.map(host => [hostKey(host), host]));
  const named = new Set(missing.keys());
  for (const row of rows) {
    const host = validRoute(row)?.hosts[0];
    if (host === undefined || !named.has(hostKey(host))) continue;
    missing.delete(hostKey(host));
    plan.update(row.id as number, module, host, { ...host, drain });
  }
  for (const host of missing.values())
    throw new RouteError('NO_SUCH_HOST', `module ${formatModule(module.modid, module.cmdid)} has no host ${formatHost(host)}`);
  return plan;
}

/** The parts of a host that an edit may change. */
type HostDetails = Pick<HostInfo, 'weight' | 'zone' | 'drain'>;

const DEFAULT_DETAILS: HostDetails = { weight: 0, zone: '', drain: false };

/** A detail that the entry leaves out stays as it is with 'add', and gets its default with 'replace'. */
function wantedDetails(host: HostDetails, entry: CheckedEntry, mode: EditMode): HostDetails {
  const { weight, zone, drain } = mode === 'add' ? host : DEFAULT_DETAILS;
  return { weight: entry.weight ?? weight, zone: entry.zone ?? zone, drain: entry.drain ?? drain };
}

class PlanBuilder implements EditPlan {
  readonly inserts: NewRouteRow[] = [];
  readonly updates: RowUpdate[] = [];
  readonly deletes: number[] = [];
  readonly #modules = new Map<RouteKey, ModuleId>();

  get modules(): readonly ModuleId[] {
    return [...this.#modules.values()];
  }

  insert({ modid, cmdid, address, weight = 0, zone = '', drain = false }: CheckedEntry): void {
    const { ip, port, addr } = address;
    this.inserts.push({ modid, cmdid, serverip: ip >>> 0, serverport: port, weight, addr, zone, drain: flagOf(drain) });
    this.#touchModule({ modid, cmdid });
  }

  update(id: number, module: ModuleId, host: HostDetails, { weight, zone, drain }: HostDetails): void {
    if (weight === host.weight && zone === host.zone && drain === host.drain) return;
    this.updates.push({ id, weight, zone, drain: flagOf(drain) });
    this.#touchModule(module);
  }

  delete(id: number, module: ModuleId | undefined): void {
    this.deletes.push(id);
    if (module !== undefined) this.#touchModule(module);
  }

  #touchModule({ modid, cmdid }: ModuleId): void {
    this.#modules.set(routeKey(modid, cmdid), { modid, cmdid });
  }
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
