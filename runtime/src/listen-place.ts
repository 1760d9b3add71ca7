// pure
import { isIpv6, parseIpv4 } from '@lars/proto';

/** Where a program listens: an address of this machine and a port, 0 for any free one; or the path of a UNIX socket. */
export type ListenPlace = InetPlace | { readonly path: string };

export interface InetPlace {
  readonly host: string;
  readonly port: number;
}

const UNIX_PREFIX = 'unix:';
const INET = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/;
const PORT_MAX = 65_535;

/** 'IP:PORT', '[IPV6]:PORT', 'localhost:PORT' or 'unix:PATH'. @returns the place, or what is wrong */
export function parsePlace(text: string): ListenPlace | string {
  if (text.startsWith(UNIX_PREFIX)) {
    const path = text.slice(UNIX_PREFIX.length);
    return path === '' ? `'${text}' names no path` : { path };
  }
  const [, ipv6, name = '', digits] = INET.exec(text) ?? [];
  if (digits === undefined) return `'${text}' is no place to listen: expected IP:PORT, [IPV6]:PORT or unix:PATH`;
  const port = Number(digits);
  if (port > PORT_MAX) return `port ${digits} in '${text}' is not in 0..${PORT_MAX}`;
  const host = ipv6 ?? (name === 'localhost' ? '127.0.0.1' : name);
  const isAddress = ipv6 === undefined ? parseIpv4(host) !== undefined : isIpv6(host);
  return isAddress ? { host, port } : `'${host}' in '${text}' is no IP address of this machine`;
}

export function formatPlace(place: ListenPlace): string {
  if ('path' in place) return `${UNIX_PREFIX}${place.path}`;
  return place.host.includes(':') ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`;
}
