import { createServer, type Server, type ServerOpts, type Socket } from 'node:net';
import { AdoptingServer } from './adopting-server.ts';
import { findDispatcher, openLink, type WorkerLink, type WorkerOptions } from './worker-link.ts';

/** `maxConnections` is the server's unless it stands here, and draining closes the server. */
export interface DispatchedOptions extends ServerOpts, WorkerOptions {}

/**
 * Serves connections that a dispatcher (`lars dispatch`) accepts. They are ordinary sockets of an ordinary server: its options, `getConnections` and events are what they
 * are where it listens itself, and `close` waits for the last connection; it must not listen. The dispatcher may come, go and come back at any time.
 * @param socketPath where the dispatcher waits for workers; undefined: what LARS_DISPATCH_SOCKET says
 * @param target a server of node:net, node:http, node:https or node:tls, or what is called with each socket
 * @returns the server, as soon as connections come
 * @throws {Error} when this is not Linux, koffi is missing, or the path cannot be one
 */
export async function serveDispatched(
  socketPath: string | undefined,
  target: Server | ((socket: Socket) => void),
  options: DispatchedOptions = {},
): Promise<Server> {
  const place = await findDispatcher(socketPath);
  const { maxConnections, onDrain, onTrouble, ...serverOptions } = options;
  const server = typeof target === 'function' ? createServer(serverOptions, target) : target;
  const adopting = new AdoptingServer(server, place.path, {
    onClose: () => worker.link.leave(),
    ref: () => worker.link.ref(),
    unref: () => worker.link.unref(),
  });
  const worker: WorkerLink = openLink(
    place,
    { maxConnections: maxConnections ?? server.maxConnections ?? 0, ...(onTrouble === undefined ? {} : { onTrouble }) },
    {
      onConnection: (fd, _listener, onEnded) => adopting.adopt(fd, onEnded),
      countOpen: () => adopting.connections,
      onDrain: onDrain ?? (() => server.close()),
      onLeft: () => adopting.finish(),
    },
  );
  await worker.attached;
  if (server.listening) adopting.announce();
  return server;
}
