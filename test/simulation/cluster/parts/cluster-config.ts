/** The conf files of the simulated services. */
import { type AgentConfig, agentConfigTable } from '@lars/agent';
import { type DnsserverConfig, dnsserverConfigTable } from '@lars/dnsserver';
import { type ReporterConfig, reporterConfigTable } from '@lars/reporter';
import { loadConfig } from '@lars/runtime/config/config';

export const SERVER_IP = '10.0.0.1';
export const AGENT_PORT = 8_888;
export const REPORTER_PORT = 7_779;
/** On the disk of each agent's machine. */
export const ROUTES_FILE = '/data/agent-routes';
export const UNSENT_FILE = '/data/agent-unsent';

export interface AgentSettings {
  readonly ip: string;
  readonly reportTimeoutMs: number;
  readonly updateTimeoutMs: number;
  readonly algorithm: string;
}

export interface ReporterSettings {
  readonly maxRows: number;
  readonly flushIntervalMs: number;
}

export function agentConfig({ ip, reportTimeoutMs, updateTimeoutMs, algorithm }: AgentSettings): AgentConfig {
  return loadConfig(agentConfigTable, {
    path: 'agent.ini',
    text: [
      `[udp]\ntransport = dgram\nport = ${AGENT_PORT}`,
      `[dnsserver]\nip = ${SERVER_IP}`,
      `[reporter]\nip = ${SERVER_IP}\nport = ${REPORTER_PORT}`,
      `[loadbalance]\nalgorithm = ${algorithm}`,
      `report_timeout = ${reportTimeoutMs / 1_000}\nupdate_timeout = ${updateTimeoutMs / 1_000}`,
      `[agent]\ncaller_ip = ${ip}\nroutes_file = ${ROUTES_FILE}\nunsent_file = ${UNSENT_FILE}`,
    ].join('\n'),
  });
}

export function dnsserverConfig(file: string): DnsserverConfig {
  return loadConfig(dnsserverConfigTable, { path: 'dnsserver.ini', text: `[database]\nfile = ${file}\n` });
}

export function reporterConfig(file: string, { maxRows, flushIntervalMs }: ReporterSettings): ReporterConfig {
  const batchMaxRows = Math.max(1, Math.floor(maxRows / 4));
  const queue = `[queue]\nmax_rows = ${maxRows}\nbatch_max_rows = ${batchMaxRows}\nflush_interval = ${flushIntervalMs}\n`;
  return loadConfig(reporterConfigTable, { path: 'reporter.ini', text: `[database]\nfile = ${file}\n${queue}` });
}
