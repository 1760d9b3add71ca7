import { openSqliteToRead } from '@lars/runtime/sql/sqlite';
import { historyBounds, readStatus, streamHistory } from './status-queries.ts';
import type { HistoryQuery, HistoryRow, StatusRow } from './status-store.ts';
import type { StatusTables } from './status-tables.ts';

/** What the reporter has stored, for people: read beside a running reporter, and without changing anything. */
export interface CallHistoryReader {
  /** The first and the last minute that are stored, unix seconds; undefined while no calls are. */
  bounds(): Promise<{ readonly firstSec: number; readonly lastSec: number } | undefined>;
  /** A module's calls by minute and host, in this order. */
  rows(query: HistoryQuery): AsyncIterable<HistoryRow>;
  /** See StatusStore.readStatus. */
  lastReports(modid: number, cmdid: number): Promise<StatusRow[]>;
  close(): void;
}

/**
 * @param confKey of the file, named when it cannot be read
 * @throws {StartupError} when the file is not there or cannot be read
 */
export function openCallHistory(file: string, confKey: string): CallHistoryReader {
  const database = openSqliteToRead<StatusTables>({ file, confKey });
  return {
    bounds: () => historyBounds(database.query),
    rows: query => streamHistory(database.query, query),
    lastReports: (modid, cmdid) => readStatus(database.query, modid, cmdid),
    close: () => database.close(),
  };
}
