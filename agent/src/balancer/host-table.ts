// pure
/** Who a module's hosts are, by the numbers that everything else about them goes by. */
import { type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type { HostPool } from './host-pool.ts';

/** Up to so many hosts are found by looking at their keys one after the other: faster than a Map, and a fifth of its size. */
const MAX_SCANNED = 16;
/** Pools change with each host that is ejected or comes back; those that were are forgotten. */
const MAX_IPV4_POOLS = 8;

/** For each host, the number that it had before a change of the route; undefined for a new one. */
export type FormerNumbers = readonly (number | undefined)[];

/** A host is named by its number from 0, which it keeps until the next sync. */
export class HostTable {
  #hosts: readonly HostInfo[] = [];
  #keys: readonly HostKey[] = [];
  /** Of more than MAX_SCANNED hosts. */
  #numbers: ReadonlyMap<HostKey, number> | undefined = undefined;
  /** Of each pool that was asked for, the hosts with an IPv4 address; undefined where all have one. */
  #ipv4Pools: Map<HostPool, HostPool> | undefined = undefined;

  get size(): number {
    return this.#hosts.length;
  }

  /** By their numbers. */
  get all(): readonly HostInfo[] {
    return this.#hosts;
  }

  /** Undefined where the module has no such host. */
  find(key: HostKey): number | undefined {
    if (this.#numbers !== undefined) return this.#numbers.get(key);
    // By hand: Array.indexOf makes an object of a number that it is given.
    const keys = this.#keys;
    for (let host = 0; host < keys.length; host++) if (keys[host] === key) return host;
    return undefined;
  }

  /** Who the host is. It must be in the table. */
  at(host: number): HostInfo {
    return this.#hosts[host] as HostInfo;
  }

  /** Those of the pool that have an IPv4 address; mostly these are all. */
  ipv4Of(pool: HostPool): HostPool {
    const pools = this.#ipv4Pools;
    if (pools === undefined) return pool;
    const known = pools.get(pool);
    if (known !== undefined) return known;
    if (pools.size >= MAX_IPV4_POOLS) pools.clear();
    const narrowed = pool.filter(host => this.hasIpv4(host));
    pools.set(pool, narrowed);
    return narrowed;
  }

  /** Whether a host has no IPv4 address, but a name or an IPv6 address. */
  get hasNames(): boolean {
    return this.#ipv4Pools !== undefined;
  }

  hasIpv4(host: number): boolean {
    return this.at(host).addr === '';
  }

  /**
   * Follows a host list. One that is named twice counts where it is named first. Those that stay take over the new HostInfo and keep their
   * order; the new ones come behind them, in the list's order.
   */
  sync(hosts: readonly HostInfo[]): FormerNumbers {
    const named = new Map<HostKey, HostInfo>();
    for (const host of hosts) {
      const key = hostKey(host);
      if (!named.has(key)) named.set(key, host);
    }
    const known = new Map(this.#keys.map((key, number) => [key, number]));
    const stay = this.#keys.filter(key => named.has(key));
    const join = [...named.keys()].filter(key => !known.has(key));
    // What map makes has no room to spare, and holds numbers without an object for each.
    const keys = [...stay, ...join].map(key => key);
    this.#keys = keys;
    this.#hosts = keys.map(key => named.get(key) as HostInfo);
    this.#ipv4Pools = this.#hosts.some(({ addr }) => addr !== '') ? new Map() : undefined;
    this.#numbers = keys.length > MAX_SCANNED ? new Map(keys.map((key, number) => [key, number])) : undefined;
    return keys.map(key => known.get(key));
  }

  /** See ModuleBalancer.prefetch: the table, its lists, where they begin, and the hosts. */
  prefetch(step: number): number {
    const hosts = this.#hosts;
    const keys = this.#keys;
    if (step === 0) return hosts === undefined || keys === undefined ? 1 : 0;
    if (step === 1) return hosts.length + keys.length;
    // Of a large module nobody can say which hosts will be read.
    if (hosts.length > MAX_SCANNED) return 0;
    if (step === 2) return (hosts[0] === undefined ? 1 : 0) + (keys[0] === 0 ? 1 : 0);
    let sum = 0;
    for (const host of hosts) sum += host.port;
    return sum;
  }
}

/** What was known of each host by its number before, by the number that it has now. */
export function movedTo<T>(before: FormerNumbers, known: T[] | undefined): (T | undefined)[] | undefined {
  return known && before.map(from => (from === undefined ? undefined : known[from]));
}
