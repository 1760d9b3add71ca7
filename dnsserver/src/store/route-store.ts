// pure
import { INT32_MAX, INT32_MIN, type ModuleId } from '@lars/proto';
import type { HistoryReader, HistoryWriter } from './history-store.ts';
import type { RouteRow } from './route-row.ts';

export type { RouteRow } from './route-row.ts';

/**
 * Where routes are stored: the port between what dnsserver does with routes and the SQL of one database engine. The tables are
 * those of docs/architecture.md. Every engine keeps these rules:
 * - every change of RouteData, whoever makes it, leaves the touched modules in RouteEdit (the journal that triggers fill);
 * - a change of dnsserver's or the editor's raises the revision first and thereby takes the lock that orders the changes.
 */
export interface RouteStore {
  /** Names the database for people. */
  readonly name: string;
  /** How long a call waits while another process has locked the database, ms. The thread does other work meanwhile. */
  busyWaitMs: number;

  /**
   * Creates what is missing of tables, columns, indexes and triggers; harmless when nothing is, and while others do the same.
   * @throws {StartupError} when the database holds something else under the names of the tables
   */
  ensureSchema(): Promise<void>;

  /** Cheap enough to be called several times a second. */
  changeToken(): Promise<ChangeToken>;

  /** Everything that `work` reads is of one moment: one transaction. */
  read<T>(work: (reader: RouteReader) => Promise<T>): Promise<T>;

  /**
   * One transaction, which begins by raising the revision to more than `floor`. When `work` throws, everything is rolled back, the
   * revision too.
   * @throws {RouteStoreError} when the database does not take the change
   */
  change<T>(floor: number, work: (writer: RouteWriter, revision: number) => Promise<T>): Promise<T>;

  /**
   * One transaction behind the same lock, which leaves the revision as it is unless `work` raises it.
   * @throws {RouteStoreError} when the database does not take the change
   */
  update<T>(work: (writer: RouteWriter) => Promise<T>): Promise<T>;

  /**
   * Deletes some thousands of the oldest rows of RouteEdit; the last `keep` rows stay.
   * @returns false when there was nothing to delete
   */
  pruneEdits(keep: number): Promise<boolean>;

  close(): Promise<void>;
}

/** Tells cheaply whether the database has changed at all. The two texts are compared, never interpreted. */
export interface ChangeToken {
  /** Differs as soon as anybody but this store has committed anything. */
  readonly data: string;
  /** Differs as soon as tables, columns or triggers may have changed. */
  readonly schema: string;
}

export interface RouteReader {
  readonly history: HistoryReader;
  /** 0 where the table holds no usable number. */
  revision(): Promise<number>;
  journal(): Promise<JournalEnds>;
  editsAfter(id: number, limit: number): Promise<readonly EditRow[]>;
  changesAfter(id: number, limit: number): Promise<readonly ChangeRow[]>;
  /** All rows, in the order of their ids, page by page. */
  rowsAfter(id: number, limit: number): Promise<readonly RouteRow[]>;
  rowCount(): Promise<number>;
  /** All rows of these modules (some hundreds at most), in the order of their ids. */
  rowsOf(modules: readonly ModuleId[]): Promise<readonly RouteRow[]>;
}

export interface RouteWriter extends RouteReader {
  readonly history: HistoryWriter;
  /** Raises the revision to more than `floor`, and returns it. */
  raiseRevision(floor: number): Promise<number>;
  insertRows(rows: readonly NewRouteRow[]): Promise<void>;
  /** With the ids and whatever values they had; a row that has one of the ids is replaced. */
  insertRowsAsTheyWere(rows: readonly RouteRow[]): Promise<void>;
  updateRow(update: RowUpdate): Promise<void>;
  deleteRows(ids: readonly number[]): Promise<void>;
  /** Announces to every reader, the deployed dnsservers too, that these modules changed with this revision. */
  announce(modules: readonly ModuleId[], revision: number): Promise<void>;
  /** Deletes all routes and announces every module that RouteData, RouteChange or RouteEdit knows; leaves a clear mark. */
  clear(revision: number): Promise<void>;
  /** Leaves a clear mark. */
  markConfirmed(): Promise<void>;
}

/** Ids of the first and last rows; 0 where there are none. */
export interface JournalEnds {
  readonly firstEdit: number;
  readonly lastEdit: number;
  readonly lastChange: number;
}

/** A row in which both ids are null is a clear mark: somebody says that the table, mostly an empty one, is meant as it is. */
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

/** The columns of a row that may change while the row stands for the same host. */
export interface RowUpdate extends Pick<NewRouteRow, 'weight' | 'zone' | 'drain'> {
  readonly id: number;
}

/** Smaller than every row's id. */
export const BEFORE_FIRST_ID = Number.MIN_SAFE_INTEGER;

/** Gives the event loop a tick when the work has gone on for long; returns undefined when it has not, and rejects when it is to be given up. */
export type Pause = () => Promise<void> | undefined;

const ITEMS_BETWEEN_PAUSES = 250;

/** Visits all items, with a pause behind every few hundred. */
export async function visitInSlices<T>(items: Iterable<T>, pause: Pause, visit: (item: T) => void): Promise<void> {
  let visited = 0;
  for (const item of items) {
    visit(item);
    visited += 1;
    if (visited % ITEMS_BETWEEN_PAUSES === 0) await pause();
  }
}

const PAGE_ROWS = 1_000;
const PAGE_MODULES = 100;

/** Visits the rows behind `afterId`, page by page, so that a large table blocks neither the thread nor its memory. */
export async function visitRows<Row extends { readonly id: unknown }>(
  readPage: (afterId: number, limit: number) => Promise<readonly Row[]>,
  afterId: number,
  pause: Pause,
  visit: (row: Row) => void,
): Promise<void> {
  let last = afterId;
  for (;;) {
    const rows = await readPage(last, PAGE_ROWS);
    for (const row of rows) visit(row);
    if (rows.length < PAGE_ROWS) return;
    last = rows.at(-1)?.id as number;
    await pause();
  }
}

/** Visits all rows of RouteData, in the order of their ids. */
export function visitAllRoutes(reader: RouteReader, pause: Pause, visit: (row: RouteRow) => void): Promise<void> {
  return visitRows((id, limit) => reader.rowsAfter(id, limit), BEFORE_FIRST_ID, pause, visit);
}

/** Visits the rows of these modules; each module's are in the order of their ids. */
export async function visitRoutesOf(
  reader: RouteReader,
  modules: readonly ModuleId[],
  pause: Pause,
  visit: (row: RouteRow) => void,
): Promise<void> {
  for (let at = 0; at < modules.length; at += PAGE_MODULES) {
    if (at > 0) await pause();
    for (const row of await reader.rowsOf(modules.slice(at, at + PAGE_MODULES))) visit(row);
  }
}

const UINT32_SPAN = 2 ** 32;

/** A module id from a signed or an unsigned column; undefined when it is neither. */
export function toInt32(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
  if (value < INT32_MIN || value >= UINT32_SPAN) return undefined;
  return value > INT32_MAX ? value - UINT32_SPAN : value;
}

/** The numbers under which a column may have a module id: -1 also as 4294967295. */
export function columnForms(id: number): readonly number[] {
  return id < 0 ? [id, id + UINT32_SPAN] : [id];
}

/** A revision is a whole number that can be counted on exactly; 0 stands for everything else. */
export function usableRevision(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** BUSY: another writer has locked the database; the same change may work a little later. */
export type RouteStoreErrorCode = 'BUSY' | 'READ_ONLY' | 'FULL' | 'FAILED';

export class RouteStoreError extends Error {
  override readonly name = 'RouteStoreError';
  readonly code: RouteStoreErrorCode;

  constructor(code: RouteStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
