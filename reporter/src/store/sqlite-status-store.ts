import { messageOf, StartupError } from '@lars/runtime/errors';
import { openSqlite, type SqliteDatabase } from '@lars/runtime/sql/sqlite';
import type { Database, Statement } from 'better-sqlite3';
import { createStatusTables } from './sqlite-status-schema.ts';
import { prepareUpserts, type StatusUpserts } from './sqlite-upserts.ts';
import { readHistory, readStatus } from './status-queries.ts';
import type { HistoryQuery, HistoryRow, PruneLimits, StatusBatch, StatusRow, StatusStore } from './status-store.ts';
import type { StatusTables } from './status-tables.ts';

export interface SqliteStatusStoreOptions {
  readonly file: string;
  /** The conf key of the file, named when it cannot be used. */
  readonly confKey: string;
}

/** While starting there is time: another process may be creating the same tables. */
const OPEN_TIMEOUT_MS = 5_000;
/** A statement that waits blocks the whole process, so it gives up soon and the batch is tried again later. */
const BUSY_TIMEOUT_MS = 100;
/** 40 MB. The default, a tenth of it, has a busy reporter wait for the disk many times a second. */
const CHECKPOINT_PAGES = 10_000;

/**
 * Opens the tables in an SQLite file that other services may use too. A stored batch survives the end of the process; a power cut
 * may take the last ones, which is fair for statistics and spares a wait for the disk with every batch.
 * @throws {StartupError} when the file cannot be opened, or holds tables of these names that are not ours
 */
export async function openSqliteStatusStore({ file, confKey }: SqliteStatusStoreOptions): Promise<StatusStore> {
  const database = openSqlite<StatusTables>({ file, confKey, durability: 'normal', busyTimeoutMs: OPEN_TIMEOUT_MS });
  try {
    createStatusTables(database.connection);
    const store = new SqliteStatusStore(database);
    database.connection.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    database.connection.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    return store;
  } catch (cause) {
    database.close();
    throw new StartupError('DATABASE', `database ${file} (${confKey}) cannot hold the call status: ${messageOf(cause)}`, {
      cause,
    });
  }
}

class SqliteStatusStore implements StatusStore {
  readonly place: string;
  readonly #database: SqliteDatabase<StatusTables>;
  readonly #upserts: StatusUpserts;
  readonly #writeBatch: (batch: StatusBatch, nowSec: number) => void;
  readonly #lastSeq: Statement<[string], number>;
  readonly #pruneHistory: Statement<[number, number]>;
  readonly #pruneAgents: Statement<[number, number]>;

  constructor(database: SqliteDatabase<StatusTables>) {
    const connection: Database = database.connection;
    this.place = database.file;
    this.#database = database;
    this.#upserts = prepareUpserts(connection);
    this.#writeBatch = connection.transaction((batch: StatusBatch, nowSec: number) => this.#upsert(batch, nowSec));
    this.#lastSeq = connection.prepare<[string], number>('SELECT seq FROM AgentReport WHERE agent = ?').pluck();
    this.#pruneHistory = connection.prepare(PRUNE_HISTORY);
    this.#pruneAgents = connection.prepare(PRUNE_AGENTS);
  }

  async write(batch: StatusBatch, nowSec: number): Promise<void> {
    this.#writeBatch(batch, nowSec);
  }

  async lastSeqs(agents: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const seqs = new Map<string, number>();
    for (const agent of agents) {
      const seq = this.#lastSeq.get(agent);
      if (seq !== undefined) seqs.set(agent, seq);
    }
    return seqs;
  }

  async prune({ historyBeforeSec, agentsBeforeSec, maxRows }: PruneLimits): Promise<number> {
    const history = this.#pruneHistory.run(historyBeforeSec, maxRows).changes;
    return history + this.#pruneAgents.run(agentsBeforeSec, maxRows).changes;
  }

  readStatus(modid: number, cmdid: number): Promise<StatusRow[]> {
    return readStatus(this.#database.query, modid, cmdid);
  }

  readHistory(query: HistoryQuery): Promise<HistoryRow[]> {
    return readHistory(this.#database.query, query);
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #upsert(batch: StatusBatch, nowSec: number): void {
    const { status, addrStatus, history, agents } = this.#upserts;
    const byIp = batch.status.filter(row => row.addr === '');
    status.run(byIp);
    if (byIp.length < batch.status.length) addrStatus.run(batch.status.filter(row => row.addr !== ''));
    history.run(batch.history);
    agents.run(Array.from(batch.agents, ([agent, seq]) => [agent, seq, nowSec] as const));
  }
}

const HISTORY_KEY = 'minute, modid, cmdid, ip, port, addr';
const PRUNE_HISTORY = `DELETE FROM CallHistory WHERE (${HISTORY_KEY}) IN
  (SELECT ${HISTORY_KEY} FROM CallHistory WHERE minute < ? ORDER BY minute LIMIT ?)`;
const PRUNE_AGENTS = 'DELETE FROM AgentReport WHERE agent IN (SELECT agent FROM AgentReport WHERE ts < ? LIMIT ?)';
