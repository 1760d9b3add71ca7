// pure
import {
  type HistoryQuery,
  type HistoryRow,
  type PruneLimits,
  READ_MAX_ROWS,
  type StatusBatch,
  type StatusRow,
  type StatusStore,
  saturatingSum,
} from './status-store.ts';

/** The store's twin for tests: the same rules in memory, and it can be told to fail or to wait. */
export class MemoryStatusStore implements StatusStore {
  readonly place = 'memory';
  /** Runs before each use of the tables: what it throws is how the use fails, what it waits for is how long it takes. */
  before: (use: 'write' | 'lastSeqs' | 'prune') => void | Promise<void> = () => {};
  readonly #status = new Map<string, StatusRow>();
  readonly #history = new Map<string, HistoryRow>();
  readonly #agents = new Map<string, { readonly seq: number; readonly ts: number }>();

  async write({ status, history, agents }: StatusBatch, nowSec: number): Promise<void> {
    await this.before('write');
    // Rows are copied: the batch belongs to the caller.
    for (const row of status) this.#status.set(statusKey(row), { ...row });
    for (const row of history) this.#addHistory(row);
    for (const [agent, seq] of agents) {
      this.#agents.set(agent, { seq: Math.max(seq, this.#agents.get(agent)?.seq ?? 0), ts: nowSec });
    }
  }

  async lastSeqs(agents: readonly string[]): Promise<ReadonlyMap<string, number>> {
    await this.before('lastSeqs');
    const known = agents.flatMap(agent => {
      const row = this.#agents.get(agent);
      return row === undefined ? [] : ([[agent, row.seq]] as const);
    });
    return new Map(known);
  }

  async lastHeard(agents: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const known = agents.flatMap(agent => {
      const row = this.#agents.get(agent);
      return row === undefined ? [] : ([[agent, row.ts]] as const);
    });
    return new Map(known);
  }

  async prune({ historyBeforeSec, agentsBeforeSec, maxRows }: PruneLimits): Promise<number> {
    await this.before('prune');
    const minutes = [...this.#history].filter(([, row]) => row.minute < historyBeforeSec).slice(0, maxRows);
    const agents = [...this.#agents].filter(([, { ts }]) => ts < agentsBeforeSec).slice(0, maxRows);
    for (const [key] of minutes) this.#history.delete(key);
    for (const [agent] of agents) this.#agents.delete(agent);
    return minutes.length + agents.length;
  }

  async readStatus(modid: number, cmdid: number): Promise<StatusRow[]> {
    return [...this.#status.values()]
      .filter(row => row.modid === modid && row.cmdid === cmdid)
      .sort((a, b) => byAddrLast(a, b) || a.ip - b.ip || a.port - b.port || a.caller - b.caller)
      .slice(0, READ_MAX_ROWS);
  }

  async readHistory({ modid, cmdid, fromSec, toSec }: HistoryQuery): Promise<HistoryRow[]> {
    return [...this.#history.values()]
      .filter(row => row.modid === modid && row.cmdid === cmdid && row.minute >= fromSec && row.minute < toSec)
      .sort((a, b) => a.minute - b.minute || a.ip - b.ip || a.port - b.port || compare(a.addr, b.addr))
      .slice(0, READ_MAX_ROWS);
  }

  async check(): Promise<void> {}

  async close(): Promise<void> {}

  #addHistory(row: HistoryRow): void {
    const key = `${row.minute}/${row.modid}/${row.cmdid}/${row.ip}/${row.port}/${row.addr}`;
    const before = this.#history.get(key);
    this.#history.set(key, before === undefined ? { ...row } : sum(before, row));
  }
}

function sum(a: HistoryRow, b: HistoryRow): HistoryRow {
  return {
    ...a,
    succ: saturatingSum(a.succ, b.succ),
    err: saturatingSum(a.err, b.err),
    tcostMs: saturatingSum(a.tcostMs, b.tcostMs),
    overloaded: a.overloaded + b.overloaded,
    reports: a.reports + b.reports,
  };
}

function statusKey(row: StatusRow): string {
  return `${row.modid}/${row.cmdid}/${row.ip}/${row.port}/${row.caller}/${row.addr}`;
}

/** Hosts with an ip come before those with an addr, which are in the order of their addr. */
function byAddrLast(a: StatusRow, b: StatusRow): number {
  return compare(a.addr, b.addr);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
