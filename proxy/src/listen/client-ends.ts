// pure
import type { Address, Connection } from '@lars/reactor';
import { type Ends, unmapped } from '../wire/proxy-header.ts';

/** Who speaks, as the sockets say; undefined where there are no addresses of the network, or nobody has asked for them in time. */
export function endsOf({ remoteAddress, localAddress }: Pick<Connection, 'remoteAddress' | 'localAddress'>): Ends | undefined {
  if (!isOfNetwork(remoteAddress) || !isOfNetwork(localAddress)) return undefined;
  return { source: unmapped(remoteAddress), destination: unmapped(localAddress) };
}

/** The client's address; '' where it has none. */
export function sourceHostOf({ remoteAddress }: Pick<Connection, 'remoteAddress'>): string {
  return isOfNetwork(remoteAddress) ? unmapped(remoteAddress).host : '';
}

/** For people. */
export function clientNameOf({ remoteAddress }: Pick<Connection, 'remoteAddress'>, ends: Ends | undefined): string {
  const source = ends?.source ?? (isOfNetwork(remoteAddress) ? unmapped(remoteAddress) : undefined);
  if (source !== undefined) return `${source.host}:${source.port}`;
  return remoteAddress === undefined ? 'unknown' : 'unix';
}

function isOfNetwork(address: Address | undefined): address is Address {
  return address !== undefined && address.family !== 'unix';
}
