import type { Database } from 'better-sqlite3';
import { BulkUpsert } from './bulk-upsert.ts';
import { type HistoryRow, MAX_SUM, type StatusRow } from './status-store.ts';
import { storedAgent } from './stored-agent.ts';

export interface StatusUpserts {
  /** Rows of hosts with an ip. */
  readonly status: BulkUpsert<StatusRow>;
  /** Rows of hosts with an addr. */
  readonly addrStatus: BulkUpsert<StatusRow>;
  readonly history: BulkUpsert<HistoryRow>;
  readonly agents: BulkUpsert<AgentRow>;
}

/** agent, seq, and when it was heard of, unix seconds. */
export type AgentRow = readonly [agent: string, seq: number, ts: number];

export function prepareUpserts(connection: Database): StatusUpserts {
  return {
    status: statusUpsert(connection, 'ServerCallStatus', 'ip'),
    addrStatus: statusUpsert(connection, 'AddrCallStatus', 'addr'),
    history: historyUpsert(connection),
    agents: agentUpsert(connection),
  };
}

const LAST_REPORT = ['succ_cnt', 'err_cnt', 'ts', 'overload', 'weight', 'tcost', 'probes'] as const;

/** The last report wins. */
function statusUpsert(connection: Database, table: string, host: 'ip' | 'addr'): BulkUpsert<StatusRow> {
  const key = ['modid', 'cmdid', host, 'port', 'caller'];
  return new BulkUpsert(connection, {
    table,
    key,
    columns: [...key, ...LAST_REPORT],
    update: LAST_REPORT.map(column => `${column} = excluded.${column}`),
    bind(row, values, at) {
      values[at] = row.modid;
      values[at + 1] = row.cmdid;
      values[at + 2] = row[host];
      values[at + 3] = row.port;
      values[at + 4] = row.caller;
      values[at + 5] = row.succ;
      values[at + 6] = row.err;
      values[at + 7] = row.ts;
      values[at + 8] = row.overload ? 1 : 0;
      values[at + 9] = row.weight;
      values[at + 10] = row.tcostMs;
      values[at + 11] = row.probes;
    },
  });
}

const SUMS = ['succ', 'err', 'tcost_ms', 'overloaded', 'reports'] as const;

function historyUpsert(connection: Database): BulkUpsert<HistoryRow> {
  const key = ['minute', 'modid', 'cmdid', 'ip', 'port', 'addr'];
  return new BulkUpsert(connection, {
    table: 'CallHistory',
    key,
    columns: [...key, ...SUMS],
    update: SUMS.map(column => `${column} = min(${MAX_SUM}, ${column} + excluded.${column})`),
    bind(row, values, at) {
      values[at] = row.minute;
      values[at + 1] = row.modid;
      values[at + 2] = row.cmdid;
      values[at + 3] = row.ip;
      values[at + 4] = row.port;
      values[at + 5] = row.addr;
      values[at + 6] = row.succ;
      values[at + 7] = row.err;
      values[at + 8] = row.tcostMs;
      values[at + 9] = row.overloaded;
      values[at + 10] = row.reports;
    },
  });
}

function agentUpsert(connection: Database): BulkUpsert<AgentRow> {
  return new BulkUpsert(connection, {
    table: 'AgentReport',
    key: ['agent'],
    columns: ['agent', 'seq', 'ts'],
    update: ['seq = max(seq, excluded.seq)', 'ts = excluded.ts'],
    bind([agent, seq, ts], values, at) {
      values[at] = storedAgent(agent);
      values[at + 1] = seq;
      values[at + 2] = ts;
    },
  });
}
