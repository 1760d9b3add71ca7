// pure
/** Conf files of a system that is measured: the system picks all ports, and only errors that end the measurement are logged. */

export type Algorithm = 'adaptive' | 'classic';
export type ServerTransport = 'auto' | 'mmsg' | 'dgram';
export type ServerEngine = 'auto' | 'node';

const COMMON = '[http]\nport = 0\n[log]\nlevel = error\n';

/** Of dnsserver and of reporter, which share a database. */
export function databaseServiceConf(file: string, engine: ServerEngine = 'auto'): string {
  return `[tcp]\nport = 0\nengine = ${engine}\nmax_connections = 20000\n[database]\nfile = ${file}\n${COMMON}`;
}

export interface AgentConf {
  readonly algorithm: Algorithm;
  readonly transport: ServerTransport;
  readonly dnsserverPort: number;
  readonly reporterPort: number;
}

export function agentConf({ algorithm, transport, dnsserverPort, reporterPort }: AgentConf): string {
  return (
    `[udp]\nport = 0\ntransport = ${transport}\n[loadbalance]\nalgorithm = ${algorithm}\n` +
    `[dnsserver]\nport = ${dnsserverPort}\n[reporter]\nport = ${reporterPort}\n[agent]\nroutes_file =\nunsent_file =\n${COMMON}`
  );
}
