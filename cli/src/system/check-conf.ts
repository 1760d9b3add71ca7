import path from 'node:path';
import { type AgentConfig, agentConfigTable, checkAgentConfig, serverAddresses } from '@lars/agent';
import { type DnsserverConfig, dnsserverConfigTable } from '@lars/dnsserver';
import { proxyConfigTable, readListeners } from '@lars/proxy';
import { type ReporterConfig, reporterConfigTable } from '@lars/reporter';
import { systemClock } from '@lars/runtime/clock';
import { formatAddress } from '@lars/runtime/config/address-list';
import { type ConfigTable, type ConfigText, findConfigProblems, loadConfig, readConfigText } from '@lars/runtime/config/config';
import { ConfigError } from '@lars/runtime/config/config-error';
import { messageOf, StartupError } from '@lars/runtime/errors';
import { exposureWarning } from '@lars/runtime/exposure';
import { recordLogger } from '@lars/runtime/log';
import { SecurityKeeper } from '@lars/runtime/security/security-keeper';
import { UsageError } from '../errors.ts';
import { connectable } from './connectable.ts';
import type { ServiceName, SystemConfigs } from './start-system.ts';

/** Whose conf files there are. */
export type ConfiguredService = ServiceName | 'proxy';

/** What is wrong with one conf file, and what may be; each line names the file, and the line of it where one is wrong. */
export interface CheckedFile {
  readonly file: string;
  readonly service: ConfiguredService;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

const TABLES: Readonly<Record<ConfiguredService, ConfigTable>> = {
  agent: agentConfigTable,
  dnsserver: dnsserverConfigTable,
  reporter: reporterConfigTable,
  proxy: proxyConfigTable,
};

/**
 * Which service a conf file is of, by its name: agent.ini, or lars-agent.conf.
 * @throws {UsageError} when its name does not tell
 */
export function serviceOf(file: string): ConfiguredService {
  const name = path.basename(file).toLowerCase();
  const services = (Object.keys(TABLES) as ConfiguredService[]).filter(service => name.includes(service));
  const [only, ...others] = services;
  if (only !== undefined && others.length === 0) return only;
  throw new UsageError(`${file}: its name does not tell whose conf file it is; name the service with --service`);
}

/** Reads each file as its service would at its start; then what they say together. */
export async function checkConfFiles(
  files: readonly { readonly file: string; readonly service: ConfiguredService }[],
): Promise<CheckedFile[]> {
  const read = await Promise.all(files.map(async ({ file, service }) => ({ file, service, ...(await readFile(file, service)) })));
  const configs = Object.fromEntries(read.flatMap(({ service, config }) => (config === undefined ? [] : [[service, config]])));
  const together: ReadonlyMap<ConfiguredService, string[]> = warningsTogether(configs);
  return read.map(({ file, service, errors, config, warnings = [] }) => ({
    file,
    service,
    errors,
    warnings: [...warnings, ...exposures(config), ...(together.get(service) ?? [])].map(warning => `${file}: ${warning}`),
  }));
}

type AnyConfig = AgentConfig | DnsserverConfig | ReporterConfig;

interface ReadFile {
  readonly errors: readonly string[];
  readonly warnings?: readonly string[];
  readonly config?: AnyConfig;
}

async function readFile(file: string, service: ConfiguredService): Promise<ReadFile> {
  try {
    const source = { path: file, text: readConfigText(file) };
    const problems = findConfigProblems(TABLES[service], source);
    if (problems.length > 0) return { errors: problems.map(messageOf) };
    if (service === 'proxy') return readProxy(source);
    const config = loadConfig(TABLES[service], source) as unknown as AnyConfig;
    if (service === 'agent') checkAgentConfig(config as AgentConfig);
    return { errors: [], config, warnings: await securityWarnings(config) };
  } catch (error) {
    if (error instanceof ConfigError) return { errors: [error.message] };
    if (error instanceof StartupError) return { errors: [`${file}: ${error.message}`] };
    throw error;
  }
}

/** Listeners may be given by --listen alone, so that none is no mistake. */
function readProxy(source: ConfigText): ReadFile {
  const config = loadConfig(proxyConfigTable, source);
  const listeners = readListeners(config);
  if (typeof listeners === 'string') return { errors: [`${source.path}: ${listeners}`] };
  const http = exposureWarning(config.http.ip, '[http] ip', 'it to 127.0.0.1');
  return { errors: [], warnings: http === undefined ? [] : [http] };
}

/** Reads the files of [security] as a start would. @throws {StartupError} naming the key and the file that would be refused */
async function securityWarnings({ security }: AnyConfig): Promise<string[]> {
  const warnings: string[] = [];
  const log = recordLogger(({ level, event }) => {
    if (level === 'warn' || level === 'error') warnings.push(event);
  });
  (await SecurityKeeper.open(security, { log, clock: systemClock, onChanged: () => undefined })).close();
  return warnings;
}

function exposures(config: AnyConfig | undefined): string[] {
  if (config === undefined) return [];
  const { tls_folder, token_file } = config.security;
  const isSecured = tls_folder !== '' || token_file !== '';
  const exposed =
    'udp' in config
      ? config.udp.allow.length > 0
        ? undefined
        : exposureWarning(config.udp.ip, '[udp] ip', '[udp] allow')
      : isSecured
        ? undefined
        : exposureWarning(config.tcp.ip, '[tcp] ip', '[security] tls_folder or token_file');
  const http = exposureWarning(config.http.ip, '[http] ip', 'it to 127.0.0.1');
  return [exposed, http].filter(warning => warning !== undefined);
}

/** Values of different files that do not fit: two services on one port, an agent that looks elsewhere for a server of this machine. */
function warningsTogether(configs: Partial<SystemConfigs>): Map<ServiceName, string[]> {
  const warnings = new Map<ServiceName, string[]>();
  const warn = (service: ServiceName, warning: string) => warnings.set(service, [...(warnings.get(service) ?? []), warning]);
  const { agent, dnsserver, reporter } = configs;
  const taken = new Map<number, string>();
  for (const service of ['dnsserver', 'reporter', 'agent'] as const) {
    const config = configs[service];
    if (config === undefined) continue;
    const ports = { ...('tcp' in config ? { tcp: config.tcp.port } : {}), http: config.http.port };
    for (const [section, port] of Object.entries(ports)) {
      const other = taken.get(port);
      if (port !== 0 && other !== undefined)
        warn(service, `[${section}] port = ${port} is ${other} as well: one of them will not start`);
      taken.set(port, `that of [${section}] of ${service}.ini`);
    }
  }
  for (const [name, server] of Object.entries({ dnsserver, reporter }) as [
    'dnsserver' | 'reporter',
    DnsserverConfig | undefined,
  ][]) {
    if (agent === undefined || server === undefined || server.tcp.port === 0) continue;
    const asked = serverAddresses(agent, name).filter(({ host }) => host === connectable(server.tcp.ip));
    if (asked.length > 0 && asked.every(({ port }) => port !== server.tcp.port))
      warn(
        'agent',
        `[${name}] names ${asked.map(formatAddress).join(', ')}, but ${name}.ini has [tcp] port = ${server.tcp.port}`,
      );
  }
  return warnings;
}
