// pure
/** Sets of a module's hosts, by their numbers. A pool is never written to: modules share the usual one, which has all their hosts. */
export type HostPool = readonly number[];

const NO_HOSTS: HostPool = [];
/** Larger modules have an own pool each. */
const MAX_SHARED = 64;
const SHARED: HostPool[] = [NO_HOSTS];

/** Those from 0 to below the count. */
export function allHosts(count: number): HostPool {
  if (count > MAX_SHARED) return upTo(count);
  SHARED[count] ??= upTo(count);
  return SHARED[count];
}

/** Those of all that belong to it. */
export function hostsWhere(count: number, belongs: (host: number) => boolean): HostPool {
  const all = allHosts(count);
  return all.every(belongs) ? all : all.filter(belongs);
}

export function withHost(pool: HostPool, host: number): HostPool {
  return [...pool, host];
}

/** The same pool where the host is not in it. */
export function withoutHost(pool: HostPool, host: number): HostPool {
  return pool.includes(host) ? pool.filter(other => other !== host) : pool;
}

function upTo(count: number): HostPool {
  return Array.from({ length: count }, (_, host) => host);
}
