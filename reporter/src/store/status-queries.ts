import type { Kysely } from 'kysely';
import { minuteOf } from '../history/call-history.ts';
import { type HistoryQuery, type HistoryRow, READ_MAX_ROWS, type StatusRow } from './status-store.ts';
import type { StatusTables } from './status-tables.ts';

/** See StatusStore.readStatus. Hosts with an ip come first. */
export async function readStatus(db: Kysely<StatusTables>, modid: number, cmdid: number): Promise<StatusRow[]> {
  const byIp = await db
    .selectFrom('ServerCallStatus')
    .select(['modid', 'cmdid', 'ip', 'port', 'caller', ...LAST_REPORT])
    .where('modid', '=', modid)
    .where('cmdid', '=', cmdid)
    .orderBy('ip')
    .orderBy('port')
    .orderBy('caller')
    .limit(READ_MAX_ROWS)
    .execute();
  const byAddr = await db
    .selectFrom('AddrCallStatus')
    .select(['modid', 'cmdid', 'addr', 'port', 'caller', ...LAST_REPORT])
    .where('modid', '=', modid)
    .where('cmdid', '=', cmdid)
    .orderBy('addr')
    .orderBy('port')
    .orderBy('caller')
    .limit(READ_MAX_ROWS - byIp.length)
    .execute();
  // Some deployed tables have overload as a character, which is read as '0' or '1'.
  return [
    ...byIp.map(({ overload, ...row }) => ({ ...row, addr: '', overload: Number(overload) !== 0 })),
    ...byAddr.map(({ overload, ...row }) => ({ ...row, ip: 0, overload: Number(overload) !== 0 })),
  ];
}

const LAST_REPORT = ['succ_cnt as succ', 'err_cnt as err', 'ts', 'overload', 'weight', 'tcost as tcostMs', 'probes'] as const;

const MINUTE_SEC = 60;
const MINUTES_PER_QUERY = 500;

/** See StatusStore.readHistory. */
export async function readHistory(db: Kysely<StatusTables>, query: HistoryQuery): Promise<HistoryRow[]> {
  const rows: HistoryRow[] = [];
  for await (const minutes of storedMinutes(db, query)) {
    const found = await historyOf(db, query, minutes)
      .limit(READ_MAX_ROWS - rows.length)
      .execute();
    for (const row of found) rows.push(row);
    if (rows.length >= READ_MAX_ROWS) break;
  }
  return rows;
}

/** The same rows one by one, however many they are. */
export async function* streamHistory(db: Kysely<StatusTables>, query: HistoryQuery): AsyncGenerator<HistoryRow> {
  for await (const minutes of storedMinutes(db, query)) yield* historyOf(db, query, minutes).stream();
}

/**
 * The primary key begins with the minute, so the minutes are named one by one: the rows of a module are found at once in each of them, where a
 * range would go through those of all modules.
 */
function historyOf(db: Kysely<StatusTables>, { modid, cmdid }: HistoryQuery, minutes: readonly number[]) {
  return db
    .selectFrom('CallHistory')
    .select(['minute', 'modid', 'cmdid', 'ip', 'port', 'addr', 'succ', 'err', 'tcost_ms as tcostMs', 'overloaded', 'reports'])
    .where('minute', 'in', minutes)
    .where('modid', '=', modid)
    .where('cmdid', '=', cmdid)
    .orderBy('minute')
    .orderBy('ip')
    .orderBy('port')
    .orderBy('addr');
}

/** What of the asked time the table can have, however long that is, slice by slice. */
async function* storedMinutes(db: Kysely<StatusTables>, { fromSec, toSec }: HistoryQuery): AsyncGenerator<number[]> {
  const stored = await historyBounds(db);
  if (stored === undefined) return;
  const first = Math.max(Math.ceil(fromSec / MINUTE_SEC) * MINUTE_SEC, stored.firstSec);
  const last = Math.min(minuteOf(Math.ceil(toSec) - 1), stored.lastSec);
  for (let from = first; from <= last; from += MINUTES_PER_QUERY * MINUTE_SEC)
    yield minutesBetween(from, Math.min(last, from + (MINUTES_PER_QUERY - 1) * MINUTE_SEC));
}

/** The first and the last minute of the history, of all modules; undefined while it is empty. */
export async function historyBounds(
  db: Kysely<StatusTables>,
): Promise<{ readonly firstSec: number; readonly lastSec: number } | undefined> {
  const { fn } = db;
  const stored = await db
    .selectFrom('CallHistory')
    .select([fn.min('minute').as('first'), fn.max('minute').as('last')])
    .executeTakeFirst();
  if (stored === undefined || stored.first === null) return undefined;
  return { firstSec: Number(stored.first), lastSec: Number(stored.last) };
}

function minutesBetween(first: number, last: number): number[] {
  return Array.from({ length: (last - first) / MINUTE_SEC + 1 }, (_, i) => first + i * MINUTE_SEC);
}
