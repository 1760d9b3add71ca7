import { agentConfigTable } from '@lars/agent';
import { readConfigFile } from '@lars/runtime/config/config';
import { createLogger } from '@lars/runtime/process-log';
import { ProcessSignals } from '@lars/runtime/process-signals';
import type { ExitCode } from '../exit-code.ts';
import type { Shell } from '../shell.ts';
import type { ConfFolder } from './conf-folder.ts';
import { connectable } from './connectable.ts';
import { overruledServers } from './overruled-servers.ts';
import { type ReadConfigs, readConfigs } from './read-configs.ts';
import { readyDocument, readyText } from './ready.ts';
import { runInForeground } from './run-in-foreground.ts';
import { agentFacts, dnsserverFacts, healthUrl, reporterFacts, type ServiceFacts } from './service-facts.ts';
import { startLog } from './start-log.ts';
import { type RunningSystem, startSystem } from './start-system.ts';
import { tryNext } from './try-next.ts';

/**
 * Runs the system that the conf files of a folder describe, until a signal or a failure ends it.
 * @throws {ConfigError | StartupError} when it does not start
 */
export async function runSystem(shell: Shell, folder: ConfFolder): Promise<ExitCode> {
  const read = readConfigs(folder);
  const { configs } = read;
  const signals = new ProcessSignals();
  const dnsserver = await startLog('dnsserver', configs.dnsserver.log);
  const reporter = await startLog('reporter', configs.reporter.log);
  const agent = await startLog('agent', configs.agent.log);
  const log = { dnsserver: dnsserver.log, reporter: reporter.log, agent: agent.log };
  return runInForeground({
    signals,
    log: await createLogger('lars', configs.agent.log),
    bufferedLogs: [dnsserver, reporter, agent],
    start: async stopping => {
      const system = await startSystem({ ...configs, log, stopping });
      for (const warning of overruledServers(configs, readConfigFile(agentConfigTable, undefined).config))
        log.agent.warn(warning);
      const facts = await systemFacts(read, system);
      const next = tryNext({ folder, ...pickedAddresses(read, system) });
      return {
        services: system.services,
        announce: () => shell.print(readyDocument(facts), () => readyText(facts, next, shell.paint)),
      };
    },
  });
}

/** A conf file with port 0 does not tell a client where the agent listens. */
function pickedAddresses({ configs }: ReadConfigs, { agent }: RunningSystem) {
  const { udp, http } = configs.agent;
  return {
    pickedAgent: udp.port === 0 ? `${connectable(udp.ip)}:${agent.udpPorts.join(',')}` : undefined,
    pickedHealth: http.port === 0 ? healthUrl(http.ip, agent.httpPort) : undefined,
  };
}

async function systemFacts({ configs, sources }: ReadConfigs, system: RunningSystem): Promise<readonly ServiceFacts[]> {
  return [
    dnsserverFacts(configs.dnsserver, system.dnsserver, sources.dnsserver),
    reporterFacts(configs.reporter, system.reporter, sources.reporter),
    await agentFacts(configs.agent, system.agent, sources.agent),
  ];
}
