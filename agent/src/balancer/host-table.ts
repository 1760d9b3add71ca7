// pure
/** What every algorithm keeps about a module's hosts: who they are, and what was counted of them. */
import { type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type { Balancer, HostCounts, HostExplanation, HostView, PastTransition, Transition } from './balancer.ts';
import type { HostPool } from './host-pool.ts';
import { countRecent, recentCount } from './recent-count.ts';
import { ERR, PICKS, PROBES, SUCC, TCOST_MS } from './slots.ts';

/** Up to so many hosts are found by looking at their keys one after the other: faster than a Map, and a fifth of its size. */
const MAX_SCANNED = 16;

/** Pools change with each host that is ejected or comes back; those that were are forgotten. */
const MAX_IPV4_POOLS = 8;

/** What comes from the memory at a time. */
const DOUBLES_PER_LINE = 8;

export type HostState = Pick<HostExplanation, 'state' | 'numbers'>;

export interface PastChange {
  readonly transition: Transition;
  readonly atMs: number;
}

/** What a new module and a new host begin with; see slots.ts. */
export interface CellLayout {
  readonly module: readonly number[];
  readonly brief: readonly number[];
  /** One number at least is no integer, so that V8 makes doubles of all. */
  readonly row: readonly number[];
}

/**
 * The hosts of one module. A host is named by its number from 0, which it keeps until the next sync. An algorithm extends the table by
 * what it remembers of a host.
 */
export abstract class HostTable {
  /** See slots.ts. */
  protected cells: number[];
  #hosts: readonly HostInfo[] = [];
  /** Where in `cells` the rows begin. */
  #rows = 0;
  #keys: readonly HostKey[] = [];
  /** Of more than MAX_SCANNED hosts. */
  #numbers: ReadonlyMap<HostKey, number> | undefined = undefined;
  /** Of each pool that was asked for, the hosts with an IPv4 address; undefined where all have one. */
  #ipv4Pools: Map<HostPool, HostPool> | undefined = undefined;
  /** How each host last changed sides; undefined while none has. */
  #changes: (PastChange | undefined)[] | undefined = undefined;

  constructor() {
    this.cells = this.layout().module.slice();
  }

  abstract isOverloaded(host: number): boolean;

  protected abstract layout(): CellLayout;

  /** Of a row; asked so often that it should be a constant. */
  protected abstract rowLength(): number;

  /** Where in `cells` the row of a host begins. */
  protected row(host: number): number {
    return this.#rows + host * this.rowLength();
  }

  get size(): number {
    return this.#hosts.length;
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

  /** See ExplainingBalancer.read: the table, its lists, where they begin, and what stands there. */
  read(step: number): number {
    const { cells } = this;
    const hosts = this.#hosts;
    if (step === 0) return this.#rows;
    if (step === 1) return cells.length + hosts.length + this.#keys.length;
    // Of a large module nobody can say what will be read.
    if (hosts.length > MAX_SCANNED) return 0;
    if (step === 2) return (cells[0] === 0 ? 1 : 0) + (hosts[0] === undefined ? 1 : 0) + (this.#keys[0] === 0 ? 1 : 0);
    let sum = 0;
    for (let at = 0; at < this.#rows; at += DOUBLES_PER_LINE) sum += cells[at] === 0 ? 1 : 0;
    for (let host = 0; host < hosts.length; host++) sum += (hosts[host] as HostInfo).port + (cells[this.row(host)] === 0 ? 1 : 0);
    return sum;
  }

  *views(): IterableIterator<HostView> {
    for (let host = 0; host < this.size; host++) yield { host: this.at(host), overloaded: this.isOverloaded(host) };
  }

  /**
   * Follows a host list. A host that stays keeps what is remembered of it, and takes over the new HostInfo; one that is named twice counts
   * where it is named first. Those that stay keep their order; the new ones come behind them, in the list's order.
   * @returns for each host which number it had before, undefined for a new one
   */
  sync(hosts: readonly HostInfo[]): readonly (number | undefined)[] {
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
    const before = keys.map(key => known.get(key));
    this.#moveCells(before);
    this.#changes = movedTo(before, this.#changes);
    this.#keys = keys;
    this.#hosts = keys.map(key => named.get(key) as HostInfo);
    this.#ipv4Pools = this.#hosts.some(({ addr }) => addr !== '') ? new Map() : undefined;
    this.#numbers = keys.length > MAX_SCANNED ? new Map(keys.map((key, number) => [key, number])) : undefined;
    return before;
  }

  /** See Balancer.takeCounts. */
  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    for (let host = 0; host < this.size; host++) {
      const counts = this.#takeCounts(this.row(host));
      if (counts !== undefined) visit(this.at(host), this.isOverloaded(host), counts);
    }
  }

  countPick(host: number, nowMs: number): void {
    countRecent(this.cells, this.row(host) + PICKS, 1, nowMs);
  }

  countProbe(host: number): void {
    this.#add(this.row(host) + PROBES, 1);
  }

  /** In the last 10 to 20 seconds. */
  recentPicks(host: number, nowMs: number): number {
    return recentCount(this.cells, this.row(host) + PICKS, nowMs);
  }

  /** Counts one call as the caller told it. `tcostMs` is finite and not negative. */
  countCall(host: number, ok: boolean, tcostMs: number | undefined): void {
    const row = this.row(host);
    this.#add(row + (ok ? SUCC : ERR), 1);
    if (tcostMs !== undefined) this.#add(row + TCOST_MS, tcostMs);
  }

  /** How the host last changed sides is what people are told of it. */
  remember(host: number, transition: Transition, nowMs: number): void {
    this.#changes ??= new Array(this.size).fill(undefined);
    this.#changes[host] = { transition, atMs: nowMs };
  }

  /** See ExplainingBalancer.explain. @param stateOf the host's state, in the algorithm's own words, and what it knows of it */
  explain(stateOf: (host: number) => HostState, nowMs: number): HostExplanation[] {
    const numbers = this.#hosts.map((_, number) => number);
    const picks = numbers.reduce((sum, host) => sum + this.recentPicks(host, nowMs), 0);
    return numbers.map(host => ({
      host: this.at(host),
      ...stateOf(host),
      share: picks === 0 ? 0 : this.recentPicks(host, nowMs) / picks,
      last: past(this.#changes?.[host], nowMs),
    }));
  }

  #moveCells(before: readonly (number | undefined)[]): void {
    const { module, brief, row } = this.layout();
    const cells = this.cells.slice(0, module.length);
    const old = { cells: this.cells, rows: this.#rows };
    const copy = (from: number | undefined, starts: number, beginning: readonly number[]) => {
      const known = from === undefined ? undefined : starts + from * beginning.length;
      for (let at = 0; at < beginning.length; at++)
        cells.push((known === undefined ? beginning[at] : old.cells[known + at]) as number);
    };
    for (const from of before) copy(from, module.length, brief);
    this.#rows = cells.length;
    for (const from of before) copy(from, old.rows, row);
    // An array that has grown has room to spare.
    this.cells = cells.slice();
  }

  /** What was counted since the last time, which is the caller's to keep; undefined where nothing was. */
  #takeCounts(row: number): HostCounts | undefined {
    const { cells } = this;
    const counts = {
      succ: cells[row + SUCC] as number,
      err: cells[row + ERR] as number,
      tcostMs: cells[row + TCOST_MS] as number,
      probes: cells[row + PROBES] as number,
    };
    if (counts.succ + counts.err + counts.probes === 0) return undefined;
    cells.fill(0, row + SUCC, row + PROBES + 1);
    return counts;
  }

  #add(cell: number, amount: number): void {
    this.cells[cell] = (this.cells[cell] as number) + amount;
  }
}

/** What was known of each host by its number before, by the number that it has now. */
export function movedTo<T>(before: readonly (number | undefined)[], known: T[] | undefined): (T | undefined)[] | undefined {
  return known && before.map(from => (from === undefined ? undefined : known[from]));
}

function past(change: PastChange | undefined, nowMs: number): PastTransition | undefined {
  if (change === undefined) return undefined;
  const { to, cause, numbers } = change.transition;
  return { to, cause, numbers, agoMs: nowMs - change.atMs };
}
