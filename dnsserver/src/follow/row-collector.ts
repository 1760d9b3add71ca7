// pure
/** Gathers rows into routes. What makes no sense is left out and reported, so that one bad row never stops the rest. */
import { type HostInfo, type HostKey, hostKey, type RouteKey, routeKey } from '@lars/proto';
import { type ParsedRow, parseRow, type RouteRow } from './parse-rows.ts';
import type { RouteContent } from './route.ts';

export const MAX_NAMED_ROWS = 20;

/** A row that is not served, and why. */
export interface SkippedRow {
  readonly id: unknown;
  readonly reason: string;
}

export interface CollectedRoutes {
  readonly routes: ReadonlyMap<RouteKey, RouteContent>;
  readonly skippedRows: number;
  /** The first MAX_NAMED_ROWS of them. */
  readonly namedRows: readonly SkippedRow[];
  readonly duplicateRows: number;
}

export class RowCollector {
  readonly #routes = new Map<RouteKey, RouteDraft>();
  readonly #namedRows: SkippedRow[] = [];
  #skippedRows = 0;
  #duplicateRows = 0;

  /** Rows are given in the order of their ids, which becomes the order of the hosts. */
  add(row: RouteRow): void {
    const parsed = parseRow(row);
    if (parsed.ok) this.#keep(parsed);
    else this.#skip(row.id, parsed.reason);
  }

  collected(): CollectedRoutes {
    return {
      routes: this.#routes,
      skippedRows: this.#skippedRows,
      namedRows: this.#namedRows,
      duplicateRows: this.#duplicateRows,
    };
  }

  #keep({ modid, cmdid, host }: ParsedRow & { ok: true }): void {
    const key = routeKey(modid, cmdid);
    const route = this.#routes.get(key);
    if (route === undefined) this.#routes.set(key, new RouteDraft(modid, cmdid, host));
    else if (!route.add(host)) this.#duplicateRows += 1;
  }

  #skip(id: unknown, reason: string): void {
    this.#skippedRows += 1;
    if (this.#namedRows.length < MAX_NAMED_ROWS) this.#namedRows.push({ id, reason });
  }
}

/** Up to so many hosts looking through them is quicker, and far smaller, than an index. */
const MAX_HOSTS_WITHOUT_INDEX = 16;

class RouteDraft implements RouteContent {
  readonly modid: number;
  readonly cmdid: number;
  readonly hosts: HostInfo[];
  #index: Set<HostKey> | undefined;

  constructor(modid: number, cmdid: number, host: HostInfo) {
    this.modid = modid;
    this.cmdid = cmdid;
    this.hosts = [host];
  }

  /** @returns false when the host is there already: of rows that name the same host the first counts */
  add(host: HostInfo): boolean {
    if (this.#has(host)) return false;
    this.hosts.push(host);
    this.#index?.add(hostKey(host));
    return true;
  }

  #has(host: HostInfo): boolean {
    if (this.hosts.length > MAX_HOSTS_WITHOUT_INDEX) {
      this.#index ??= new Set(this.hosts.map(hostKey));
      return this.#index.has(hostKey(host));
    }
    return this.hosts.some(other => other.ip === host.ip && other.port === host.port && other.addr === host.addr);
  }
}
