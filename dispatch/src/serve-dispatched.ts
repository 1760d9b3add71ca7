import { createServer, type Server, type ServerOpts, type Socket } from 'node:net';
import { loadDescriptors } from '@lars/reactor';
import { AdoptingServer } from './adopting-server.ts';
import { DispatchLink } from './dispatch-link.ts';

export interface DispatchedOptions extends ServerOpts {
  /** How many connections this worker wants at a time. Default: the server's `maxConnections`, or any number. */
  readonly maxConnections?: number;
  /** Called when the dispatcher wants this worker to finish, because a new one is there. Default: closes the server. */
  readonly onDrain?: () => void;
  /** Is told when the dispatcher cannot be reached; it is tried again until it is there. Default: process.emitWarning. */
  readonly onTrouble?: (error: Error) => void;
}

/** The variables that `lars dispatch --workers` sets for the programs that it starts. */
export const SOCKET_VARIABLE = 'LARS_DISPATCH_SOCKET';
export const TICKET_VARIABLE = 'LARS_DISPATCH_TICKET';

const UINT32_MAX = 0xffff_ffff;

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
  const path = socketPath ?? process.env[SOCKET_VARIABLE];
  if (path === undefined || path === '')
    throw new TypeError(`no path of a dispatcher's socket: neither an argument nor ${SOCKET_VARIABLE}`);
  const { maxConnections, onDrain, onTrouble = warn(path), ...serverOptions } = options;
  const outcome = await loadDescriptors();
  if ('unavailable' in outcome) throw new Error(`connections cannot be received from a dispatcher: ${outcome.unavailable}`);
  const server = typeof target === 'function' ? createServer(serverOptions, target) : target;
  const { promise: attached, resolve } = Promise.withResolvers<void>();
  const adopting = new AdoptingServer(server, path, {
    onClose: () => link.leave(),
    ref: () => link.ref(),
    unref: () => link.unref(),
  });
  const wanted = maxConnections ?? server.maxConnections ?? 0;
  const link = new DispatchLink(
    { socketPath: path, maxConnections: Math.min(wanted, UINT32_MAX), ticket: Number(process.env[TICKET_VARIABLE] ?? 0) || 0 },
    {
      descriptors: outcome.descriptors,
      nowMs: () => performance.now(),
      random: Math.random,
      onConnection: (fd, _listener, onEnded) => adopting.adopt(fd, onEnded),
      countOpen: () => adopting.connections,
      onAttached: resolve,
      onDrain: onDrain ?? (() => server.close()),
      onLeft: () => {
        resolve();
        adopting.finish();
      },
      onTrouble,
    },
  );
  link.open();
  await attached;
  if (server.listening) adopting.announce();
  return server;
}

function warn(path: string): (error: Error) => void {
  return error =>
    process.emitWarning(`no connections from the dispatcher at ${path} for now: ${error.message}`, 'DispatchWarning');
}
