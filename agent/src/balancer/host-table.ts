// pure
/** What every algorithm keeps about a module's hosts: who they are, which side they are on, and what was counted of them. */
import { type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type { Balancer, HostCounts, HostExplanation, HostView, PastTransition, Transition } from './balancer.ts';
import { ERR, PICKS, PROBES, SUCC, TCOST_MS } from './host-cells.ts';
import { countRecent, recentCount } from './recent-count.ts';

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

  /** Borrowed until the next sync. */
  get hosts(): readonly T[] {
    return this.#hosts;
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

  /** See ExplainingBalancer.explain. @param stateOf the host's state, in the algorithm's own words, and what it knows of it */
  explain(stateOf: (host: T) => HostState, nowMs: number): HostExplanation[] {
    const picks = this.#hosts.reduce((sum, host) => sum + host.recentPicks(nowMs), 0);
    return this.#hosts.map(host => host.explain(stateOf(host), picks, nowMs));
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

export type HostState = Pick<HostExplanation, 'state' | 'numbers'>;

export interface PastChange {
  readonly transition: Transition;
  readonly atMs: number;
}

/** One host in a table. An algorithm extends it, so that all that it knows of a host is one object. */
export abstract class TrackedHost implements HostView {
  host: HostInfo;
  abstract overloaded: boolean;
  /** How it last changed sides. */
  abstract last: PastChange | undefined;
  /** See host-cells.ts. Shared until the host is called. */
  protected cells: readonly number[];

  constructor(host: HostInfo, uncalled: readonly number[]) {
    this.host = host;
    this.cells = uncalled;
  }

  /** The cells to write to: its own ones, made when they are needed. */
  protected abstract ownCells(): number[];

  /** What was counted since the last time, which is the caller's to keep; undefined where nothing was. */
  takeCounts(): HostCounts | undefined {
    const { cells } = this;
    const counts = {
      succ: cells[SUCC] as number,
      err: cells[ERR] as number,
      tcostMs: cells[TCOST_MS] as number,
      probes: cells[PROBES] as number,
    };
    if (counts.succ + counts.err + counts.probes === 0) return undefined;
    this.ownCells().fill(0, SUCC, PROBES + 1);
    return counts;
  }

  countPick(nowMs: number): void {
    countRecent(this.ownCells(), PICKS, 1, nowMs);
  }

  countProbe(): void {
    addTo(this.ownCells(), PROBES, 1);
  }

  /** In the last 10 to 20 seconds. */
  recentPicks(nowMs: number): number {
    return recentCount(this.cells, PICKS, nowMs);
  }

  /** For Balancer.explain. @param modulePicks recent picks of all hosts together */
  explain(state: HostState, modulePicks: number, nowMs: number): HostExplanation {
    const share = modulePicks === 0 ? 0 : this.recentPicks(nowMs) / modulePicks;
    return { host: this.host, ...state, share, last: this.last === undefined ? undefined : past(this.last, nowMs) };
  }

  /** Counts one call as the caller told it. `tcostMs` is finite and not negative. */
  countCall(ok: boolean, tcostMs: number | undefined): void {
    const cells = this.ownCells();
    addTo(cells, ok ? SUCC : ERR, 1);
    if (tcostMs !== undefined) addTo(cells, TCOST_MS, tcostMs);
  }
}

function addTo(cells: number[], at: number, amount: number): void {
  cells[at] = (cells[at] as number) + amount;
}

function past({ transition, atMs }: PastChange, nowMs: number): PastTransition {
  const { to, cause, numbers } = transition;
  return { to, cause, numbers, agoMs: nowMs - atMs };
}
