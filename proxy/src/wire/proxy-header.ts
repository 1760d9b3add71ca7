// pure
/** The PROXY protocol, versions 1 and 2: a header in front of a connection's bytes, by which a proxy names the client. */
import { formatIpv4, isIpv6, isPort, parseIpv4 } from '@lars/proto';

/** One end of a connection of the network. */
export interface EndAddress {
  /** An IPv4 address, or an IPv6 address that maps none. */
  readonly host: string;
  readonly port: number;
}

/** Who speaks, and whom they connected to. */
export interface Ends {
  readonly source: EndAddress;
  readonly destination: EndAddress;
}

export type HeaderParse =
  /** The bytes may become a header, and more must be read. */
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly problem: string }
  /** `ends` is undefined where the proxy speaks for itself, or for a client without an address of the network. */
  | { readonly kind: 'header'; readonly length: number; readonly ends: Ends | undefined };

export type HeaderVersion = 'v1' | 'v2';

const V1_START = ascii('PROXY ');
const V1_MAX_BYTES = 107;
const V2_SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V2_HEAD_BYTES = 16;
/** Addresses and what a proxy adds to them (TLVs); the field could say 65,535. */
const V2_MAX_LENGTH = 4_096;
const V2_INET = 1;
const V2_INET6 = 2;
/** Of addresses and ports. */
const V2_INET_BYTES = 12;
const V2_INET6_BYTES = 36;

/** More bytes are never needed to know the header. */
export const HEADER_MAX_BYTES = V2_HEAD_BYTES + V2_MAX_LENGTH;

const MORE: HeaderParse = { kind: 'more' };

/** Reads the header at the front of a connection's bytes, of which any number may have come. */
export function parseProxyHeader(bytes: Uint8Array): HeaderParse {
  if (startsAs(bytes, V1_START)) return bytes.length < V1_START.length ? MORE : parseV1(bytes);
  if (startsAs(bytes, V2_SIGNATURE)) return bytes.length < V2_HEAD_BYTES ? MORE : parseV2(bytes);
  return { kind: 'bad', problem: 'no PROXY header' };
}

/** The header for a client; one that says "unknown" where it has no address of the network, or the two ends are of different families. */
export function formatProxyHeader(version: HeaderVersion, ends: Ends | undefined): Uint8Array {
  const known = ends === undefined ? undefined : sameFamily(ends);
  return version === 'v1' ? formatV1(known) : formatV2(known);
}

/** An IPv4 address that an IPv6 socket shows as '::ffff:10.0.0.1' becomes itself. */
export function unmapped({ host, port }: EndAddress): EndAddress {
  const [, mapped = ''] = /^::ffff:([0-9.]+)$/i.exec(host) ?? [];
  return parseIpv4(mapped) === undefined ? { host: host.split('%')[0] as string, port } : { host: mapped, port };
}

function parseV1(bytes: Uint8Array): HeaderParse {
  const end = bytes.subarray(0, V1_MAX_BYTES).indexOf(0x0a);
  if (end < 0) return bytes.length < V1_MAX_BYTES ? MORE : { kind: 'bad', problem: 'a PROXY header of version 1 without an end' };
  const line = String.fromCharCode(...bytes.subarray(0, end + 1));
  const length = end + 1;
  if (/^PROXY UNKNOWN(?: [^\r\n]*)?\r\n$/.test(line)) return { kind: 'header', length, ends: undefined };
  const [, family, from = '', to = '', fromPort, toPort] =
    /^PROXY TCP([46]) (\S+) (\S+) ([0-9]{1,5}) ([0-9]{1,5})\r\n$/.exec(line) ?? [];
  const isAddress = family === '4' ? isIpv4 : isIpv6;
  const source = { host: from, port: Number(fromPort) };
  const destination = { host: to, port: Number(toPort) };
  const isGood = family !== undefined && isAddress(from) && isAddress(to) && isPort(source.port) && isPort(destination.port);
  if (!isGood) return { kind: 'bad', problem: 'a PROXY header of version 1 that makes no sense' };
  return { kind: 'header', length, ends: { source: unmapped(source), destination: unmapped(destination) } };
}

function parseV2(bytes: Uint8Array): HeaderParse {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const command = view.getUint8(12);
  if (command >> 4 !== 2 || (command & 15) > 1)
    return { kind: 'bad', problem: 'a PROXY header of an unknown version or command' };
  const family = view.getUint8(13) >> 4;
  const bodyLength = view.getUint16(14);
  if (bodyLength > V2_MAX_LENGTH) return { kind: 'bad', problem: `a PROXY header of ${bodyLength} bytes` };
  const length = V2_HEAD_BYTES + bodyLength;
  if (bytes.length < length) return MORE;
  const needed = family === V2_INET ? V2_INET_BYTES : family === V2_INET6 ? V2_INET6_BYTES : 0;
  if (bodyLength < needed) return { kind: 'bad', problem: 'a PROXY header of version 2 that is too short for its addresses' };
  const isLocal = (command & 15) === 0;
  if (isLocal || needed === 0) return { kind: 'header', length, ends: undefined };
  const hostAt = (at: number) => (family === V2_INET ? formatIpv4(view.getInt32(at)) : formatIpv6(bytes.subarray(at, at + 16)));
  const size = family === V2_INET ? 4 : 16;
  const at = V2_HEAD_BYTES;
  const source = { host: hostAt(at), port: view.getUint16(at + 2 * size) };
  const destination = { host: hostAt(at + size), port: view.getUint16(at + 2 * size + 2) };
  return { kind: 'header', length, ends: { source: unmapped(source), destination: unmapped(destination) } };
}

function formatV1(ends: Ends | undefined): Uint8Array {
  if (ends === undefined) return ascii('PROXY UNKNOWN\r\n');
  const { source, destination } = ends;
  const family = isIpv4(source.host) ? 'TCP4' : 'TCP6';
  return ascii(`PROXY ${family} ${source.host} ${destination.host} ${source.port} ${destination.port}\r\n`);
}

function formatV2(ends: Ends | undefined): Uint8Array {
  const size = ends === undefined ? 0 : isIpv4(ends.source.host) ? 4 : 16;
  const bodyLength = ends === undefined ? 0 : 2 * size + 4;
  const bytes = new Uint8Array(V2_HEAD_BYTES + bodyLength);
  const view = new DataView(bytes.buffer);
  bytes.set(V2_SIGNATURE);
  view.setUint8(12, 0x21);
  view.setUint8(13, size === 0 ? 0 : ((size === 4 ? V2_INET : V2_INET6) << 4) | 1);
  view.setUint16(14, bodyLength);
  if (ends === undefined) return bytes;
  bytes.set(addressBytes(ends.source.host), V2_HEAD_BYTES);
  bytes.set(addressBytes(ends.destination.host), V2_HEAD_BYTES + size);
  view.setUint16(V2_HEAD_BYTES + 2 * size, ends.source.port);
  view.setUint16(V2_HEAD_BYTES + 2 * size + 2, ends.destination.port);
  return bytes;
}

function sameFamily(ends: Ends): Ends | undefined {
  const source = unmapped(ends.source);
  const destination = unmapped(ends.destination);
  return isIpv4(source.host) === isIpv4(destination.host) ? { source, destination } : undefined;
}

function isIpv4(host: string): boolean {
  return parseIpv4(host) !== undefined;
}

/** The 4 or 16 bytes of an address. */
function addressBytes(host: string): Uint8Array {
  const ip = parseIpv4(host);
  if (ip !== undefined) return Uint8Array.of(ip >>> 24, ip >>> 16, ip >>> 8, ip);
  const [front = '', back] = host.split('::');
  const groups = [groupsOf(front), back === undefined ? [] : groupsOf(back)] as const;
  const missing = 8 - groups[0].length - groups[1].length;
  const all = [...groups[0], ...Array.from({ length: missing }, () => 0), ...groups[1]];
  return Uint8Array.from(all.flatMap(group => [group >> 8, group & 255]));
}

function groupsOf(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(':').flatMap(group => {
    const ip = parseIpv4(group);
    return ip === undefined ? [Number.parseInt(group, 16)] : [(ip >>> 16) & 0xffff, ip & 0xffff];
  });
}

/** As RFC 5952 wants it: the longest run of zero groups is '::'. */
function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] as number) << 8) | (bytes[2 * at + 1] as number));
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${[...bytes.subarray(12)].join('.')}`;
  }
  let [start, length] = [0, 0];
  for (let at = 0; at < groups.length; at++) {
    let end = at;
    while (groups[end] === 0) end += 1;
    if (end - at > length) [start, length] = [at, end - at];
  }
  const hex = (from: number, to: number) => groups.slice(from, to).map(group => group.toString(16));
  return length < 2 ? hex(0, 8).join(':') : `${hex(0, start).join(':')}::${hex(start + length, 8).join(':')}`;
}

/** Whether the bytes begin as `start` does, as far as they have come. */
function startsAs(bytes: Uint8Array, start: Uint8Array): boolean {
  const length = Math.min(bytes.length, start.length);
  for (let at = 0; at < length; at++) if (bytes[at] !== start[at]) return false;
  return true;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, letter => letter.charCodeAt(0));
}
