// pure
/** What every algorithm keeps about a module's hosts: who they are, which side they are on, and what was counted of them. */
import { type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type { Balancer, HostCounts, HostExplanation, HostView, PastTransition, Transition } from './balancer.ts';
import { RecentCount } from './recent-count.ts';

/** The hosts of one module by their key. `T` adds what an algorithm remembers of a host. */
export class HostTable<T extends TrackedHost> {
  readonly #byKey = new Map<HostKey, T>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: HostKey): T | undefined {
    return this.#byKey.get(key);
  }

  values(): MapIterator<T> {
    return this.#byKey.values();
  }

  /**
   * Follows a host list. A host that stays keeps its object and takes over the new HostInfo; one that is named twice counts
   * where it is named first.
   * @returns the new hosts, made by `create` in the list's order, and those that the list does not name any more
   */
  sync(hosts: readonly HostInfo[], create: (host: HostInfo) => T): { readonly added: T[]; readonly removed: T[] } {
    const named = new Set<HostKey>();
    const added: T[] = [];
    for (const host of hosts) {
      const key = hostKey(host);
      if (named.has(key)) continue;
      named.add(key);
      const tracked = this.#byKey.get(key);
      if (tracked === undefined) added.push(this.#add(key, create(host)));
      else tracked.host = host;
    }
    return { added, removed: this.#removeAllBut(named) };
  }

  /** See Balancer.takeCounts. */
  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    for (const tracked of this.#byKey.values()) {
      const counts = tracked.counts;
      if (counts.succ === 0 && counts.err === 0 && counts.probes === 0) continue;
      // A fresh object instead of zeroes in the old one: what the visitor was given stays as it is.
      tracked.counts = noCounts();
      visit(tracked.host, tracked.overloaded, counts);
    }
  }

  #add(key: HostKey, tracked: T): T {
    this.#byKey.set(key, tracked);
    return tracked;
  }

  #removeAllBut(named: ReadonlySet<HostKey>): T[] {
    const removed: T[] = [];
    if (named.size === this.#byKey.size) return removed;
    for (const [key, tracked] of this.#byKey) {
      if (named.has(key)) continue;
      this.#byKey.delete(key);
      removed.push(tracked);
    }
    return removed;
  }
}

/** One host in a table. An algorithm extends it, so that all that it knows of a host is one object. */
export class TrackedHost implements HostView {
  host: HostInfo;
  overloaded = false;
  counts: HostCounts = noCounts();
  /** How it last changed sides. */
  last: { readonly transition: Transition; readonly atMs: number } | undefined = undefined;
  readonly #picks = new RecentCount();

  constructor(host: HostInfo) {
    this.host = host;
  }

  countPick(nowMs: number): void {
    this.#picks.add(nowMs);
  }

  /** In the last 10 to 20 seconds. */
  recentPicks(nowMs: number): number {
    return this.#picks.get(nowMs);
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

function noCounts(): HostCounts {
  return { succ: 0, err: 0, tcostMs: 0, probes: 0 };
}
