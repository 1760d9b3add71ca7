/** What conf files of one machine say together, and what a proxy's says beyond its lines. */
import { serverAddresses } from '@lars/agent';
import type { DnsserverConfig } from '@lars/dnsserver';
import { agentPorts, listenerWarnings, type ProxyConfig, readListeners } from '@lars/proxy';
import { formatAddress } from '@lars/runtime/config/address-list';
import { exposureWarning, isLoopback } from '@lars/runtime/exposure';
import { connectable } from './connectable.ts';
import type { ServiceName, SystemConfigs } from './start-system.ts';

/** Whose conf files there are. */
export type ConfiguredService = ServiceName | 'proxy';

export type ConfigsOfMachine = Partial<SystemConfigs> & { readonly proxy?: ProxyConfig | undefined };

/**
 * @param isNamed the user has named the file: a proxy that is started with it alone refuses to start without a listener. One that lies in a folder, as the sample does in every folder
 *   of samples, asks for no proxy then, and is no mistake
 */
export function checkProxy(
  path: string,
  config: ProxyConfig,
  isNamed: boolean,
): { readonly errors: readonly string[]; readonly warnings: readonly string[] } {
  const listeners = readListeners(config);
  if (typeof listeners === 'string') return { errors: [`${path}: ${listeners}`], warnings: [] };
  const none = isNamed && listeners.length === 0 ? ['there is no [listen NAME]: it starts with --listen alone'] : [];
  const http = exposureWarning(config.http.ip, '[http] ip', 'it to 127.0.0.1') ?? [];
  return { errors: [], warnings: [...none, ...listenerWarnings(listeners), ...[http].flat()] };
}

/** Values of different files that do not fit: two services on one port, an agent that looks elsewhere for a server of this machine. */
export function warningsTogether(configs: ConfigsOfMachine): ReadonlyMap<ConfiguredService, readonly string[]> {
  const warnings = new Map<ConfiguredService, string[]>();
  const warn = (service: ConfiguredService, warning: string) =>
    warnings.set(service, [...(warnings.get(service) ?? []), warning]);
  const { agent, dnsserver, reporter, proxy } = configs;
  const taken = new Map<number, string>();
  for (const service of ['dnsserver', 'reporter', 'agent', 'proxy'] as const) {
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
  if (agent !== undefined && proxy !== undefined && isLoopback(proxy.agent.host) && agent.udp.port !== 0) {
    const [first] = [agentPorts(proxy.agent.ports)].flat();
    if (first !== agent.udp.port)
      warn('proxy', `[agent] ports = ${proxy.agent.ports}, but agent.ini has [udp] port = ${agent.udp.port}`);
  }
  return warnings;
}
