import { formatAddress, parseAddressList, type ServerAddress } from '@lars/runtime/config/address-list';
import { StartupError } from '@lars/runtime/errors';
import { type AgentConfig, agentConfigTable } from './config.ts';

/**
 * The dnsservers or reporters of the conf, in the order of preference; never none.
 * @throws {StartupError} when `ip` and `port` name a server that is not among `servers`: one of the two is a mistake
 */
export function serverAddresses(config: AgentConfig, section: 'dnsserver' | 'reporter'): readonly ServerAddress[] {
  const { ip, port, servers } = config[section];
  const { fields } = agentConfigTable.sections[section];
  const listed = parseAddressList(servers, fields.port.default);
  if (typeof listed === 'string') throw new StartupError('BAD_CONFIG', `[${section}] servers = ${servers}: ${listed}`);
  const single = { host: ip, port };
  if (listed.length === 0) return [single];
  const isDefault = ip === fields.ip.default && port === fields.port.default;
  if (!isDefault && !listed.some(({ host, port: listedPort }) => host === ip.toLowerCase() && listedPort === port)) {
    const message = `[${section}] ip and port name ${formatAddress(single)}, which is not in servers = ${servers}: leave them out, or add it`;
    throw new StartupError('BAD_CONFIG', message);
  }
  return listed;
}
