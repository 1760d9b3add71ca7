// pure
/**
 * A route as dnsserver serves it, the table of all routes, and the comparison that decides whether agents must hear of a change. The
 * routes of the table are immutable; a change of very many comes in slices, between which each is as it was or as it is.
 */
import { type HostInfo, hostKey, type ModuleId, type RouteKey, routeKey } from '@lars/proto';

/** The hosts of a module. A route without hosts says that the module does not exist (any more). */
export interface RouteContent extends ModuleId {
  /** In the order of their rows; no host twice. */
  readonly hosts: readonly HostInfo[];
}

/** A route is never changed in place: a change makes a new Route with a higher version. */
export interface Route extends RouteContent {
  /** The route version: the database's revision at which these hosts came. */
  readonly version: number;
  /**
   * The version was made up by this process because the database takes no writes. Another process may have given the same
   * number to other hosts, so a local version is never confirmed as current.
   */
  readonly local: boolean;
}

/** Created, changed and removed (no hosts) routes, each module once. */
export type RouteDiff = readonly Route[];

/** The table as everybody but its owner sees it. */
export interface RouteView {
  get(key: RouteKey): Route | undefined;
  readonly moduleCount: number;
  readonly hostCount: number;
  routes(): IterableIterator<[RouteKey, Route]>;
}

export class RouteTable implements RouteView {
  readonly #routes = new Map<RouteKey, Route>();
  #hostCount = 0;

  get(key: RouteKey): Route | undefined {
    return this.#routes.get(key);
  }

  get moduleCount(): number {
    return this.#routes.size;
  }

  get hostCount(): number {
    return this.#hostCount;
  }

  routes(): IterableIterator<[RouteKey, Route]> {
    return this.#routes.entries();
  }

  applyDiff(diff: RouteDiff): void {
    for (const route of diff) {
      const key = routeKey(route.modid, route.cmdid);
      this.#hostCount += route.hosts.length - (this.#routes.get(key)?.hosts.length ?? 0);
      if (route.hosts.length === 0) this.#routes.delete(key);
      else this.#routes.set(key, route);
    }
  }
}

export function withVersion({ modid, cmdid, hosts }: RouteContent, version: number, local = false): Route {
  return { modid, cmdid, hosts, version, local };
}

/** Whether both lists name the same hosts with the same weights, zones and drain marks, in whatever order. */
export function sameHosts(some: readonly HostInfo[], others: readonly HostInfo[]): boolean {
  if (some.length !== others.length) return false;
  if (some.every((host, at) => sameHost(host, others[at] as HostInfo))) return true;
  const byKey = new Map(some.map(host => [hostKey(host), host]));
  return others.every(other => {
    const host = byKey.get(hostKey(other));
    return host !== undefined && sameHost(host, other);
  });
}

function sameHost(one: HostInfo, other: HostInfo): boolean {
  return (
    one.ip === other.ip &&
    one.port === other.port &&
    one.weight === other.weight &&
    one.addr === other.addr &&
    one.zone === other.zone &&
    one.drain === other.drain
  );
}
