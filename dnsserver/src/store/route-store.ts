import type { RouteRow } from '../follow/parse-rows.ts';
import type { ModuleId } from '../follow/route.ts';

/**
 * Where routes are kept: the port between what dnsserver does with routes and the SQL of one database engine. The tables are
 * those of docs/architecture.md; the rules that every engine keeps are:
 * - whatever changes RouteData, by whomever, leaves in RouteEdit (a journal filled by triggers) the modules that it touched;
 * - a change of ours raises the revision first and thereby takes the lock that orders the changes.
 */
export interface RouteStore {
  /** For people: which database this is. */
  readonly name: string;

  /**
   * Creates what is missing of tables, columns, indexes and triggers; harmless when nothing is, and while others do the same.
   * @throws {StartupError} when the database holds something else under the names of the tables
   */
  ensureSchema(): Promise<void>;

  /** Cheap enough for several times a second. */
  changeMark(): Promise<ChangeMark>;

  /** All that `work` reads is of one moment. */
  read<T>(work: (reader: RouteReader) => Promise<T>): Promise<T>;

  /**
   * One transaction, which begins with raising the revision to more than `floor`. When `work` throws, all is rolled back, the
   * revision too.
   * @throws {RouteStoreError} when the database does not take the change
   */
  change<T>(floor: number, work: (writer: RouteWriter, revision: number) => Promise<T>): Promise<T>;

  /**
   * Forgets some thousands of the oldest rows of RouteEdit, of which the last `keep` stay.
   * @returns false when there was nothing to forget
   */
  pruneEdits(keep: number): Promise<boolean>;

  close(): Promise<void>;
}

/** Compared, never interpreted. */
export interface ChangeMark {
  /** Moves whenever anybody but this store has committed anything. */
  readonly data: string;
  /** Moves when tables, columns or triggers may be others than they were. */
  readonly schema: string;
}

export interface RouteReader {
  /** 0 where the table holds no usable number. */
  revision(): Promise<number>;
  journal(): Promise<JournalEnds>;
  editsAfter(id: number, limit: number): Promise<readonly EditRow[]>;
  changesAfter(id: number, limit: number): Promise<readonly ChangeRow[]>;
  /** All rows, in the order of their ids, page by page. */
  rowsAfter(id: number, limit: number): Promise<readonly RouteRow[]>;
  /** All rows of these modules (some hundreds at most), in the order of their ids. */
  rowsOf(modules: readonly ModuleId[]): Promise<readonly RouteRow[]>;
}

export interface RouteWriter extends RouteReader {
  insertRows(rows: readonly NewRouteRow[]): Promise<void>;
  updateRow(update: RowUpdate): Promise<void>;
  deleteRows(ids: readonly number[]): Promise<void>;
  /** Tells every reader, the deployed dnsservers too, that these modules changed with this revision. */
  announce(modules: readonly ModuleId[], revision: number): Promise<void>;
  /** Deletes all routes and announces every module that RouteData, RouteChange or RouteEdit knows; leaves a clear mark. */
  clear(revision: number): Promise<void>;
}

/** Ids of the first and last rows; 0 where there are none. */
export interface JournalEnds {
  readonly firstEdit: number;
  readonly lastEdit: number;
  readonly lastChange: number;
}

/** Both ids null: a clear mark. Somebody emptied the table and meant it. */
export interface EditRow {
  readonly id: number;
  readonly modid: unknown;
  readonly cmdid: unknown;
}

export interface ChangeRow extends EditRow {
  readonly version: unknown;
}

export interface NewRouteRow extends ModuleId {
  /** Unsigned. */
  readonly serverip: number;
  readonly serverport: number;
  readonly weight: number;
  readonly addr: string;
  readonly zone: string;
  readonly drain: 0 | 1;
}

/** All of a row that may change while it stands for the same host. */
export interface RowUpdate extends Pick<NewRouteRow, 'weight' | 'zone' | 'drain'> {
  readonly id: number;
}

/** Smaller than every row's id. */
export const BEFORE_FIRST_ID = Number.MIN_SAFE_INTEGER;

/** BUSY: another writer holds the database; the same again a little later may work. */
export type RouteStoreErrorCode = 'BUSY' | 'READ_ONLY' | 'FAILED';

export class RouteStoreError extends Error {
  override readonly name = 'RouteStoreError';
  readonly code: RouteStoreErrorCode;

  constructor(code: RouteStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
