/** Whole systems for measurements: processes of their own, free ports, one database in the given folder. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { openRouteEditor } from '@lars/dnsserver';
import { ServerProcess } from './server-process.ts';

export interface SystemUp {
  readonly process: ServerProcess;
  readonly udpPorts: [number, number, number];
}

/** `lars up` in one process. */
export async function startUp(folder: string): Promise<SystemUp> {
  writeConf(folder, 0, 0);
  const system = await ServerProcess.startLars(['up', '--conf-dir', folder], folder);
  return { process: system, udpPorts: portsOf(system) };
}

export interface SystemApart {
  readonly agent: ServerProcess;
  readonly udpPorts: [number, number, number];
  stop(): Promise<void>;
}

/** dnsserver, reporter and agent, each a process. */
export async function startApart(folder: string): Promise<SystemApart> {
  writeConf(folder, 0, 0);
  const start = (name: string) => ServerProcess.startLars([name, '--conf', path.join(folder, `${name}.ini`)], folder);
  const dnsserver = await start('dnsserver');
  const reporter = await start('reporter');
  writeConf(folder, tcpPortOf(dnsserver, 'dnsserver'), tcpPortOf(reporter, 'reporter'));
  const agent = await start('agent');
  const stop = async () => {
    for (const service of [agent, reporter, dnsserver]) await service.stop();
  };
  return { agent, udpPorts: portsOf(agent), stop };
}

/** A module with so many hosts, in the database that the conf files name. */
export async function addRoute(folder: string, modid: number, cmdid: number, hosts: number): Promise<void> {
  const editor = await openRouteEditor({ file: path.join(folder, 'lars.db') });
  await editor.add(
    modid,
    cmdid,
    Array.from({ length: hosts }, (_, i) => ({ host: `10.0.0.${i + 1}:80` })),
  );
  await editor.close();
}

function writeConf(folder: string, dnsserverPort: number, reporterPort: number): void {
  const common = '[http]\nport = 0\n[log]\nlevel = error\n';
  const server = `[tcp]\nport = 0\n[database]\nfile = ${path.join(folder, 'lars.db')}\n${common}`;
  const link = (name: string, port: number) => (port === 0 ? '' : `[${name}]\nport = ${port}\n`);
  writeFileSync(path.join(folder, 'dnsserver.ini'), server);
  writeFileSync(path.join(folder, 'reporter.ini'), server);
  const agent = `[udp]\nport = 0\n${common}${link('dnsserver', dnsserverPort)}${link('reporter', reporterPort)}`;
  writeFileSync(path.join(folder, 'agent.ini'), agent);
}

interface ReadyAgent {
  readonly udpPorts: [number, number, number];
}

function portsOf(server: ServerProcess): [number, number, number] {
  return (server.ready['agent'] as ReadyAgent).udpPorts;
}

function tcpPortOf(server: ServerProcess, name: 'dnsserver' | 'reporter'): number {
  return (server.ready[name] as { readonly tcpPort: number }).tcpPort;
}
