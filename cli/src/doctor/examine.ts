import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { get } from 'node:http';
import path from 'node:path';
import { VERSION } from '@lars/runtime/version';
import { checkConfFiles } from '../system/check-conf.ts';
import { type ConfFolder, confFileIn } from '../system/conf-folder.ts';
import { readConfigs } from '../system/read-configs.ts';
import { askServices, type ServiceStatus, servicesOf } from '../system/service-status.ts';
import type { ServiceName, SystemConfigs } from '../system/start-system.ts';
import { clockProblems, type FileFacts, fileProblems } from './file-problems.ts';
import { type Problem, soon, wrong } from './problem.ts';
import { listenerOf, openFilesOf } from './proc-facts.ts';
import { serviceProblems, versionProblems } from './service-problems.ts';

export interface Examination {
  /** What was looked at, for people. */
  readonly looked: readonly string[];
  readonly problems: readonly Problem[];
}

const CLOCK_TIMEOUT_MS = 1_500;

/** Looks at the conf files of a folder, the services that they describe, and what these stand on. Changes nothing. */
export async function examine(folder: ConfFolder): Promise<Examination> {
  const names = servicesOf(folder, []);
  const files = names.flatMap(service => {
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
  const statuses = await askServices(read, names);
  const places = placesOf(read.configs, names);
  const problems = [
    ...checked.flatMap(one =>
      one.warnings
        .filter(warning => !warning.includes('other machines reach'))
        .map(warning => soon(warning, 'mend the file that is wrong')),
    ),
    ...statuses.flatMap(status => serviceProblems({ status, ...factsOf(status, read.configs) })),
    ...versionProblems(statuses, VERSION),
    ...clockProblems(await clocksOf(statuses)),
    ...places.flatMap(fileProblems),
  ];
  return {
    looked: [...looked, `services: ${names.join(', ')}`, `files: ${places.map(({ file }) => file).join(', ')}`],
    problems,
  };
}

function factsOf(status: ServiceStatus, configs: SystemConfigs) {
  const config = configs[status.service];
  return {
    holder: status.status === 'down' ? listenerOf(config.http.port) : undefined,
    openFiles: 'health' in status ? openFilesOf(status.health.pid) : undefined,
    maxConnections: 'tcp' in config ? config.tcp.max_connections : undefined,
  };
}

/** The files that the services write. */
function placesOf({ agent, dnsserver, reporter }: SystemConfigs, names: readonly ServiceName[]): FileFacts[] {
  const all = [
    { service: 'dnsserver', file: dnsserver.database.file, confKey: '[database] file of dnsserver.ini' },
    { service: 'reporter', file: reporter.database.file, confKey: '[database] file of reporter.ini' },
    { service: 'agent', file: agent.agent.routes_file, confKey: '[agent] routes_file' },
    { service: 'agent', file: agent.agent.unsent_file, confKey: '[agent] unsent_file' },
  ];
  const wanted = all.filter(({ service, file }) => names.includes(service as ServiceName) && file !== '');
  // dnsserver and reporter mostly share a file.
  const once = wanted.filter(({ file }, i) => wanted.findIndex(other => other.file === file) === i);
  return once.map(({ file, confKey }) => ({ file, confKey, ...stateOf(path.resolve(file)) }));
}

function stateOf(file: string): Pick<FileFacts, 'mode' | 'freeBytes' | 'isFolderWritable'> {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  const folder = path.dirname(file);
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return { mode, freeBytes: undefined, isFolderWritable: true };
  const { bavail, bsize } = statfsSync(folder);
  return { mode, freeBytes: bavail * bsize, isFolderWritable: mayWrite(folder) };
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function clocksOf(statuses: readonly ServiceStatus[]): Promise<{ readonly service: string; readonly aheadSec: number }[]> {
  const clocks = await Promise.all(
    statuses.filter(status => 'health' in status).map(async ({ service, asked }) => ({ service, dateMs: await dateOf(asked) })),
  );
  const nowMs = Date.now();
  return clocks.flatMap(({ service, dateMs }) => (Number.isNaN(dateMs) ? [] : [{ service, aheadSec: (dateMs - nowMs) / 1_000 }]));
}

/** The Date header of an answer; NaN where there is none. */
function dateOf(url: string): Promise<number> {
  return new Promise(resolve => {
    const request = get(url, { signal: AbortSignal.timeout(CLOCK_TIMEOUT_MS), agent: false }, response => {
      response.resume();
      resolve(Date.parse(response.headers.date ?? ''));
    });
    request.on('error', () => resolve(Number.NaN));
  });
}
