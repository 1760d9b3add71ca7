// pure
import { isPort, parseIpv4, SHARD_COUNT } from '@lars/proto';
import { UsageError } from '../errors.ts';

export interface Address {
  readonly ip: string;
  readonly port: number;
}

const ADDRESS = /^([^:,\s]+):([0-9]+)((?:,[0-9]+)*)$/;

/**
 * 'IP:PORT', or of an agent also 'IP:PORT,PORT,PORT'; one port of an agent is the first of three that follow one another.
 * @throws {UsageError} naming the option
 */
export function parseAgainst(
  text: string,
  server: 'agent' | 'other',
): { readonly ip: string; readonly ports: readonly number[] } {
  const expected = server === 'agent' ? 'IP:PORT or IP:PORT,PORT,PORT' : 'IP:PORT';
  const [, host = '', first = '', others = ''] = ADDRESS.exec(text) ?? [];
  const ip = host === 'localhost' ? '127.0.0.1' : host;
  const given = `${first}${others}`.split(',').map(Number);
  const all = server === 'agent' && given.length === 1 ? [0, 1, 2].map(shard => (given[0] as number) + shard) : given;
  const wanted = server === 'agent' ? SHARD_COUNT : 1;
  if (parseIpv4(ip) !== undefined && all.length === wanted && all.every(isPort)) return { ip, ports: all };
  throw new UsageError(`--against ${text}: expected ${expected}`);
}

/** @throws {UsageError} naming the option */
export function parseHttp(text: string): Address {
  const [, host = '', port, others] = ADDRESS.exec(text) ?? [];
  const ip = host === 'localhost' ? '127.0.0.1' : host;
  if (parseIpv4(ip) !== undefined && others === '' && isPort(Number(port))) return { ip, port: Number(port) };
  throw new UsageError(`--http ${text}: expected IP:PORT`);
}

/**
 * A load like this one can overload a network: another machine than this one must be named on purpose.
 * @throws {UsageError}
 */
export function checkLoopback(ip: string, remote: boolean): void {
  if (remote || ip.startsWith('127.')) return;
  throw new UsageError(`--against ${ip}: is not this machine; add --remote to mean it`);
}
