import type { Connection, Engine, Listener } from '@lars/reactor';
import { listenError } from '@lars/runtime/errors';
import type { ListenPlace } from '@lars/runtime/listen-place';
import { removeAbandonedSocket, socketPathError } from '@lars/runtime/socket-path';
import type { ListenerRules } from './listen/listener-rules.ts';

const OPTIONS = { backlog: 4_096, keepAliveMs: 60_000 };

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
  if ('path' in place) return openPath(engine, `listener ${name}: UNIX socket`, place.path, onAccept);
  try {
    return await engine.listen({ ...OPTIONS, host: place.host, port: place.port, reusePort }, onAccept);
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, 'TCP port', place.host, place.port, `listener ${name}`);
  }
}

async function openPath(
  engine: Engine,
  name: string,
  path: string,
  onAccept: (connection: Connection) => void,
): Promise<Listener> {
  await removeAbandonedSocket(name, path);
  try {
    return await engine.listen({ ...OPTIONS, path }, onAccept);
  } catch (error) {
    throw socketPathError(name, path, error as NodeJS.ErrnoException);
  }
}
