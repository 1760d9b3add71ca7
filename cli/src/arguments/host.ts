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
