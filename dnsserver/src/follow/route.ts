// pure
/** A route as dnsserver holds it, and the comparison that decides whether agents must hear of it. */
import { type HostInfo, hostKey } from '@lars/proto';

export interface ModuleId {
  readonly modid: number;
  readonly cmdid: number;
}

/** Where a module is served. No hosts: the module does not exist (any more). */
export interface RouteContent extends ModuleId {
  /** In the order of their rows; no host twice. */
  readonly hosts: readonly HostInfo[];
}

/** Never changed in place: a change makes a new Route with a higher version. */
export interface Route extends RouteContent {
  /** The revision with which these hosts came. */
  readonly version: number;
  /**
   * The version was made up by this process because the database takes no writes. Another process may have given the same
   * number to other hosts, so it is never confirmed as current.
   */
  readonly local: boolean;
}

/** Created, changed and removed (no hosts) routes, each module once. */
export type RouteDiff = readonly Route[];

/** Whether both name the same hosts with the same weights, zones and drain marks, in whatever order. */
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
