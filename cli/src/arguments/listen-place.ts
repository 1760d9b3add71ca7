import { type InetPlace, type ListenPlace, parsePlace } from '@lars/runtime/listen-place';
import { UsageError } from '../errors.ts';

/**
 * Where to listen, as an option says it.
 * @param option whose value it is, for the error
 * @throws {UsageError}
 */
export function parseListenPlace(option: string, text: string): ListenPlace {
  const place = parsePlace(text);
  if (typeof place === 'string') throw new UsageError(`${option}: ${place}`);
  return place;
}

/** The same without UNIX sockets. @throws {UsageError} */
export function parseInetPlace(option: string, text: string): InetPlace {
  const place = parseListenPlace(option, text);
  if ('path' in place) throw new UsageError(`${option}: '${text}' is a UNIX socket: expected IP:PORT or [IPV6]:PORT`);
  return place;
}
