import type { Health } from '@lars/runtime/http/health-server';
import { UsageError } from '../errors.ts';
import { askHealth } from './ask-health.ts';
import { type ConfFolder, confFileIn } from './conf-folder.ts';
import { connectable } from './connectable.ts';
import type { ReadConfigs } from './read-configs.ts';
import type { ServiceName } from './start-system.ts';

/** The health of one service, as its own answer says; or that there is no answer. */
export type ServiceStatus = {
  readonly service: ServiceName;
  /** Who was asked: 'http://127.0.0.1:7780/healthz' */
  readonly asked: string;
} & (
  | { readonly status: Health['status']; readonly health: Health }
  /** down: no answer. unknown: the conf file does not name the port. */
  | { readonly status: 'down' | 'unknown'; readonly why: string }
);

const SERVICES: readonly ServiceName[] = ['dnsserver', 'reporter', 'agent'];

/**
 * Which services to ask: those that are named; else those that have a conf file in the folder, as on a machine with an agent alone; else all.
 * @throws {UsageError} for a name that is no service's
 */
export function servicesOf(folder: ConfFolder, named: readonly string[]): readonly ServiceName[] {
  for (const name of named)
    if (!SERVICES.some(service => service === name))
      throw new UsageError(`'${name}' is no service; there are ${SERVICES.join(', ')}`);
  if (named.length > 0) return SERVICES.filter(service => named.includes(service));
  const configured = SERVICES.filter(service => confFileIn(folder, `${service}.ini`) !== undefined);
  return configured.length === 0 ? SERVICES : configured;
}

/** Asks services on the HTTP ports of their conf files, all at once. */
export function askServices(
  { configs, sources }: ReadConfigs,
  services: readonly ServiceName[] = SERVICES,
): Promise<readonly ServiceStatus[]> {
  return Promise.all(services.map(service => askService(service, configs[service].http, sources[service])));
}

async function askService(
  service: ServiceName,
  http: { readonly ip: string; readonly port: number },
  source: string,
): Promise<ServiceStatus> {
  const asked = `http://${connectable(http.ip)}:${http.port}/healthz`;
  if (http.port === 0) return { service, asked, status: 'unknown', why: `${source}: [http] port = 0 does not tell the port` };
  const answer = await askHealth(connectable(http.ip), http.port);
  if (answer.kind === 'down') return { service, asked, status: 'down', why: answer.why };
  const { health } = answer;
  if (health.service !== service) return { service, asked, status: 'down', why: `the ${health.service} answers there` };
  return { service, asked, status: health.status, health };
}
