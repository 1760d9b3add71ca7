/** Listening where the engine opens the socket itself, as node:net must. */
import { createServer } from 'node:net';
import type { Connection, Engine, Listener } from '@lars/reactor';
import { listenError } from '@lars/runtime/errors';
import { listenOnPath } from '@lars/runtime/listen-on-path';
import type { ListenPlace } from '@lars/runtime/listen-place';
import type { ListenerRules } from './listener-rules.ts';

/** What holds for each listening socket, and what it accepts. */
export const ACCEPTED_SOCKETS = { backlog: 4_096, keepAliveMs: 60_000 };

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
  if ('path' in place) {
    const options = {
      path: place.path,
      name: `listener ${name}: UNIX socket`,
      mode: undefined,
      backlog: ACCEPTED_SOCKETS.backlog,
    };
    return listenOnPath(options, at => engine.listen({ ...ACCEPTED_SOCKETS, ...at }, onAccept));
  }
  try {
    return await engine.listen({ ...ACCEPTED_SOCKETS, host: place.host, port: place.port, reusePort }, onAccept);
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, 'TCP port', place.host, place.port, `listener ${name}`);
  }
}

/**
 * Sockets that share a port do not notice another process that shares it, too: so the port is opened once by a socket that shares nothing. It picks a free one
 * where the conf leaves that to the system.
 * @throws {StartupError} when it is taken
 */
export async function pickPlace({ name, place }: ListenerRules): Promise<ListenPlace> {
  if ('path' in place) return place;
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(listenError(error, 'TCP port', place.host, place.port, `listener ${name}`)));
    server.listen({ host: place.host, port: place.port, exclusive: true }, resolve);
  });
  const { port } = server.address() as { readonly port: number };
  await new Promise(resolve => server.close(resolve));
  return { ...place, port };
}
