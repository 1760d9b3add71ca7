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

/**
 * See StatusStore.readHistory. The primary key begins with the minute, so the minutes are named one by one: the rows of a module
 * are found at once in each of them, where a range would go through those of all modules.
 */
export async function readHistory(db: Kysely<StatusTables>, query: HistoryQuery): Promise<HistoryRow[]> {
  const rows: HistoryRow[] = [];
  const { first, last } = await storedMinutes(db, query);
  for (let from = first; from <= last && rows.length < READ_MAX_ROWS; from += MINUTES_PER_QUERY * MINUTE_SEC) {
    const minutes = minutesBetween(from, Math.min(last, from + (MINUTES_PER_QUERY - 1) * MINUTE_SEC));
    const found = await db
      .selectFrom('CallHistory')
      .select(['minute', 'modid', 'cmdid', 'ip', 'port', 'addr', 'succ', 'err', 'tcost_ms as tcostMs', 'overloaded', 'reports'])
      .where('minute', 'in', minutes)
      .where('modid', '=', query.modid)
      .where('cmdid', '=', query.cmdid)
      .orderBy('minute')
      .orderBy('ip')
      .orderBy('port')
      .orderBy('addr')
      .limit(READ_MAX_ROWS - rows.length)
      .execute();
    for (const row of found) rows.push(row);
  }
  return rows;
}

/** What of the asked time the table can have, however long that is. */
async function storedMinutes(
  db: Kysely<StatusTables>,
  { fromSec, toSec }: HistoryQuery,
): Promise<{ readonly first: number; readonly last: number }> {
  const { fn } = db;
  const stored = await db
    .selectFrom('CallHistory')
    .select([fn.min('minute').as('first'), fn.max('minute').as('last')])
    .executeTakeFirst();
  if (stored === undefined || stored.first === null) return { first: 0, last: -1 };
  const first = Math.max(Math.ceil(fromSec / MINUTE_SEC) * MINUTE_SEC, Number(stored.first));
  const last = Math.min(minuteOf(Math.ceil(toSec) - 1), Number(stored.last));
  return { first, last };
}

function minutesBetween(first: number, last: number): number[] {
  return Array.from({ length: (last - first) / MINUTE_SEC + 1 }, (_, i) => first + i * MINUTE_SEC);
}
