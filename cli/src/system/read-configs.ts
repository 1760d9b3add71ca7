import { agentConfigTable } from '@lars/agent';
import { dnsserverConfigTable } from '@lars/dnsserver';
import { reporterConfigTable } from '@lars/reporter';
import { readConfigFile } from '@lars/runtime/config/config';
import { type ConfFolder, confFileIn } from './conf-folder.ts';
import type { ServiceName, SystemConfigs } from './start-system.ts';

export interface ReadConfigs {
  readonly configs: SystemConfigs;
  /** Where each one came from: its path, or 'defaults'. */
  readonly sources: Readonly<Record<ServiceName, string>>;
}

/**
 * The conf files of a folder; a file that is not there leaves its service at the built-in defaults.
 * @throws {ConfigError} for the first line that is wrong
 */
export function readConfigs(folder: ConfFolder): ReadConfigs {
  const dnsserver = readConfigFile(dnsserverConfigTable, confFileIn(folder, dnsserverConfigTable.file));
  const reporter = readConfigFile(reporterConfigTable, confFileIn(folder, reporterConfigTable.file));
  const agent = readConfigFile(agentConfigTable, confFileIn(folder, agentConfigTable.file));
  return {
    configs: { dnsserver: dnsserver.config, reporter: reporter.config, agent: agent.config },
    sources: { dnsserver: dnsserver.source, reporter: reporter.source, agent: agent.source },
  };
}
