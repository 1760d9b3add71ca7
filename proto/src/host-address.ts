// pure
/**
 * Where a host is reached: an IPv4 address as the wire writes it (a host-order number in a signed int32), or an IPv6 address
 * or DNS name in `addr`; and a port.
 */
import { LarsProtocolError } from './errors.ts';

export interface HostAddress {
  readonly ip: number;
  readonly port: number;
  readonly addr: string;
}

const MAX_ADDR_LENGTH = 253;
const DNS_NAME = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?$/;
const LOOKS_IPV4 = /^[0-9.]+$/;
const IPV6_CHARS = /^[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?$/;

/** Unique per (addr, port), or per (ip, port) where addr is empty: a number for IPv4, a string otherwise. */
export type HostKey = number | string;

export function hostKey(host: HostAddress): HostKey {
  return host.addr === '' ? ipv4HostKey(host.ip, host.port) : `${host.addr}|${host.port}`;
}

/** The key of a host without an addr. */
export function ipv4HostKey(ip: number, port: number): HostKey {
  // On the wire a port may be any int32; a host with an impossible one must not share the key of another address.
  return (port & 0xffff) === port ? (ip >>> 0) * 65_536 + port : `${ip}/${port}`;
}

/** -1062731343 → '192.168.1.177' */
export function formatIpv4(ip: number): string {
  return `${(ip >>> 24) & 255}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
}

/** '192.168.1.177' → -1062731343; undefined when it is no IPv4 address in dotted form. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let ip = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    ip = (ip << 8) | Number(part);
  }
  return ip;
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** May the host be called? It has an address or a name, and a port. Both may be anything when they come from the wire. */
export function isCallable({ ip, port, addr }: HostAddress): boolean {
  return isPort(port) && (ip !== 0 || addr !== '');
}

/** The address without its port: '10.0.0.5', '2001:db8::1', 'db.example'. */
export function formatHostName(host: Pick<HostAddress, 'ip' | 'addr'>): string {
  return host.addr === '' ? formatIpv4(host.ip) : host.addr;
}

/** '10.0.0.5:80', '[2001:db8::1]:80', 'db.example:80' */
export function formatHost(host: HostAddress): string {
  const name = formatHostName(host);
  return name.includes(':') ? `[${name}]:${host.port}` : `${name}:${host.port}`;
}

/**
 * The reverse of formatHost: 'HOST:PORT', an IPv6 address in brackets.
 * @throws {LarsProtocolError} BAD_ADDRESS naming the part that is wrong
 */
export function parseHost(text: string): HostAddress {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]+)$/.exec(text);
  if (match === null) throw new LarsProtocolError('BAD_ADDRESS', `'${text}' is no host: expected HOST:PORT or [IPV6]:PORT`);
  const port = Number(match[3]);
  if (!isPort(port)) throw new LarsProtocolError('BAD_ADDRESS', `port ${match[3]} in '${text}' is not in 1..65535`);
  const bracketed = match[1] !== undefined;
  return { ...parseHostName(match[1] ?? match[2] ?? '', bracketed, text), port };
}

function parseHostName(name: string, bracketed: boolean, text: string): Pick<HostAddress, 'ip' | 'addr'> {
  const bad = (why: string) => new LarsProtocolError('BAD_ADDRESS', `address '${name}' in '${text}' ${why}`);
  if (bracketed) {
    if (!isIpv6(name)) throw bad('is no IPv6 address');
    // The name of a network interface after '%' is kept as it is written: there A and a are two names.
    return { ip: 0, addr: name.replace(/^[^%]*/, address => address.toLowerCase()) };
  }
  if (LOOKS_IPV4.test(name)) {
    const ip = parseIpv4(name);
    if (ip === undefined) throw bad('is no IPv4 address');
    if (ip === 0) throw bad('is not an address that can be called');
    return { ip, addr: '' };
  }
  if (name.length > MAX_ADDR_LENGTH || !DNS_NAME.test(name)) throw bad('is no DNS name');
  return { ip: 0, addr: name.toLowerCase() };
}

/** Eight groups of hex digits, one run of zero groups may be '::', the last two groups may be an IPv4 address. */
export function isIpv6(text: string): boolean {
  if (!IPV6_CHARS.test(text)) return false;
  const address = text.split('%')[0] as string;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap(half => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  let count = groups.length;
  if (last?.includes('.')) {
    if (parseIpv4(last) === undefined || address.endsWith(':')) return false;
    groups.pop();
    count += 1;
  }
  if (!groups.every(group => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? count <= 7 : count === 8;
}
