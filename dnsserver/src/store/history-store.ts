// pure
/**
 * The history of RouteData: each change of its rows as a change set, whoever made it. A copy of the rows, as the history has recorded them
 * last, stands beside RouteData: what differs from it has not been recorded yet, and is known with its rows before and after.
 */
import type { ModuleId } from '@lars/proto';
import type { RouteRow } from './route-row.ts';

/** One row before and after a change; at least one of them is there, and both name the same host of the same module. */
export interface RowChange {
  readonly before: RouteRow | undefined;
  readonly after: RouteRow | undefined;
}

/** Who changed routes, with what, and why. */
export interface ChangeOrigin {
  /** The user of the operating system; HAND where somebody changed the table in SQL. */
  readonly author: string;
  readonly machine: string;
  /** As it was typed. */
  readonly command: string;
  /** Empty where none was given. */
  readonly reason: string;
}

export const HAND = 'by hand';

export interface NewChangeSet extends ChangeOrigin {
  /** Of the database, after the change. No two change sets have the same. */
  readonly revision: number;
  /** When it was recorded, Unix ms. */
  readonly unixMs: number;
  /** How many rows. */
  readonly added: number;
  readonly updated: number;
  readonly removed: number;
  readonly modules: number;
}

export interface ChangeSet extends NewChangeSet {
  readonly id: number;
}

export interface HistoryState {
  /** The last row of RouteEdit whose change is recorded; negative: all rows must be compared. */
  readonly lastEdit: number;
  /** All changes behind this revision are in the history. */
  readonly sinceRevision: number;
}

/** How much of the history is kept; the last change set always is. */
export interface HistoryLimits {
  readonly maxSets: number;
  readonly maxRows: number;
}

export interface HistoryReader {
  state(): Promise<HistoryState>;
  /** The latest, if there is any. */
  lastSet(): Promise<ChangeSet | undefined>;
  /** In the order of their ids. */
  setsAfter(id: number, limit: number): Promise<readonly ChangeSet[]>;
  /** The latest first; with `module` those alone that changed it. */
  latestSets(limit: number, module: ModuleId | undefined): Promise<readonly ChangeSet[]>;
  /** The latest one with at most this revision. */
  setUpTo(revision: number): Promise<ChangeSet | undefined>;
  /** The rows of all change sets behind this one up to and with another, in the order in which they changed. */
  changesBetween(afterSet: number, lastSet: number): Promise<readonly RowChange[]>;
  /** The recorded rows of these modules (some hundreds at most), in the order of their ids. */
  recordedRowsOf(modules: readonly ModuleId[]): Promise<readonly RouteRow[]>;
  /** All recorded rows, in the order of their ids, page by page. */
  recordedRowsAfter(id: number, limit: number): Promise<readonly RouteRow[]>;
}

export interface HistoryWriter extends HistoryReader {
  /** Records a change set with its rows, and the rows as they are now. */
  insertSet(set: NewChangeSet, changes: readonly RowChange[]): Promise<void>;
  /** All rows of RouteEdit up to this one are recorded. */
  moveTo(lastEdit: number): Promise<void>;
  /**
   * Deletes some thousands of the oldest rows beyond the limits, and their change sets.
   * @returns whether there may be more to delete
   */
  prune(limits: HistoryLimits): Promise<boolean>;
}
