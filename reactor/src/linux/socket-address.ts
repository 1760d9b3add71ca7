// pure
/** struct sockaddr_in, sockaddr_in6 and sockaddr_un. */
import type { Endpoint } from '../check-options.ts';
import type { Address } from '../engine.ts';
import { AF_INET, AF_INET6, AF_UNIX } from './constants.ts';

/** The longest of them is that of a path. */
export const ADDRESS_BYTES_MAX = 110;
const INET_BYTES = 16;
const INET6_BYTES = 28;
const PATH_AT = 2;
const DOT = 0x2e;
const ZERO = 0x30;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function familyOf(endpoint: Endpoint): number {
  if (endpoint.kind === 'path') return AF_UNIX;
  return endpoint.host.includes(':') ? AF_INET6 : AF_INET;
}

/** @returns its length */
export function putAddress(bytes: Uint8Array, endpoint: Endpoint): number {
  const family = familyOf(endpoint);
  if (family !== AF_INET) bytes.fill(0, 0, ADDRESS_BYTES_MAX);
  bytes[0] = family;
  bytes[1] = 0;
  if (endpoint.kind === 'path') return PATH_AT + encoder.encodeInto(endpoint.path, bytes.subarray(PATH_AT)).written + 1;
  bytes[2] = endpoint.port >> 8;
  bytes[3] = endpoint.port & 0xff;
  if (family === AF_INET) {
    putInet(bytes, endpoint.host);
    return INET_BYTES;
  }
  bytes.set(inet6Bytes(endpoint.host), 8);
  return INET6_BYTES;
}

export function readAddress(bytes: Uint8Array, length: number): Address {
  const port = (byteAt(bytes, 2) << 8) | byteAt(bytes, 3);
  if (bytes[0] === AF_INET) return { family: 'ipv4', host: [...bytes.subarray(4, 8)].join('.'), port };
  if (bytes[0] === AF_INET6) return { family: 'ipv6', host: formatInet6(bytes.subarray(8, 24)), port };
  const path = decoder.decode(bytes.subarray(PATH_AT, Math.max(PATH_AT, length)));
  return { family: 'unix', host: path.replace(/\0+$/, ''), port: 0 };
}

/** An address that is kept for as long as its connection: of IPv4 one number, of which few are ever asked for. */
export type RemoteAddress = Address | number;

const PORTS = 0x1_0000;
const NAMELESS: Address = { family: 'unix', host: '', port: 0 };

export function compactAddress(bytes: Uint8Array, length: number): RemoteAddress {
  if (length <= PATH_AT) return NAMELESS;
  if (bytes[0] !== AF_INET) return readAddress(bytes, length);
  const ip = ((byteAt(bytes, 4) << 24) | (byteAt(bytes, 5) << 16) | (byteAt(bytes, 6) << 8) | byteAt(bytes, 7)) >>> 0;
  return ip * PORTS + ((byteAt(bytes, 2) << 8) | byteAt(bytes, 3));
}

export function expandAddress(address: RemoteAddress): Address {
  if (typeof address !== 'number') return address;
  const ip = Math.floor(address / PORTS);
  const host = `${ip >>> 24}.${(ip >>> 16) & 0xff}.${(ip >>> 8) & 0xff}.${ip & 0xff}`;
  return { family: 'ipv4', host, port: address % PORTS };
}

/** Without a list of the parts: each connection that is made comes here. */
function putInet(bytes: Uint8Array, host: string): void {
  let part = 0;
  let at = 4;
  for (let index = 0; index < host.length; index++) {
    const code = host.charCodeAt(index);
    if (code !== DOT) part = 10 * part + code - ZERO;
    else {
      bytes[at++] = part;
      part = 0;
    }
  }
  bytes[at] = part;
}

function inetBytes(host: string): number[] {
  return host.split('.').map(Number);
}

/** @param host a valid IPv6 address, without a zone */
function inet6Bytes(host: string): number[] {
  const [head = '', tail] = host.split('::', 2);
  const first = groupBytes(head);
  const last = tail === undefined ? [] : groupBytes(tail);
  return [...first, ...new Array<number>(16 - first.length - last.length).fill(0), ...last];
}

function groupBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap(group => {
    if (group.includes('.')) return inetBytes(group);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** As RFC 5952 wants it: the longest run of zeros is left out. Mapped IPv4 addresses are shown as such. */
function formatInet6(bytes: Uint8Array): string {
  const isMapped = bytes.subarray(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (isMapped) return `::ffff:${[...bytes.subarray(12)].join('.')}`;
  const groups = Array.from({ length: 8 }, (_, at) => ((byteAt(bytes, 2 * at) << 8) | byteAt(bytes, 2 * at + 1)).toString(16));
  const runs = groups.join(':').match(/(?<![\da-f])0(?::0)+(?![\da-f])/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return groups.join(':');
  const [before = '', ...after] = splitOnce(groups.join(':'), longest);
  return `${before.replace(/:$/, '')}::${after.join('').replace(/^:/, '')}`;
}

/** Splits at the first place where the run stands as whole groups. */
function splitOnce(text: string, run: string): [string, string] {
  const at = text.search(new RegExp(`(?<![\\da-f])${run}(?![\\da-f])`));
  return [text.slice(0, at), text.slice(at + run.length)];
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}
