import { StartupError } from '@lars/runtime/errors';
import { loadLibc } from '@lars/runtime/udp/libc';
import { openDgramTransport } from './dgram-transport.ts';
import { MmsgTransport } from './mmsg-transport.ts';
import type { DatagramTransport, TransportChoice, TransportOptions } from './transport.ts';

export interface OpenedTransport {
  readonly transport: DatagramTransport;
  /** Why `auto` did not take mmsg, in one line for people; empty where it did, or the conf chose. */
  readonly fallbackReason: string;
}

/**
 * Opens the transport that the conf chose; `auto` takes mmsg where this machine has what it needs, else dgram.
 * @throws {StartupError} mmsg was demanded and is not to be had
 * @throws {Error} the system's, with its `code`, when the port cannot be bound
 */
export async function openTransport(
  choice: TransportChoice,
  options: TransportOptions,
  load = loadLibc,
): Promise<OpenedTransport> {
  if (choice === 'dgram') return { transport: await openDgramTransport(options), fallbackReason: '' };
  const outcome = await load();
  if ('libc' in outcome) return { transport: new MmsgTransport(outcome.libc, options), fallbackReason: '' };
  if (choice === 'auto') return { transport: await openDgramTransport(options), fallbackReason: outcome.unavailable };
  throw new StartupError('TRANSPORT_UNAVAILABLE', `conf key [udp] transport = mmsg cannot be: ${outcome.unavailable}`);
}
