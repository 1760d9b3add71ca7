// pure
/** Sets of a module's hosts, by their numbers. A pool is never written to: modules share the usual one, which has all their hosts. */
export type HostPool = readonly number[];

const NOBODY: HostPool = [];
/** Larger modules have an own pool each. */
const MAX_SHARED = 64;
const SHARED: HostPool[] = [NOBODY];

/** Those from 0 to below the count. */
export function everybody(count: number): HostPool {
  if (count > MAX_SHARED) return upTo(count);
  SHARED[count] ??= upTo(count);
  return SHARED[count];
}

/** Those of all that belong to it. */
export function chosen(count: number, belongs: (host: number) => boolean): HostPool {
  const all = everybody(count);
  return all.every(belongs) ? all : all.filter(belongs);
}

export function joined(pool: HostPool, host: number): HostPool {
  return [...pool, host];
}

/** The same pool where the host is not in it. */
export function without(pool: HostPool, host: number): HostPool {
  return pool.includes(host) ? pool.filter(other => other !== host) : pool;
}

function upTo(count: number): HostPool {
  return Array.from({ length: count }, (_, host) => host);
}
