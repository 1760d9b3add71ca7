// pure
import { formatIpv4, parseIpv4 } from '@lars/proto/host-address';
import { excerpt } from '../config/config-error.ts';

/** An IPv4 network; both numbers are unsigned. */
export interface Network {
  /** Its first address. */
  readonly first: number;
  readonly prefixBits: number;
}

const ALL_BITS = 32;

/** @returns the networks of '10.0.0.0/8, 192.168.1.7', undefined when one of them is none */
export function parseNetworks(text: string): readonly Network[] | undefined {
  const entries = entriesOf(text).map(parseNetwork);
  return entries.includes(undefined) ? undefined : (entries as Network[]);
}

/** Which entry is no network, and why; undefined where all are. */
export function describeBadNetwork(text: string): string | undefined {
  const bad = entriesOf(text).find(entry => parseNetwork(entry) === undefined);
  if (bad === undefined) return undefined;
  const [address = '', bits = '32'] = bad.split('/');
  const [ip, prefixBits] = [parseIpv4(address), Number(bits)];
  if (bad === '') return 'an entry between commas is empty';
  if (ip === undefined || !isPrefix(bits) || bad.split('/').length > 2) return `'${excerpt(bad)}' is no IPv4 network`;
  return `'${bad}' has bits behind its first ${prefixBits}: is ${formatIpv4(firstOf(ip, prefixBits))}/${prefixBits} meant?`;
}

export function formatNetworks(networks: readonly Network[]): string {
  return networks
    .map(({ first, prefixBits }) => `${formatIpv4(first)}${prefixBits === ALL_BITS ? '' : `/${prefixBits}`}`)
    .join(', ');
}

/** @param ip unsigned */
export function isInNetwork({ first, prefixBits }: Network, ip: number): boolean {
  return firstOf(ip, prefixBits) === first;
}

function entriesOf(text: string): readonly string[] {
  return text.trim() === '' ? [] : text.split(',').map(entry => entry.trim());
}

function parseNetwork(entry: string): Network | undefined {
  const [address = '', bits = '32', ...more] = entry.split('/');
  const ip = parseIpv4(address);
  if (ip === undefined || more.length > 0 || !isPrefix(bits)) return undefined;
  const prefixBits = Number(bits);
  const first = firstOf(ip, prefixBits);
  return first === ip >>> 0 ? { first, prefixBits } : undefined;
}

function isPrefix(bits: string): boolean {
  return /^\d{1,2}$/.test(bits) && Number(bits) <= ALL_BITS;
}

function firstOf(ip: number, prefixBits: number): number {
  return prefixBits === 0 ? 0 : (ip & (-1 << (ALL_BITS - prefixBits))) >>> 0;
}
