import { proxyConfigTable } from '@lars/proxy';
import { readConfigFile } from '@lars/runtime/config/config';
import type { Health } from '@lars/runtime/http/health-server';
import { UsageError } from '../errors.ts';
import { askHealth } from './ask-health.ts';
import { type ConfFolder, confFileIn } from './conf-folder.ts';
import { connectable } from './connectable.ts';
import { dispatchFilesIn } from './dispatch-options.ts';
import type { ReadConfigs } from './read-configs.ts';
import type { ServiceName } from './start-system.ts';

/** Whose health there is to be asked for. */
export type StatusService = ServiceName | 'proxy' | 'dispatcher';

/** The health of one service, as its own answer says; or that there is no answer. */
export type ServiceStatus = {
  /** 'service': one that --http names, and that does not answer. */
  readonly service: StatusService | 'service';
  /** Who was asked: 'http://127.0.0.1:7780/healthz' */
  readonly asked: string;
} & (
  | { readonly status: Health['status']; readonly health: Health }
  /** down: no answer. unknown: the conf file does not name the port. */
  | { readonly status: 'down' | 'unknown'; readonly why: string }
);

/** In the order in which they are shown. */
const SYSTEM: readonly ServiceName[] = ['dnsserver', 'reporter', 'agent'];
const SERVICES: readonly StatusService[] = [...SYSTEM, 'proxy', 'dispatcher'];

/**
 * Which services to ask: those that are named; else those that have a conf file in the folder, as on a machine with an agent alone; else the
 * three that `lars up` runs. A proxy.ini without listeners, as the sample is, does not mean that there is to be a proxy.
 * @throws {UsageError} for a name that is no service's
 */
export function servicesOf(folder: ConfFolder, named: readonly string[]): readonly StatusService[] {
  for (const name of named)
    if (!SERVICES.some(service => service === name))
      throw new UsageError(`'${name}' is no service; there are ${SERVICES.join(', ')}`);
  if (named.length > 0) return SERVICES.filter(service => named.includes(service));
  const configured = configuredServices(folder);
  return configured.length === 0 ? SYSTEM : configured;
}

function configuredServices(folder: ConfFolder): readonly StatusService[] {
  return SERVICES.filter(service => {
    if (service === 'dispatcher') return dispatchFilesIn(folder).length > 0;
    const file = confFileIn(folder, `${service}.ini`);
    return file !== undefined && (service !== 'proxy' || hasListeners(file));
  });
}

/** One that cannot be read has some: whoever reads it next says what is wrong. */
function hasListeners(file: string): boolean {
  try {
    return readConfigFile(proxyConfigTable, file).config.listen.size > 0;
  } catch {
    return true;
  }
}

/** What is asked, and where. */
interface AskedPlace {
  readonly service: StatusService;
  readonly http: { readonly ip: string; readonly port: number };
  /** What says so: a conf file, or 'defaults'. */
  readonly source: string;
}

/**
 * Asks services on the HTTP ports of their conf files, all at once: those of `servicesOf`. A proxy that is not among them is shown too if it runs.
 * @param http 'HOST:PORT' of further services, whatever they are
 * @throws {UsageError} as `servicesOf` does
 */
export async function askServices(
  folder: ConfFolder,
  read: ReadConfigs,
  named: readonly string[] = [],
  http: readonly string[] = [],
): Promise<readonly ServiceStatus[]> {
  const services = servicesOf(folder, named);
  const mayRun: readonly StatusService[] = named.length > 0 || services.includes('proxy') ? [] : ['proxy'];
  const places = services.flatMap(service => placesOf(service, folder, read));
  const [statuses, others, proxies] = await Promise.all([
    Promise.all(places.map(askPlace)),
    Promise.all(http.map(askAnything)),
    Promise.all(mayRun.flatMap(service => placesOf(service, folder, read)).map(askPlace)),
  ]);
  const inOrder = [...statuses, ...proxies.filter(status => 'health' in status)];
  inOrder.sort((a, b) => SERVICES.indexOf(a.service as StatusService) - SERVICES.indexOf(b.service as StatusService));
  return [...inOrder, ...others];
}

function placesOf(service: StatusService, folder: ConfFolder, { configs, sources }: ReadConfigs): readonly AskedPlace[] {
  if (service === 'dispatcher') {
    const files = dispatchFilesIn(folder);
    if (files.length === 0)
      throw new UsageError(`no file dispatch-NAME.env in ${folder.path} names a dispatcher; name one with --http HOST:PORT`);
    return files.map(({ file, http = UNKNOWN }) => ({ service, http, source: `${file}: OPTIONS` }));
  }
  if (service !== 'proxy') return [{ service, http: configs[service].http, source: `${sources[service]}: [http] port` }];
  const { config, source } = readConfigFile(proxyConfigTable, confFileIn(folder, proxyConfigTable.file));
  return [{ service, http: config.http, source: `${source}: [http] port` }];
}

const UNKNOWN = { ip: '127.0.0.1', port: 0 } as const;

async function askPlace({ service, http, source }: AskedPlace): Promise<ServiceStatus> {
  const asked = `http://${connectable(http.ip)}:${http.port}/healthz`;
  if (http.port === 0) return { service, asked, status: 'unknown', why: `${source} does not tell the port of its /healthz` };
  const answer = await askHealth(connectable(http.ip), http.port);
  if (answer.kind === 'down') return { service, asked, status: 'down', why: answer.why };
  const { health } = answer;
  if (health.service !== service) return { service, asked, status: 'down', why: `the ${health.service} answers there` };
  return { service, asked, status: health.status, health };
}

async function askAnything(address: string): Promise<ServiceStatus> {
  const at = address.lastIndexOf(':');
  const asked = `http://${address}/healthz`;
  const answer = await askHealth(address.slice(0, at), Number(address.slice(at + 1)));
  if (answer.kind === 'down') return { service: 'service', asked, status: 'down', why: answer.why };
  const { health } = answer;
  const service = SERVICES.find(one => one === health.service) ?? 'service';
  return { service, asked, status: health.status, health };
}
