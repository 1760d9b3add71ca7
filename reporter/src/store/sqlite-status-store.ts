import { messageOf, StartupError } from '@lars/runtime/errors';
import type { Statement } from 'better-sqlite3';
import { type OpenStatusFile, SqliteFile } from './sqlite-file.ts';
import type { StatusUpserts } from './sqlite-upserts.ts';
import { readHistory, readStatus } from './status-queries.ts';
import type { HistoryQuery, HistoryRow, PruneLimits, StatusBatch, StatusRow, StatusStore } from './status-store.ts';

export interface SqliteStatusStoreOptions {
  readonly file: string;
  /** The conf key of the file, named when it cannot be used. */
  readonly confKey: string;
}

/**
 * Opens the tables in an SQLite file that other services may use too. A stored batch survives the end of the process; a power cut
 * may take the last ones, which is fair for statistics and spares a wait for the disk with every batch.
 * @throws {StartupError} when the file cannot be opened, or holds tables of these names that are not ours
 */
export async function openSqliteStatusStore({ file, confKey }: SqliteStatusStoreOptions): Promise<StatusStore> {
  try {
    return new SqliteStatusStore(new SqliteFile(file, confKey));
  } catch (cause) {
    if (cause instanceof StartupError) throw cause;
    throw new StartupError('DATABASE', `database ${file} (${confKey}) cannot hold the call status: ${messageOf(cause)}`, {
      cause,
    });
  }
}

class SqliteStatusStore implements StatusStore {
  readonly place: string;
  readonly #file: SqliteFile;
  #prepared: Prepared | undefined;
  /** The batch that was written last. */
  #written: { readonly batch: StatusBatch; readonly into: OpenStatusFile } | undefined;

  constructor(file: SqliteFile) {
    this.#file = file;
    this.place = file.path;
    this.#use();
  }

  async write(batch: StatusBatch, nowSec: number): Promise<void> {
    const { open, writeBatch } = this.#use();
    // It comes again when its file had lost its name, and may have got it back since.
    if (this.#written?.batch !== batch || this.#written.into !== open) {
      writeBatch(batch, nowSec);
      this.#written = { batch, into: open };
    }
    this.#file.confirm(open);
    this.#written = undefined;
  }

  async lastSeqs(agents: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return valuesOf(this.#use().lastSeq, agents);
  }

  async lastHeard(agents: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return valuesOf(this.#use().lastHeard, agents);
  }

  async prune({ historyBeforeSec, agentsBeforeSec, maxRows }: PruneLimits): Promise<number> {
    const { pruneHistory, pruneAgents } = this.#use();
    return pruneHistory.run(historyBeforeSec, maxRows).changes + pruneAgents.run(agentsBeforeSec, maxRows).changes;
  }

  async readStatus(modid: number, cmdid: number): Promise<StatusRow[]> {
    return readStatus(this.#use().open.database.query, modid, cmdid);
  }

  async readHistory(query: HistoryQuery): Promise<HistoryRow[]> {
    return readHistory(this.#use().open.database.query, query);
  }

  async check(): Promise<void> {
    this.#use();
  }

  async close(): Promise<void> {
    this.#file.close();
  }

  #use(): Prepared {
    const open = this.#file.use();
    if (this.#prepared?.open !== open) this.#prepared = prepare(open);
    return this.#prepared;
  }
}

/** The statements of one opening of the file. */
interface Prepared {
  readonly open: OpenStatusFile;
  readonly writeBatch: (batch: StatusBatch, nowSec: number) => void;
  readonly lastSeq: Statement<[string], number>;
  readonly lastHeard: Statement<[string], number>;
  readonly pruneHistory: Statement<[number, number]>;
  readonly pruneAgents: Statement<[number, number]>;
}

function prepare(open: OpenStatusFile): Prepared {
  const { connection } = open.database;
  return {
    open,
    writeBatch: connection.transaction((batch: StatusBatch, nowSec: number) => upsert(open.upserts, batch, nowSec)),
    lastSeq: connection.prepare<[string], number>('SELECT seq FROM AgentReport WHERE agent = ?').pluck(),
    lastHeard: connection.prepare<[string], number>('SELECT ts FROM AgentReport WHERE agent = ?').pluck(),
    pruneHistory: connection.prepare(PRUNE_HISTORY),
    pruneAgents: connection.prepare(PRUNE_AGENTS),
  };
}

function valuesOf(statement: Statement<[string], number>, agents: readonly string[]): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const agent of agents) {
    const value = statement.get(agent);
    if (value !== undefined) values.set(agent, value);
  }
  return values;
}

function upsert({ status, addrStatus, history, agents }: StatusUpserts, batch: StatusBatch, nowSec: number): void {
  const byIp = batch.status.filter(row => row.addr === '');
  status.run(byIp);
  if (byIp.length < batch.status.length) addrStatus.run(batch.status.filter(row => row.addr !== ''));
  history.run(batch.history);
  agents.run(Array.from(batch.agents, ([agent, seq]) => [agent, seq, nowSec] as const));
}

const HISTORY_KEY = 'minute, modid, cmdid, ip, port, addr';
const PRUNE_HISTORY = `DELETE FROM CallHistory WHERE (${HISTORY_KEY}) IN
  (SELECT ${HISTORY_KEY} FROM CallHistory WHERE minute < ? ORDER BY minute LIMIT ?)`;
const PRUNE_AGENTS = 'DELETE FROM AgentReport WHERE agent IN (SELECT agent FROM AgentReport WHERE ts < ? LIMIT ?)';
