// pure
import { formatHostName, isPort, SHARD_COUNT } from '@lars/proto';
import { UsageError } from '../errors.ts';
import { parseHostArgument } from './host.ts';

/** Where an agent answers. */
export interface AgentAddress {
  readonly host: string;
  /** The first of three ports that follow one another, or all three. */
  readonly ports: number | readonly number[];
}

/**
 * 'HOST:PORT' with the first of three ports that follow one another, or 'HOST:PORT,PORT,PORT'.
 * @throws {UsageError}
 */
export function parseAgentAddress(text: string): AgentAddress {
  const [first = '', ...others] = text.split(',');
  const address = parseHostArgument(first);
  const host = formatHostName(address);
  if (others.length === 0) return { host, ports: checkedFirst(address.port, text) };
  const ports = [address.port, ...others.map(Number)];
  if (ports.length !== SHARD_COUNT || !ports.every(isPort)) {
    throw new UsageError(`--agent ${text}: expected HOST:PORT or HOST:PORT,PORT,PORT`);
  }
  return { host, ports };
}

function checkedFirst(port: number, text: string): number {
  if (isPort(port + SHARD_COUNT - 1)) return port;
  throw new UsageError(`--agent ${text}: the two ports that follow ${port} do not exist`);
}
