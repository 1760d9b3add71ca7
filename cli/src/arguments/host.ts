// pure
import { type HostAddress, LarsProtocolError, parseHost } from '@lars/proto';
import { UsageError } from '../errors.ts';

/**
 * 'HOST:PORT', an IPv6 address in brackets.
 * @throws {UsageError} naming the part that is wrong
 */
export function parseHostArgument(text: string): HostAddress {
  try {
    return parseHost(text);
  } catch (cause) {
    if (!(cause instanceof LarsProtocolError)) throw cause;
    throw new UsageError(cause.message, { cause });
  }
}

/**
 * 'HOST:PORT' of an HTTP server, to be put into a URL as it is.
 * @throws {UsageError}
 */
export function parseHttpAddress(text: string): string {
  try {
    parseHost(text);
    return text;
  } catch (cause) {
    if (!(cause instanceof LarsProtocolError)) throw cause;
    throw new UsageError(`--http ${text}: expected HOST:PORT, such as 127.0.0.1:7782`, { cause });
  }
}
