// pure
/**
 * Rows of RouteData, as any client may have written them, to routes. The deployed columns are unsigned: a module id of 4294967295 is
 * -1, and serverip is the unsigned form of what the wire carries signed. An invalid row is skipped and reported, so that one bad row
 * never stops the rest.
 */
import { type HostInfo, type HostKey, hostKey, isPort, type ModuleId, parseHost, type RouteKey, routeKey } from '@lars/proto';
import { type RouteRow, toInt32 } from '../store/route-store.ts';
import type { RouteContent } from './route-table.ts';

export const MAX_WEIGHT = 1_000_000;
export const MAX_ZONE_LENGTH = 64;
/** How many invalid rows the log names one by one. */
export const MAX_NAMED_ROWS = 20;

/** A row that is not served, and why. */
export interface SkippedRow {
  readonly id: unknown;
  readonly reason: string;
}

export interface CollectedRoutes {
  readonly routes: ReadonlyMap<RouteKey, RouteContent>;
  readonly skippedRows: number;
  /** The first MAX_NAMED_ROWS of the skipped rows. */
  readonly namedRows: readonly SkippedRow[];
  readonly duplicateRows: number;
}

/** Gathers rows into routes. */
export class RowCollector {
  readonly #routes = new Map<RouteKey, RowRoute>();
  /** The host keys of the modules with many hosts. */
  readonly #hostKeys = new Map<RouteKey, Set<HostKey>>();
  readonly #namedRows: SkippedRow[] = [];
  #skippedRows = 0;
  #duplicateRows = 0;

  /** Rows are added in the order of their ids, which becomes the order of the hosts. Of rows that name the same host the first counts. */
  add(row: RouteRow): void {
    const parsed = parseRow(row);
    if (typeof parsed === 'string') this.#skipRow(row.id, parsed);
    else this.#mergeRoute(parsed);
  }

  collected(): CollectedRoutes {
    return {
      routes: this.#routes,
      skippedRows: this.#skippedRows,
      namedRows: this.#namedRows,
      duplicateRows: this.#duplicateRows,
    };
  }

  #mergeRoute(parsed: RowRoute): void {
    const key = routeKey(parsed.modid, parsed.cmdid);
    const route = this.#routes.get(key);
    if (route === undefined) this.#routes.set(key, parsed);
    else if (this.#hasHost(key, route.hosts, parsed.hosts[0])) this.#duplicateRows += 1;
    else {
      route.hosts.push(parsed.hosts[0]);
      this.#hostKeys.get(key)?.add(hostKey(parsed.hosts[0]));
    }
  }

  #hasHost(key: RouteKey, hosts: readonly HostInfo[], host: HostInfo): boolean {
    if (hosts.length > MAX_HOSTS_WITHOUT_INDEX) return this.#hostKeysOf(key, hosts).has(hostKey(host));
    return hosts.some(other => other.ip === host.ip && other.port === host.port && other.addr === host.addr);
  }

  #hostKeysOf(key: RouteKey, hosts: readonly HostInfo[]): Set<HostKey> {
    const known = this.#hostKeys.get(key);
    if (known !== undefined) return known;
    const keys = new Set(hosts.map(hostKey));
    this.#hostKeys.set(key, keys);
    return keys;
  }

  #skipRow(id: unknown, reason: string): void {
    this.#skippedRows += 1;
    if (this.#namedRows.length < MAX_NAMED_ROWS) this.#namedRows.push({ id, reason });
  }
}

/** Up to this many hosts, searching the list is quicker, and far smaller, than an index. */
const MAX_HOSTS_WITHOUT_INDEX = 16;

/** The route that one row makes: it has one host, and takes those of later rows. */
export interface RowRoute extends ModuleId {
  readonly hosts: [HostInfo, ...HostInfo[]];
}

/** @returns the row as a route of one host, or the reason why the row is invalid */
export function parseRow(row: RouteRow): RowRoute | string {
  const modid = toInt32(row.modid);
  if (modid === undefined) return invalid('modid', row.modid, 'is not an int32');
  const cmdid = toInt32(row.cmdid);
  if (cmdid === undefined) return invalid('cmdid', row.cmdid, 'is not an int32');
  const { serverip, serverport, weight } = row;
  if (!isUint32(serverip)) return invalid('serverip', serverip, 'is not an unsigned 32-bit number');
  if (typeof serverport !== 'number' || !isPort(serverport)) return invalid('serverport', serverport, 'is not in 1..65535');
  if (weight !== null && !isWeight(weight)) return invalid('weight', weight, 'is not a weight');
  const zone = row.zone ?? '';
  if (!isZone(zone)) return invalid('zone', zone, 'is not a zone');
  const drain = toFlag(row.drain);
  if (drain === undefined) return invalid('drain', row.drain, 'is neither 0 nor 1');
  const ip = serverip | 0;
  // A row with both is served by its number, as the deployed dnsservers over the same table serve it.
  if (ip !== 0) return { modid, cmdid, hosts: [{ ip, port: serverport, weight: weight ?? 0, addr: '', zone, drain }] };
  if (row.addr === null || row.addr === '') return 'serverip is 0 and addr is empty';
  const address = parseAddr(row.addr, serverport);
  if (address === undefined) return invalid('addr', row.addr, 'is neither an IPv6 address nor a DNS name');
  return { modid, cmdid, hosts: [{ ...address, port: serverport, weight: weight ?? 0, zone, drain }] };
}

/** A weight for a row that is written or read; 0 is the default weight. */
export function isWeight(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_WEIGHT;
}

/** A zone is one short line of text without space around it; it is empty where the owner names none. */
export function isZone(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= MAX_ZONE_LENGTH &&
    value === value.trim() &&
    value.isWellFormed() &&
    !/\p{Cc}/u.test(value)
  );
}

function isUint32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

/** NULL is 0, as in the other columns that others may have added. */
function toFlag(value: unknown): boolean | undefined {
  return value === 1 ? true : value === 0 || value === null ? false : undefined;
}

function parseAddr(addr: unknown, port: number): Pick<HostInfo, 'ip' | 'addr'> | undefined {
  if (typeof addr !== 'string') return undefined;
  try {
    const host = parseHost(addr.includes(':') ? `[${addr}]:${port}` : `${addr}:${port}`);
    return { ip: host.ip, addr: host.addr };
  } catch {
    return undefined;
  }
}

const SHOWN_LENGTH = 40;

function invalid(column: string, value: unknown, why: string): string {
  const shown = typeof value === 'string' ? `'${value.slice(0, SHOWN_LENGTH)}'` : value === null ? 'NULL' : String(value);
  return `${column} ${shown} ${why}`;
}
