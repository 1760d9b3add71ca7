import { readFileSync } from 'node:fs';
import { parseIpv4 } from '@lars/proto/host-address';

/**
 * Reads from /proc/net/udp how many datagrams the kernel has dropped since a socket was bound, because its receive buffer was full: for
 * sockets whose descriptor is out of reach. The result is always 0 for IPv6, and where there is no such file.
 */
export function dropsOf(ip: string, port: number, read: () => string = readProcNetUdp): () => number {
  const host = parseIpv4(ip);
  if (host === undefined) return () => 0;
  const local = `${hexOf(swapBytes(host), 8)}:${hexOf(port, 4)}`;
  return () => {
    const line = read()
      .split('\n')
      .find(candidate => candidate.trim().split(/\s+/, 2)[1] === local);
    return line === undefined ? 0 : Number(line.trimEnd().split(' ').at(-1));
  };
}

function readProcNetUdp(): string {
  try {
    return readFileSync('/proc/net/udp', 'utf8');
  } catch {
    return '';
  }
}

const hexOf = (value: number, digits: number): string => (value >>> 0).toString(16).toUpperCase().padStart(digits, '0');

/** The file shows an address with its network bytes from the last to the first. */
function swapBytes(ip: number): number {
  return ((ip & 0xff) << 24) | ((ip & 0xff00) << 8) | ((ip >>> 8) & 0xff00) | (ip >>> 24);
}
