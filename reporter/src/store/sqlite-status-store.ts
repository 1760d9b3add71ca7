import { messageOf, StartupError } from '@lars/runtime/errors';
import { isLocked } from '@lars/runtime/sql/wait-for-lock';
import type { Statement } from 'better-sqlite3';
import { type OpenStatusFile, SqliteFile, type SqliteFileOptions } from './sqlite-file.ts';
import type { StatusUpserts } from './sqlite-upserts.ts';
import { readHistory, readStatus } from './status-queries.ts';
import type { HistoryQuery, HistoryRow, PruneLimits, StatusBatch, StatusRow, StatusStore } from './status-store.ts';
import { storedAgent } from './stored-agent.ts';

/**
 * Opens the tables in an SQLite file that other services may use too. A stored batch survives the end of the process; a power cut
 * may take the last ones, which is fair for statistics and spares a wait for the disk with every batch.
 * @throws {StartupError} when the file cannot be opened, or holds tables of these names that are not ours
 */
export async function openSqliteStatusStore(options: SqliteFileOptions): Promise<StatusStore> {
  const store = new SqliteStatusStore(new SqliteFile(options));
  try {
    await store.check();
    return store;
  } catch (cause) {
    await store.close();
    if (cause instanceof StartupError) throw cause;
    const { file, confKey } = options;
    const why = isLocked(cause) ? 'another process has locked it' : messageOf(cause);
    throw new StartupError('DATABASE', `database ${file} (${confKey}) cannot hold the call status: ${why}`, { cause });
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
  }

  async write(batch: StatusBatch, nowSec: number): Promise<void> {
    await this.#use(({ open, writeBatch }) => {
      // It comes again when its file had lost its name, and may have got it back since.
      if (this.#written?.batch !== batch || this.#written.into !== open) {
        writeBatch(batch, nowSec);
        this.#written = { batch, into: open };
      }
      this.#file.confirm(open);
      this.#written = undefined;
    });
  }

  lastSeqs(agents: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#use(({ lastSeq }) => valuesOf(lastSeq, agents));
  }

  lastHeard(agents: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#use(({ lastHeard }) => valuesOf(lastHeard, agents));
  }

  prune({ historyBeforeSec, agentsBeforeSec, maxRows }: PruneLimits): Promise<number> {
    return this.#use(
      ({ pruneHistory, pruneAgents }) =>
        pruneHistory.run(historyBeforeSec, maxRows).changes + pruneAgents.run(agentsBeforeSec, maxRows).changes,
    );
  }

  readStatus(modid: number, cmdid: number): Promise<StatusRow[]> {
    return this.#use(({ open }) => readStatus(open.database.query, modid, cmdid));
  }

  readHistory(query: HistoryQuery): Promise<HistoryRow[]> {
    return this.#use(({ open }) => readHistory(open.database.query, query));
  }

  check(): Promise<void> {
    return this.#use(() => {});
  }

  async close(): Promise<void> {
    this.#file.close();
  }

  #use<T>(work: (prepared: Prepared) => T | Promise<T>): Promise<T> {
    return this.#file.use(open => {
      if (this.#prepared?.open !== open) this.#prepared = prepare(open);
      return work(this.#prepared);
    });
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
    const value = statement.get(storedAgent(agent));
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
