import { type AgentConfig, type RunningAgent, startAgent } from '@lars/agent';
import { type DnsserverConfig, type RunningDnsserver, startDnsserver } from '@lars/dnsserver';
import { type ReporterConfig, type RunningReporter, startReporter } from '@lars/reporter';
import { messageOf, StartupError } from '@lars/runtime/errors';
import type { Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { connectable } from './connectable.ts';

export interface SystemConfigs {
  readonly dnsserver: DnsserverConfig;
  readonly reporter: ReporterConfig;
  readonly agent: AgentConfig;
}

export type ServiceName = keyof SystemConfigs;

export interface StartSystemOptions extends SystemConfigs {
  /** One for all, or one for each. */
  readonly log: Logger | Readonly<Record<ServiceName, Logger>>;
  /** Aborted: nothing more is started, and nothing waited for. */
  readonly stopping?: AbortSignal;
}

/** dnsserver, reporter and agent in one process. */
export interface RunningSystem extends Service {
  readonly dnsserver: RunningDnsserver;
  readonly reporter: RunningReporter;
  readonly agent: RunningAgent;
  /** The three in the order in which they are stopped. */
  readonly services: readonly Service[];
}

/**
 * Starts dnsserver, reporter and agent, one after the other; resolves when all serve. The agent connects to these two, whatever its
 * own configuration names: ports there may be 0.
 * @throws {StartupError} naming the service that does not start, also because of `stopping`; those before it have been stopped
 */
export async function startSystem(options: StartSystemOptions): Promise<RunningSystem> {
  const { log, stopping = new AbortController().signal } = options;
  const logs = 'dnsserver' in log ? log : { dnsserver: log, reporter: log, agent: log };
  // The last one that was started is stopped first.
  const started: Service[] = [];
  const start = async <T extends Service>(name: ServiceName, starting: () => Promise<T>): Promise<T> => {
    try {
      if (stopping.aborted) throw new StartupError('STOPPED', 'not started any more');
      const service = await starting();
      started.unshift(service);
      return service;
    } catch (error) {
      await stopAll(started);
      throw naming(name, error);
    }
  };
  const dnsserver = await start('dnsserver', () => startDnsserver(options.dnsserver, { log: logs.dnsserver, stopping }));
  const reporter = await start('reporter', () => startReporter(options.reporter, { log: logs.reporter, stopping }));
  const agentConfig = {
    ...options.agent,
    dnsserver: serverAddress(options.dnsserver.tcp.ip, dnsserver.tcpPort),
    reporter: serverAddress(options.reporter.tcp.ip, reporter.tcpPort),
  };
  const agent = await start('agent', () => startAgent(agentConfig, { log: logs.agent }));
  return runningSystem(dnsserver, reporter, agent, started);
}

function runningSystem(
  dnsserver: RunningDnsserver,
  reporter: RunningReporter,
  agent: RunningAgent,
  services: readonly Service[],
): RunningSystem {
  let stopping: Promise<void> | undefined;
  return {
    name: 'lars',
    dnsserver,
    reporter,
    agent,
    services,
    failed: Promise.race(services.map(service => service.failed)),
    stop: () => {
      stopping ??= stopAll(services);
      return stopping;
    },
  };
}

async function stopAll(services: readonly Service[]): Promise<void> {
  for (const service of services) await service.stop();
}

function serverAddress(ip: string, port: number): AgentConfig['dnsserver'] {
  return { ip: connectable(ip), port, servers: '' };
}

function naming(name: ServiceName, error: unknown): unknown {
  if (!(error instanceof StartupError)) return error;
  return new StartupError(error.code, `${name}: ${messageOf(error)}`, { cause: error });
}
