// pure
import type { SystemConfigs } from './start-system.ts';

interface Peer {
  readonly ip: string;
  readonly port: number;
}

/**
 * What the agent's configuration says of dnsserver and reporter that does not hold in `lars up`, where the agent asks the two that
 * run beside it. A peer at its default was not chosen by anybody.
 */
export function overruledPeers(
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

function isSame(one: Peer, other: Peer): boolean {
  return one.port === other.port && (one.ip === other.ip || other.ip === '0.0.0.0');
}
