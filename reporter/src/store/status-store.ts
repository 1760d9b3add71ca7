// pure
/**
 * Where call results are kept. Numbers are as the tables have them: ip, port and caller unsigned, `ts` and `minute` in unix
 * seconds. A host is its ip, or its addr and then ip is 0.
 */
export interface StatusStore {
  /** Where that is, for people: a file, a server. */
  readonly place: string;

  /**
   * Stores a whole batch or nothing of it. Status rows replace those of the same key, history rows are added to them, up to MAX_SUM.
   * @throws {Error} when nothing was stored; the same batch may be written again
   */
  write(batch: StatusBatch, nowSec: number): Promise<void>;

  /** The last stored report of each of these agents; one that is not known is left out. */
  lastSeqs(agents: readonly string[]): Promise<ReadonlyMap<string, number>>;

  /** When each of these agents was last heard of, unix seconds; one that is not known is left out. */
  lastHeard(agents: readonly string[]): Promise<ReadonlyMap<string, number>>;

  /**
   * Forgets history older than `historyBeforeSec` and agents not heard of since `agentsBeforeSec`, at most `maxRows` of each.
   * @returns how many rows of both are gone; 0 when nothing is left to forget
   */
  prune(limits: PruneLimits): Promise<number>;

  /** The last reports about a module, by host and caller. At most READ_MAX_ROWS of them, in the order of the primary key. */
  readStatus(modid: number, cmdid: number): Promise<StatusRow[]>;

  /** A module's calls by minute and host. At most READ_MAX_ROWS rows: to read on, ask again from the last minute. */
  readHistory(query: HistoryQuery): Promise<HistoryRow[]>;

  /** Looks whether what is written can be read by others, as far as that costs next to nothing. @throws {Error} when it cannot */
  check(): Promise<void>;

  close(): Promise<void>;
}

/** A sum that would be larger stays here: beyond it numbers are not exact, and beyond 2^63 a table has no integers. */
export const MAX_SUM = Number.MAX_SAFE_INTEGER;

export function saturatingSum(a: number, b: number): number {
  return Math.min(MAX_SUM, a + b);
}

export const READ_MAX_ROWS = 100_000;

/** What one report said last about one host. */
export interface StatusRow {
  readonly modid: number;
  readonly cmdid: number;
  readonly ip: number;
  readonly port: number;
  readonly addr: string;
  readonly caller: number;
  readonly succ: number;
  readonly err: number;
  readonly ts: number;
  readonly overload: boolean;
  readonly weight: number;
  /** Sum of the calls' durations, ms. */
  readonly tcostMs: number;
  readonly probes: number;
}

/** The calls to one host in one minute, summed over all callers. */
export interface HistoryRow {
  /** Unix seconds of the minute's start. */
  readonly minute: number;
  readonly modid: number;
  readonly cmdid: number;
  readonly ip: number;
  readonly port: number;
  readonly addr: string;
  readonly succ: number;
  readonly err: number;
  readonly tcostMs: number;
  /** How many of the reports said that the host is overloaded. */
  readonly overloaded: number;
  readonly reports: number;
}

/** What goes into one transaction. Each key is in it once. */
export interface StatusBatch {
  readonly status: readonly StatusRow[];
  readonly history: readonly HistoryRow[];
  /** The highest seq of each agent whose reports are in the batch. */
  readonly agents: ReadonlyMap<string, number>;
}

export interface PruneLimits {
  readonly historyBeforeSec: number;
  readonly agentsBeforeSec: number;
  readonly maxRows: number;
}

/** Minutes that start in [fromSec, toSec). */
export interface HistoryQuery {
  readonly modid: number;
  readonly cmdid: number;
  readonly fromSec: number;
  readonly toSec: number;
}
