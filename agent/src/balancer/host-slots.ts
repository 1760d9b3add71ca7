// pure
/**
 * The numbers that are known of a module and its hosts, in one flat array: module-wide ones, then for each host the few that every pick reads, then for
 * each host a row with all others. V8 stores an array of doubles unboxed, but makes a 16-byte object of each double in a field, and an agent may
 * know half a million hosts.
 */
import type { HostCounts } from './balancer.ts';
import type { FormerNumbers } from './host-table.ts';

/** Recent events are counted in two buckets of this length. */
const BUCKET_MS = 10_000;

/** Of a large module nobody can say which rows will be read; see ModuleBalancer.prefetch. */
const MAX_READ_AHEAD = 16;
/** What comes from the memory at a time. */
const DOUBLES_PER_LINE = 8;

/** A count of recent events, at `at` in an array: the number of the bucket, the events in it, and those in the one before. */
export const NO_EVENTS = [Number.NaN, 0, 0] as const;

// The first slots of each host's row, whatever the algorithm.
/** Picks of the last 10 to 20 seconds. */
const PICKS = 0;
/** What was counted since counts were taken last: calls that succeeded and that failed, the sum of their durations (ms), and probes. */
const SUCC = PICKS + NO_EVENTS.length;
const ERR = SUCC + 1;
const TCOST_MS = ERR + 1;
const PROBES = TCOST_MS + 1;

/** What each row begins with. */
export const COMMON_SLOTS: readonly number[] = [...NO_EVENTS, 0, 0, 0, 0];

/** What a new module and a new host begin with. */
export interface SlotLayout {
  readonly module: readonly number[];
  readonly pick: readonly number[];
  /** Begins with COMMON_SLOTS. One number at least is no integer, so that V8 makes doubles of all. */
  readonly row: readonly number[];
}

export class HostSlots {
  /** Read and written by the rules themselves; another array after each change of the route. */
  values: number[];
  /** Where the rows begin. */
  #rows: number;
  readonly #rowLength: number;
  readonly #layout: SlotLayout;

  constructor(layout: SlotLayout) {
    this.values = layout.module.slice();
    this.#rows = this.values.length;
    this.#rowLength = layout.row.length;
    this.#layout = layout;
  }

  /** Where the row of a host begins. */
  row(host: number): number {
    return this.#rows + host * this.#rowLength;
  }

  /** Follows a change of the route: a host that stays keeps its numbers. */
  move(before: FormerNumbers): void {
    const { module, pick, row } = this.#layout;
    const values = this.values.slice(0, module.length);
    const old = { values: this.values, rows: this.#rows };
    const copy = (from: number | undefined, starts: number, beginning: readonly number[]) => {
      const known = from === undefined ? undefined : starts + from * beginning.length;
      for (let at = 0; at < beginning.length; at++)
        values.push((known === undefined ? beginning[at] : old.values[known + at]) as number);
    };
    for (const from of before) copy(from, module.length, pick);
    this.#rows = values.length;
    for (const from of before) copy(from, old.rows, row);
    // An array that has grown has room to spare.
    this.values = values.slice();
  }

  countPick(host: number, nowMs: number): void {
    countRecent(this.values, this.row(host) + PICKS, 1, nowMs);
  }

  /** In the last 10 to 20 seconds. */
  recentPicks(host: number, nowMs: number): number {
    return recentCount(this.values, this.row(host) + PICKS, nowMs);
  }

  countProbe(host: number): void {
    this.#add(this.row(host) + PROBES, 1);
  }

  /** Counts one call as the caller told it. `tcostMs` is finite and not negative. */
  countCall(host: number, ok: boolean, tcostMs: number | undefined): void {
    const row = this.row(host);
    this.#add(row + (ok ? SUCC : ERR), 1);
    if (tcostMs !== undefined) this.#add(row + TCOST_MS, tcostMs);
  }

  /** What was counted since the last time, which is the caller's to keep; undefined where nothing was. */
  takeCounts(host: number): HostCounts | undefined {
    const { values } = this;
    const row = this.row(host);
    const counts = {
      succ: values[row + SUCC] as number,
      err: values[row + ERR] as number,
      tcostMs: values[row + TCOST_MS] as number,
      probes: values[row + PROBES] as number,
    };
    if (counts.succ + counts.err + counts.probes === 0) return undefined;
    values.fill(0, row + SUCC, row + PROBES + 1);
    return counts;
  }

  /** See ModuleBalancer.prefetch: the slots, their array, where it begins, and what stands there. @param hostCount of the module */
  prefetch(step: number, hostCount: number): number {
    const { values } = this;
    if (step === 0) return this.#rows;
    if (step === 1) return values.length;
    if (step === 2) return values[0] === 0 ? 1 : 0;
    if (hostCount > MAX_READ_AHEAD) return 0;
    let sum = 0;
    for (let at = 0; at < this.#rows; at += DOUBLES_PER_LINE) sum += values[at] === 0 ? 1 : 0;
    for (let host = 0; host < hostCount; host++) sum += values[this.row(host)] === 0 ? 1 : 0;
    return sum;
  }

  #add(at: number, amount: number): void {
    this.values[at] = (this.values[at] as number) + amount;
  }
}

/** Counts events of the last 10 to 20 seconds, in two buckets: one division and one addition per event, nothing to clean up. */
export function countRecent(cells: number[], at: number, count: number, nowMs: number): void {
  const bucket = bucketAt(nowMs);
  if (bucket !== cells[at]) {
    cells[at + 2] = bucket === (cells[at] as number) + 1 ? (cells[at + 1] as number) : 0;
    cells[at + 1] = 0;
    cells[at] = bucket;
  }
  cells[at + 1] = (cells[at + 1] as number) + count;
}

export function recentCount(cells: readonly number[], at: number, nowMs: number): number {
  const age = bucketAt(nowMs) - (cells[at] as number);
  if (age === 0) return (cells[at + 1] as number) + (cells[at + 2] as number);
  return age === 1 ? (cells[at + 1] as number) : 0;
}

/** Over how many seconds recentCount counts. */
export function recentSeconds(nowMs: number): number {
  return (BUCKET_MS + (nowMs % BUCKET_MS)) / 1_000;
}

function bucketAt(nowMs: number): number {
  return Math.floor(nowMs / BUCKET_MS);
}
