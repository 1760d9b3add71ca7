import { isIP } from 'node:net';
import type { ListenPlace } from '@lars/dispatcher';
import { UsageError } from '../errors.ts';

const INET = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/;
const PORT_MAX = 65_535;

/**
 * Where to listen: 'IP:PORT' (port 0 = any free one), an IPv6 address in brackets, 'localhost:PORT', or 'unix:PATH'.
 * @param option whose value it is, for the error
 * @throws {UsageError}
 */
export function parseListenPlace(option: string, text: string): ListenPlace {
  if (text.startsWith('unix:') && text.length > 'unix:'.length) return { path: text.slice('unix:'.length) };
  return parseInetPlace(option, text, ' or unix:PATH');
}

/** The same without UNIX sockets. @throws {UsageError} */
export function parseInetPlace(option: string, text: string, others = ''): { readonly host: string; readonly port: number } {
  const [, ipv6, name = '', port = ''] = INET.exec(text) ?? [];
  const host = ipv6 ?? (name === 'localhost' ? '127.0.0.1' : name);
  const isRight = isIP(host) === (ipv6 === undefined ? 4 : 6);
  if (isRight && port !== '' && Number(port) <= PORT_MAX) return { host, port: Number(port) };
  throw new UsageError(`${option} ${text}: expected IP:PORT${others === '' ? ' or' : ','} [IPV6]:PORT${others}`);
}
