// pure
/** Which rows must be written so that the table holds what is wanted; nothing is written that is there already. */
import {
  formatHost,
  formatModule,
  type HostAddress,
  type HostInfo,
  type HostKey,
  hostKey,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import { parseRow, type RouteRow } from '../follow/parse-rows.ts';
import type { ModuleId } from '../follow/route.ts';
import type { NewRouteRow, RowUpdate } from '../store/route-store.ts';
import type { CheckedEntry } from './route-entry.ts';
import { RouteError } from './route-error.ts';

/** add: the others stay. replace: the table holds these alone afterwards. */
export type EditMode = 'add' | 'replace';

export interface EditPlan {
  readonly inserts: readonly NewRouteRow[];
  readonly updates: readonly RowUpdate[];
  readonly deletes: readonly number[];
  /** The modules that these rows belong to. */
  readonly modules: readonly ModuleId[];
}

export function isNothing(plan: EditPlan): boolean {
  return plan.inserts.length === 0 && plan.updates.length === 0 && plan.deletes.length === 0;
}

/**
 * @param rows of all modules in `entries`; with 'replace', all rows
 * @throws {RouteError} CONFLICT when two entries say different things of one host
 */
export function planEdit(rows: readonly RouteRow[], entries: readonly CheckedEntry[], mode: EditMode): EditPlan {
  const draft = new PlanDraft();
  const wanted = new WantedHosts(entries);
  const found = new Set<CheckedEntry>();
  for (const row of rows) {
    const parsed = parseRow(row);
    const entry = parsed.ok ? wanted.find(parsed, parsed.host) : undefined;
    if (parsed.ok && entry !== undefined && !(mode === 'replace' && found.has(entry))) {
      found.add(entry);
      draft.update(row.id as number, parsed, wantedOf(parsed.host, entry, mode));
    } else if (mode === 'replace') {
      draft.delete(row.id as number, parsed.ok ? parsed : undefined);
    }
  }
  for (const entry of wanted.entries()) if (!found.has(entry)) draft.insert(entry);
  return draft;
}

/** @param hosts undefined: all rows go, also those that make no sense */
export function planRemoval(rows: readonly RouteRow[], module: ModuleId, hosts: readonly HostKey[] | undefined): EditPlan {
  const draft = new PlanDraft();
  for (const row of rows) {
    const parsed = parseRow(row);
    const named = hosts === undefined || (parsed.ok && hosts.includes(hostKey(parsed.host)));
    if (named) draft.delete(row.id as number, module);
  }
  return draft;
}

/**
 * Marks hosts that are there, or takes the mark away.
 * @throws {RouteError} NO_SUCH_HOST naming the first that is not there
 */
export function planDrain(rows: readonly RouteRow[], module: ModuleId, hosts: readonly HostAddress[], drain: boolean): EditPlan {
  const draft = new PlanDraft();
  const missing = new Map(hosts.map(host => [hostKey(host), host]));
  const named = new Set(missing.keys());
  for (const row of rows) {
    const parsed = parseRow(row);
    if (!parsed.ok || !named.has(hostKey(parsed.host))) continue;
    missing.delete(hostKey(parsed.host));
    draft.update(row.id as number, parsed, { ...parsed.host, drain });
  }
  for (const host of missing.values())
    throw new RouteError('NO_SUCH_HOST', `module ${formatModule(module.modid, module.cmdid)} has no host ${formatHost(host)}`);
  return draft;
}

/** The parts of a host that an edit may change. */
type HostDetails = Pick<HostInfo, 'weight' | 'zone' | 'drain'>;

const UNTOLD: HostDetails = { weight: 0, zone: '', drain: false };

/** What an entry leaves out stays as it is with 'add', and is as nobody told it with 'replace'. */
function wantedOf(host: HostDetails, entry: CheckedEntry, mode: EditMode): HostDetails {
  const { weight, zone, drain } = mode === 'add' ? host : UNTOLD;
  return { weight: entry.weight ?? weight, zone: entry.zone ?? zone, drain: entry.drain ?? drain };
}

class PlanDraft implements EditPlan {
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
    this.#touch({ modid, cmdid });
  }

  update(id: number, { modid, cmdid, host }: ModuleId & { readonly host: HostDetails }, wanted: HostDetails): void {
    const { weight, zone, drain } = wanted;
    if (weight === host.weight && zone === host.zone && drain === host.drain) return;
    this.updates.push({ id, weight, zone, drain: flagOf(drain) });
    this.#touch({ modid, cmdid });
  }

  delete(id: number, module: ModuleId | undefined): void {
    this.deletes.push(id);
    if (module !== undefined) this.#touch(module);
  }

  #touch({ modid, cmdid }: ModuleId): void {
    this.#modules.set(routeKey(modid, cmdid), { modid, cmdid });
  }
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
