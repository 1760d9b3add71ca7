import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { AgentConfig } from '@lars/agent';
import type { DnsserverConfig } from '@lars/dnsserver';
import type { ReporterConfig } from '@lars/reporter';
import { VERSION } from '@lars/runtime/version';
import { isLinked } from '../output/link-state.ts';
import { checkConfFiles } from '../system/check-conf.ts';
import { type ConfFolder, confFileIn } from '../system/conf-folder.ts';
import { connectable } from '../system/connectable.ts';
import { readConfigs } from '../system/read-configs.ts';
import { askServices, type ServiceStatus, type StatusService, servicesOf } from '../system/service-status.ts';
import type { ServiceName, SystemConfigs } from '../system/start-system.ts';
import type { TakenPort } from './absence.ts';
import { routeProblems } from './compare-routes.ts';
import { type FileFacts, fileProblems } from './file-problems.ts';
import { type Problem, soon, wrong } from './problem.ts';
import { listenerOf, openFilesOf, receiverOf } from './proc-facts.ts';
import { reachServers } from './reach-servers.ts';
import { serviceProblems, versionProblems } from './service-problems.ts';

export interface Examination {
  /** What was looked at, for people. */
  readonly looked: readonly string[];
  readonly problems: readonly Problem[];
}

/** Looks at the conf files of a folder, the services that they describe, and what these stand on. Changes nothing. */
export async function examine(folder: ConfFolder): Promise<Examination> {
  const names = servicesOf(folder, []);
  const files = names.flatMap(service => {
    if (service === 'dispatcher') return [];
    const file = confFileIn(folder, `${service}.ini`);
    return file === undefined ? [] : [{ file, service }];
  });
  const checked = await checkConfFiles(files);
  const errors = checked.flatMap(one => one.errors.map(error => wrong(error, 'mend the file; lars check looks again')));
  const looked = [
    files.length === 0
      ? `no conf file in ${folder.path}: built-in defaults`
      : `conf: ${files.map(({ file }) => file).join(', ')}`,
  ];
  if (errors.length > 0) return { looked, problems: errors };
  const read = readConfigs(folder);
  const statuses = await askServices(folder, read);
  const reached = statuses.some(needsServers) ? await reachServers(read.configs.agent) : [];
  const places = placesOf(read.configs, names);
  const shown = new Set([...names, ...statuses.map(({ service }) => service)]);
  const problems = [
    ...checked.flatMap(one =>
      one.warnings
        .filter(warning => !warning.includes('other machines reach'))
        .map(warning => soon(warning, 'mend the file that is wrong')),
    ),
    ...statuses.flatMap(status =>
      serviceProblems({ status, ...factsOf(status, read.configs), reached: status.service === 'agent' ? reached : [] }),
    ),
    ...versionProblems(statuses, VERSION),
    ...(await disagreements(statuses, read.configs)),
    ...places.flatMap(fileProblems),
  ];
  return {
    looked: [
      ...looked,
      `services: ${[...shown].join(', ')}`,
      ...(places.length === 0 ? [] : [`files: ${places.map(({ file }) => file).join(', ')}`]),
    ],
    problems,
  };
}

function factsOf(status: ServiceStatus, configs: SystemConfigs) {
  const { service } = status;
  const openFiles = 'health' in status ? openFilesOf(status.health.pid) : undefined;
  if (service === 'proxy' || service === 'dispatcher' || service === 'service')
    return { taken: [], openFiles, maxConnections: undefined };
  const config = configs[service];
  return {
    taken: status.status === 'down' ? takenPorts(config) : [],
    openFiles,
    maxConnections: 'tcp' in config ? config.tcp.max_connections : undefined,
  };
}

/** An agent that is well has its links; a server may log and count whoever connects and says nothing. */
function needsServers(status: ServiceStatus): boolean {
  if (status.service !== 'agent') return false;
  if (!('health' in status)) return true;
  const { dnsserver, reporter } = status.health.details;
  return [dnsserver, reporter].some(detail => !isLinked(detail) || String(detail).includes(' down'));
}

/** Those of its ports that somebody has. */
function takenPorts(config: AgentConfig | DnsserverConfig | ReporterConfig): TakenPort[] {
  const ports =
    'tcp' in config
      ? [{ confKey: `[tcp] port = ${config.tcp.port}`, holder: listenerOf(config.tcp.port) }]
      : [0, 1, 2].map(shard => ({
          confKey: `port ${config.udp.port + shard} of [udp]`,
          holder: receiverOf(config.udp.port + shard),
        }));
  const http = { confKey: `[http] port = ${config.http.port}`, holder: listenerOf(config.http.port) };
  return [http, ...ports].flatMap(({ confKey, holder }) => (holder === undefined ? [] : [{ confKey, holder }]));
}

/** Of an agent and a dnsserver that both run here, and of whom nobody keeps hosts that the table has no more. */
async function disagreements(statuses: readonly ServiceStatus[], { agent, dnsserver }: SystemConfigs): Promise<Problem[]> {
  const healthOf = (name: ServiceName) => statuses.find(status => status.service === name && 'health' in status);
  const routeServer = healthOf('dnsserver');
  if (routeServer === undefined || !('health' in routeServer) || healthOf('agent') === undefined) return [];
  if (routeServer.health.details['emptyGuard'] !== 'inactive') return [];
  return routeProblems({ agent: `${connectable(agent.http.ip)}:${agent.http.port}`, file: dnsserver.database.file });
}

/** The files that the services write. */
function placesOf({ agent, dnsserver, reporter }: SystemConfigs, names: readonly StatusService[]): FileFacts[] {
  const all = [
    { service: 'dnsserver', file: dnsserver.database.file, confKey: '[database] file of dnsserver.ini' },
    { service: 'reporter', file: reporter.database.file, confKey: '[database] file of reporter.ini' },
    { service: 'agent', file: agent.agent.routes_file, confKey: '[agent] routes_file' },
    { service: 'agent', file: agent.agent.unsent_file, confKey: '[agent] unsent_file' },
  ];
  const wanted = all.filter(({ service, file }) => names.includes(service as StatusService) && file !== '');
  // dnsserver and reporter mostly share a file.
  const once = wanted.filter(({ file }, i) => wanted.findIndex(other => other.file === file) === i);
  return once.map(({ file, confKey }) => ({ file, confKey, ...stateOf(path.resolve(file)) }));
}

function stateOf(file: string): Pick<FileFacts, 'mode' | 'folderMode' | 'freeBytes' | 'isFolderWritable'> {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  const folder = path.dirname(file);
  const folderMode = statSync(folder, { throwIfNoEntry: false })?.mode;
  if (folderMode === undefined) return { mode, folderMode, freeBytes: undefined, isFolderWritable: true };
  const { bavail, bsize } = statfsSync(folder);
  return { mode, folderMode, freeBytes: bavail * bsize, isFolderWritable: mayWrite(folder) };
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
