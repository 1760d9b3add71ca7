import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import type { Connection, Engine, Listener } from '@lars/reactor';
import { listenError, StartupError } from '@lars/runtime/errors';
import type { ListenerRules } from './listen/listener-rules.ts';
import { formatPlace, type ListenPlace } from './listen/listener-text.ts';

const BACKLOG = 4_096;
const KEEP_ALIVE_MS = 60_000;

/**
 * Listens where a listener's section says.
 * @param place instead of that of the section: with the port that was picked for all threads
 * @throws {StartupError} naming the place, the section, and why
 */
export async function openListener(
  engine: Engine,
  { name, place: own }: ListenerRules,
  { place = own, reusePort }: { readonly place?: ListenPlace | undefined; readonly reusePort: boolean },
  onAccept: (connection: Connection) => void,
): Promise<Listener> {
  const options = { backlog: BACKLOG, keepAliveMs: KEEP_ALIVE_MS };
  const confKey = `listener ${name}`;
  try {
    if (place.kind === 'inet')
      return await engine.listen({ ...options, host: place.host, port: place.port, reusePort }, onAccept);
    await removeAbandonedSocket(place.path);
    return await engine.listen({ ...options, path: place.path }, onAccept);
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    if (place.kind === 'inet') throw listenError(cause, 'TCP port', place.host, place.port, confKey);
    const why = cause.code === 'EADDRINUSE' ? 'is taken: another process listens there, or it is no socket' : cause.message;
    throw new StartupError(cause.code ?? 'LISTEN_FAILED', `UNIX socket ${formatPlace(place)} (${confKey}) ${why}`, { cause });
  }
}

/** A process that was killed leaves its socket's file, at which nobody listens any more. */
async function removeAbandonedSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const isAbandoned = await new Promise<boolean>(resolve => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(false));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
  if (isAbandoned) unlinkSync(path);
}
