/** The reporter's tables, column by column. Numbers are integers; a module is (modid, cmdid). */

/**
 * One row per (modid, cmdid, ip, port, caller), which is the primary key: what that caller reported last. The columns up to
 * `overload` are those of deployed databases, in their order; ours stand behind them.
 */
export interface ServerCallStatus {
  modid: number;
  cmdid: number;
  /** Unsigned, as `caller`. */
  ip: number;
  port: number;
  caller: number;
  succ_cnt: number;
  err_cnt: number;
  /** Unix seconds. */
  ts: number;
  /** 0 or 1. */
  overload: number;
  weight: number;
  /** Sum of the calls' durations, ms. */
  tcost: number;
  probes: number;
}

/**
 * The same for hosts that have no IPv4 address, with `addr` instead of `ip`. They cannot stand in ServerCallStatus: its key has
 * no room for them, and a made-up ip would be shown as a host by everything that reads the table today.
 */
export interface AddrCallStatus extends Omit<ServerCallStatus, 'ip'> {
  addr: string;
}

/** The calls of all callers per minute and host; primary key (minute, modid, cmdid, ip, port, addr). */
export interface CallHistory {
  /** Unix seconds of its start. */
  minute: number;
  modid: number;
  cmdid: number;
  ip: number;
  port: number;
  addr: string;
  succ: number;
  err: number;
  tcost_ms: number;
  overloaded: number;
  reports: number;
}

/** The last stored report of each agent that numbers its reports; primary key agent. */
export interface AgentReport {
  /** A hash of its name (stored-agent.ts). */
  agent: string;
  seq: number;
  /** When the agent was last heard of, unix seconds of the reporter. */
  ts: number;
}

export interface StatusTables {
  ServerCallStatus: ServerCallStatus;
  AddrCallStatus: AddrCallStatus;
  CallHistory: CallHistory;
  AgentReport: AgentReport;
}
