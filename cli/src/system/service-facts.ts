import type { AgentConfig, RunningAgent } from '@lars/agent';
import type { DnsserverConfig, RunningDnsserver } from '@lars/dnsserver';
import type { ReporterConfig } from '@lars/reporter';
import { askHealth } from './ask-health.ts';
import { connectable } from './connectable.ts';

/** Where a service runs and how, for the lines that say so when it is ready. */
export interface ServiceFacts {
  readonly service: string;
  /** 'TCP 127.0.0.1:7778' */
  readonly where: string;
  readonly health: string;
  /** What it keeps its data in, or how it takes its datagrams. */
  readonly mode: string;
  /** The conf file, or that there is none. */
  readonly conf: string;
  /** The same for machines. */
  readonly document: Readonly<Record<string, string | number | readonly number[] | readonly string[]>>;
}

export async function agentFacts({ http }: AgentConfig, agent: RunningAgent, conf: string): Promise<ServiceFacts> {
  const { ip, udpPorts, transport, httpPort } = agent;
  const { algorithm = '' } = await detailsOf(http.ip, httpPort);
  return {
    service: 'agent',
    where: `UDP ${ip}:${udpPorts.join(',')}`,
    health: healthUrl(http.ip, httpPort),
    mode: `${transport} transport, ${algorithm} balancing`,
    conf: shownSource(conf),
    document: { ip, udpPorts, httpIp: http.ip, httpPort, transport, algorithm: String(algorithm), conf },
  };
}

export function dnsserverFacts(config: DnsserverConfig, dnsserver: Ports, conf: string): ServiceFacts {
  return databaseFacts('dnsserver', config, dnsserver, conf);
}

export function reporterFacts(config: ReporterConfig, reporter: Ports, conf: string): ServiceFacts {
  return databaseFacts('reporter', config, reporter, conf);
}

type Ports = Pick<RunningDnsserver, 'tcpPort' | 'httpPort'>;
type DatabaseConfig = Pick<DnsserverConfig, 'http' | 'database'> & { readonly tcp: { readonly ip: string } };

function databaseFacts(service: string, config: DatabaseConfig, running: Ports, conf: string): ServiceFacts {
  const { ip } = config.tcp;
  const { tcpPort, httpPort } = running;
  const { file } = config.database;
  return {
    service,
    where: `TCP ${ip}:${tcpPort}`,
    health: healthUrl(config.http.ip, httpPort),
    mode: `SQLite ${file}`,
    conf: shownSource(conf),
    document: { ip, tcpPort, httpIp: config.http.ip, httpPort, engine: 'sqlite', database: file, conf },
  };
}

async function detailsOf(ip: string, port: number) {
  const answer = await askHealth(connectable(ip), port);
  return answer.kind === 'health' ? answer.health.details : {};
}

export function healthUrl(ip: string, port: number): string {
  return `http://${connectable(ip)}:${port}/healthz`;
}

function shownSource(source: string): string {
  return source === 'defaults' ? 'built-in defaults' : source;
}
