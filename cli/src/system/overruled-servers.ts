// pure
import type { SystemConfigs } from './start-system.ts';

interface ServerAddress {
  readonly ip: string;
  readonly port: number;
}

/**
 * What the agent's configuration says of dnsserver and reporter that `lars up` overrules, where the agent asks the two that
 * run beside it. A server address that is the default was chosen by no one.
 */
export function overruledServers(
  { agent, dnsserver, reporter }: SystemConfigs,
  defaults: SystemConfigs['agent'],
): readonly string[] {
  return [
    { name: 'dnsserver', named: agent.dnsserver, standard: defaults.dnsserver, runs: dnsserver.tcp },
    { name: 'reporter', named: agent.reporter, standard: defaults.reporter, runs: reporter.tcp },
  ]
    .filter(({ named, standard, runs }) => !isSame(named, standard) && !isSame(named, runs) && runs.port !== 0)
    .map(
      ({ name, named }) =>
        `agent.ini: [${name}] names ${named.ip}:${named.port}; here the agent uses the ${name} of this process`,
    );
}

function isSame(one: ServerAddress, other: ServerAddress): boolean {
  return one.port === other.port && (one.ip === other.ip || other.ip === '0.0.0.0');
}
