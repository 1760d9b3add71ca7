// pure
/** What every algorithm keeps about a module's hosts: who they are, which side they are on, and what was counted of them. */
import { type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type { Balancer, HostCounts, HostExplanation, HostView, PastTransition, Transition } from './balancer.ts';
import { RecentCount } from './recent-count.ts';

/** Up to so many hosts are found by looking at their keys one after the other: faster than a Map, and a fifth of its size. */
const MAX_SCANNED = 16;

/** The hosts of one module by their key. `T` adds what an algorithm remembers of a host. */
export class HostTable<T extends TrackedHost> {
  /** In the order in which they joined; those of equal index belong together. */
  #keys: HostKey[] = [];
  #hosts: T[] = [];
  /** Of more than MAX_SCANNED hosts. */
  #byKey: Map<HostKey, T> | undefined;

  get size(): number {
    return this.#hosts.length;
  }

  get(key: HostKey): T | undefined {
    if (this.#byKey !== undefined) return this.#byKey.get(key);
    // By hand: Array.indexOf makes an object of a number that it is given.
    const keys = this.#keys;
    for (let i = 0; i < keys.length; i++) if (keys[i] === key) return this.#hosts[i];
    return undefined;
  }

  values(): ArrayIterator<T> {
    return this.#hosts.values();
  }

  /**
   * Follows a host list. A host that stays keeps its object and takes over the new HostInfo; one that is named twice counts
   * where it is named first.
   * @returns the new hosts, made by `create` in the list's order, and those that the list does not name any more
   */
  sync(hosts: readonly HostInfo[], create: (host: HostInfo) => T): { readonly added: T[]; readonly removed: T[] } {
    const known = new Map(this.#keys.map((key, index) => [key, this.#hosts[index] as T]));
    const named = new Map<HostKey, T>();
    const added: T[] = [];
    for (const host of hosts) {
      const key = hostKey(host);
      if (named.has(key)) continue;
      const tracked = known.get(key) ?? create(host);
      if (!known.has(key)) added.push(tracked);
      tracked.host = host;
      named.set(key, tracked);
    }
    this.#fill(known, named);
    return { added, removed: [...known].filter(([key]) => !named.has(key)).map(([, tracked]) => tracked) };
  }

  /** See Balancer.takeCounts. */
  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    for (const tracked of this.#hosts) {
      const counts = tracked.takeCounts();
      if (counts !== undefined) visit(tracked.host, tracked.overloaded, counts);
    }
  }

  /** Those that stay keep their places; the new ones come behind them. */
  #fill(known: ReadonlyMap<HostKey, T>, named: ReadonlyMap<HostKey, T>): void {
    const stay = [...known].filter(([key]) => named.has(key));
    const join = [...named].filter(([key]) => !known.has(key));
    const all = [...stay, ...join];
    this.#keys = all.map(([key]) => key);
    this.#hosts = all.map(([, tracked]) => tracked);
    this.#byKey = all.length > MAX_SCANNED ? new Map(all) : undefined;
  }
}

/** One host in a table. An algorithm extends it, so that all that it knows of a host is one object. */
export class TrackedHost implements HostView {
  host: HostInfo;
  overloaded = false;
  /** How it last changed sides. */
  last: { readonly transition: Transition; readonly atMs: number } | undefined = undefined;
  // Made when they are needed: most hosts of a large agent are seldom called.
  #counts: HostCounts | undefined = undefined;
  #picks: RecentCount | undefined = undefined;

  constructor(host: HostInfo) {
    this.host = host;
  }

  /** Since they were last taken. */
  get counts(): HostCounts {
    this.#counts ??= { succ: 0, err: 0, tcostMs: 0, probes: 0 };
    return this.#counts;
  }

  /** What was counted, which is the caller's to keep; undefined where nothing was. */
  takeCounts(): HostCounts | undefined {
    const counts = this.#counts;
    this.#counts = undefined;
    return counts;
  }

  countPick(nowMs: number): void {
    this.#picks ??= new RecentCount();
    this.#picks.add(nowMs);
  }

  /** In the last 10 to 20 seconds. */
  recentPicks(nowMs: number): number {
    return this.#picks?.get(nowMs) ?? 0;
  }

  /** For Balancer.explain. @param modulePicks recent picks of all hosts together */
  explain(state: string, numbers: Readonly<Record<string, number>>, modulePicks: number, nowMs: number): HostExplanation {
    const share = modulePicks === 0 ? 0 : this.recentPicks(nowMs) / modulePicks;
    return { host: this.host, state, share, numbers, last: this.last === undefined ? undefined : past(this.last, nowMs) };
  }

  /** Counts one call as the caller told it. `tcostMs` is finite and not negative. */
  countCall(ok: boolean, tcostMs: number | undefined): void {
    const counts = this.counts;
    if (ok) counts.succ += 1;
    else counts.err += 1;
    if (tcostMs !== undefined) counts.tcostMs += tcostMs;
  }
}

function past({ transition, atMs }: NonNullable<TrackedHost['last']>, nowMs: number): PastTransition {
  const { to, cause, numbers } = transition;
  return { to, cause, numbers, agoMs: nowMs - atMs };
}
