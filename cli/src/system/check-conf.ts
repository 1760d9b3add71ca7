import path from 'node:path';
import { type AgentConfig, agentConfigTable, checkAgentConfig } from '@lars/agent';
import { type DnsserverConfig, dnsserverConfigTable } from '@lars/dnsserver';
import { type ProxyConfig, proxyConfigTable } from '@lars/proxy';
import { type ReporterConfig, reporterConfigTable } from '@lars/reporter';
import { systemClock } from '@lars/runtime/clock';
import { type ConfigTable, findConfigProblems, loadConfig, readConfigText } from '@lars/runtime/config/config';
import { ConfigError } from '@lars/runtime/config/config-error';
import { messageOf, StartupError } from '@lars/runtime/errors';
import { exposureWarning } from '@lars/runtime/exposure';
import { recordLogger } from '@lars/runtime/log';
import { SecurityKeeper } from '@lars/runtime/security/security-keeper';
import { UsageError } from '../errors.ts';
import { type ConfiguredService, checkProxy, warningsTogether } from './check-together.ts';

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

/**
 * Reads each file as its service would at its start; then what they say together.
 * @param areNamed the user has named the files; otherwise they lie in a folder
 */
export async function checkConfFiles(
  files: readonly { readonly file: string; readonly service: ConfiguredService }[],
  areNamed = false,
): Promise<CheckedFile[]> {
  const read = await Promise.all(
    files.map(async ({ file, service }) => ({ file, service, ...(await readFile(file, service, areNamed)) })),
  );
  const configs = Object.fromEntries(read.flatMap(({ service, config }) => (config === undefined ? [] : [[service, config]])));
  const proxy = read.find(one => one.proxy !== undefined)?.proxy;
  const together = warningsTogether({ ...configs, proxy });
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
  readonly proxy?: ProxyConfig;
}

async function readFile(file: string, service: ConfiguredService, isNamed: boolean): Promise<ReadFile> {
  try {
    const source = { path: file, text: readConfigText(file) };
    const problems = findConfigProblems(TABLES[service], source);
    if (problems.length > 0) return { errors: problems.map(messageOf) };
    if (service === 'proxy') {
      const proxy = loadConfig(proxyConfigTable, source);
      return { proxy, ...checkProxy(source.path, proxy, isNamed) };
    }
    const config = loadConfig(TABLES[service], source) as unknown as AnyConfig;
    if (service === 'agent') checkAgentConfig(config as AgentConfig);
    return { errors: [], config, warnings: await securityWarnings(config) };
  } catch (error) {
    if (error instanceof ConfigError) return { errors: [error.message] };
    if (error instanceof StartupError) return { errors: [`${file}: ${error.message}`] };
    throw error;
  }
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
