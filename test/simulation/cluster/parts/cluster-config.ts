/** The conf files of the simulated services. */
import { type AgentConfig, agentConfigTable } from '@lars/agent';
import { type DnsserverConfig, dnsserverConfigTable } from '@lars/dnsserver';
import { type ReporterConfig, reporterConfigTable } from '@lars/reporter';
import { loadConfig } from '@lars/runtime/config/config';

export const AGENT_PORT = 8_888;
export const REPORTER_PORT = 7_779;
const DNSSERVER_PORT = 7_778;
/** The simulated network has node:net, and no descriptors. */
const TCP = '[tcp]\nengine = node\n';
/** On the disk of each agent's machine. */
export const ROUTES_FILE = '/data/agent-routes';
export const UNSENT_FILE = '/data/agent-unsent';

export interface AgentSettings {
  readonly ip: string;
  readonly reportTimeoutMs: number;
  readonly updateTimeoutMs: number;
  readonly algorithm: string;
  /** The addresses of the servers, the preferred ones first. */
  readonly dnsservers: readonly string[];
  readonly reporters: readonly string[];
}

export interface ReporterSettings {
  readonly maxRows: number;
  readonly flushIntervalMs: number;
}

export function agentConfig(settings: AgentSettings): AgentConfig {
  const { ip, reportTimeoutMs, updateTimeoutMs, algorithm, dnsservers, reporters } = settings;
  return loadConfig(agentConfigTable, {
    path: 'agent.ini',
    text: [
      `[udp]\ntransport = dgram\nport = ${AGENT_PORT}`,
      `[dnsserver]\n${serversKey(dnsservers, DNSSERVER_PORT)}`,
      `[reporter]\n${serversKey(reporters, REPORTER_PORT)}`,
      `[loadbalance]\nalgorithm = ${algorithm}`,
      `report_timeout = ${reportTimeoutMs / 1_000}\nupdate_timeout = ${updateTimeoutMs / 1_000}`,
      `[agent]\ncaller_ip = ${ip}\nroutes_file = ${ROUTES_FILE}\nunsent_file = ${UNSENT_FILE}`,
    ].join('\n'),
  });
}

/** A single server is named as conf files have always named it. */
function serversKey(ips: readonly string[], port: number): string {
  return ips.length === 1 ? `ip = ${ips[0]}\nport = ${port}` : `servers = ${ips.map(ip => `${ip}:${port}`).join(', ')}`;
}

export function dnsserverConfig(file: string, pollIntervalMs: number): DnsserverConfig {
  const text = `${TCP}[database]\nfile = ${file}\n[routes]\npoll_interval = ${pollIntervalMs}\n`;
  return loadConfig(dnsserverConfigTable, { path: 'dnsserver.ini', text });
}

export function reporterConfig(file: string, { maxRows, flushIntervalMs }: ReporterSettings): ReporterConfig {
  const batchMaxRows = Math.max(1, Math.floor(maxRows / 4));
  const queue = `[queue]\nmax_rows = ${maxRows}\nbatch_max_rows = ${batchMaxRows}\nflush_interval = ${flushIntervalMs}\n`;
  return loadConfig(reporterConfigTable, { path: 'reporter.ini', text: `${TCP}[database]\nfile = ${file}\n${queue}` });
}
