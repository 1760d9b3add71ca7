import { type ConfigTable, formatSample, readConfigFile } from '@lars/runtime/config/config';
import type { Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import type { LogOptions } from '@lars/runtime/log-options';
import { ProcessSignals } from '@lars/runtime/process-signals';
import type { ExitCode } from '../exit-code.ts';
import type { Shell } from '../shell.ts';
import { readyDocument, readyText } from './ready.ts';
import { runInForeground } from './run-in-foreground.ts';
import { agentFacts, dnsserverFacts, reporterFacts, type ServiceFacts } from './service-facts.ts';
import { startLog } from './start-log.ts';
import type { ServiceName } from './start-system.ts';

/**
 * Runs one service until a signal or a failure ends it. Only that service's package is loaded.
 * @param path of the conf file; undefined: built-in defaults
 * @throws {ConfigError | StartupError} when it does not start
 */
export async function runService(shell: Shell, name: ServiceName, path: string | undefined): Promise<ExitCode> {
  if (name === 'agent') {
    const { agentConfigTable, startAgent } = await import('@lars/agent');
    return runKind(shell, readConfigFile(agentConfigTable, path), { name, start: startAgent, facts: agentFacts });
  }
  if (name === 'dnsserver') {
    const { dnsserverConfigTable, startDnsserver } = await import('@lars/dnsserver');
    return runKind(shell, readConfigFile(dnsserverConfigTable, path), { name, start: startDnsserver, facts: dnsserverFacts });
  }
  const { reporterConfigTable, startReporter } = await import('@lars/reporter');
  return runKind(shell, readConfigFile(reporterConfigTable, path), { name, start: startReporter, facts: reporterFacts });
}

/** Prints the conf file with every key of a service. */
export async function printSample(shell: Shell, name: ServiceName): Promise<void> {
  const table = await configTable(name);
  const text = formatSample(table);
  shell.print({ file: table.file, text }, () => text);
}

export interface ServiceKind<Config, Running extends Service> {
  readonly name: string;
  start(config: Config, options: { readonly log: Logger; readonly stopping: AbortSignal }): Promise<Running>;
  facts(config: Config, running: NoInfer<Running>, source: string): ServiceFacts | Promise<ServiceFacts>;
}

export interface ReadConf<Config> {
  readonly config: Config;
  readonly source: string;
}

/** Runs one service in the foreground, with the conf that was read for it. */
export async function runKind<Config extends { readonly log: LogOptions }, Running extends Service>(
  shell: Shell,
  { config, source }: ReadConf<Config>,
  { name, start, facts }: ServiceKind<Config, Running>,
): Promise<ExitCode> {
  const signals = new ProcessSignals();
  const buffered = await startLog(name, config.log);
  return runInForeground({
    signals,
    log: buffered.log,
    bufferedLogs: [buffered],
    start: async stopping => {
      const service = await start(config, { log: buffered.log, stopping });
      const ready = [await facts(config, service, source)];
      return { services: [service], announce: () => shell.print(readyDocument(ready), () => readyText(ready, [], shell.paint)) };
    },
  });
}

async function configTable(name: ServiceName): Promise<ConfigTable> {
  if (name === 'agent') return (await import('@lars/agent')).agentConfigTable;
  if (name === 'dnsserver') return (await import('@lars/dnsserver')).dnsserverConfigTable;
  return (await import('@lars/reporter')).reporterConfigTable;
}
