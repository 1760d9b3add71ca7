import { CommandError } from '../errors.ts';
import type { ChosenClient, ClientKind } from './datagram-client.ts';
import { DgramClients } from './dgram-clients.ts';

/**
 * How the generator sends and receives: in batches where that loads, else by node:dgram.
 * @throws {CommandError} NO_MMSG when batches were asked for and do not load here
 */
export async function chooseClient(wanted?: ClientKind): Promise<ChosenClient> {
  const dgram: ChosenClient = { kind: 'dgram', create: () => new DgramClients() };
  if (wanted === 'dgram') return dgram;
  const { loadLibc } = await import('@lars/runtime/udp/libc');
  const outcome = await loadLibc();
  if ('libc' in outcome) {
    const { MmsgClients } = await import('./mmsg-clients.ts');
    return { kind: 'mmsg', create: () => new MmsgClients(outcome.libc) };
  }
  if (wanted === 'mmsg') throw new CommandError('NO_MMSG', `--client mmsg: ${outcome.unavailable}`);
  return dgram;
}
