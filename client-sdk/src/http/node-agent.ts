import type { Agent, ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The options of a request as node:http gives them to its agent: complete, with host and port. */
export interface SocketOptions {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  /** The `timeout` of the request, milliseconds. */
  readonly timeout?: number | undefined;
  readonly servername?: string | undefined;
}

export type SocketCallback = (error: Error | null, socket?: Duplex) => void;

/**
 * What node:http asks of an agent, beyond what its types tell. `addRequest` is all that it demands of an "Agent-like Object"; packages that make
 * agents have stood on both methods since Node.js 4.
 */
export interface NodeAgent {
  /** Gets the request a socket, sooner or later. */
  addRequest(request: ClientRequest, options: SocketOptions): void;
  /** Makes a socket for a request, where none is free. */
  createSocket(request: ClientRequest, options: SocketOptions, callback: SocketCallback): void;
}

/** Gives a request its socket, or ends it with an error. */
export function giveSocket(request: ClientRequest, socket: Duplex | undefined, error?: Error): void {
  (request as unknown as { onSocket(socket: Duplex | undefined, error?: Error): void }).onSocket(socket, error);
}

/** Of an address to which no connection came about node:http keeps an empty list of sockets for ever, and hosts come and go. */
export function forgetEmpty(agent: Agent, options: SocketOptions, callback: SocketCallback): SocketCallback {
  return (error, socket) => {
    const sockets: NodeJS.Dict<Socket[]> = agent.sockets;
    const name = agent.getName(options as Parameters<Agent['getName']>[0]);
    if (error && sockets[name]?.length === 0) delete sockets[name];
    callback(error, socket);
  };
}

/**
 * Waits until a connection stands.
 * @param event 'connect', or 'secureConnect' for TLS
 * @param callback is called once
 */
export function onceConnected(socket: Duplex, event: string, timeoutMs: number, callback: SocketCallback): void {
  const end = (error: Error | null) => {
    clearTimeout(timer);
    socket.off(event, onConnected).off('error', end).off('close', onClose);
    if (error === null) callback(null, socket);
    else callback(error);
  };
  const fail = (text: string, code: string) => end(Object.assign(new Error(text), { code }));
  const onConnected = () => end(null);
  const onClose = () => fail('the connection was closed before it stood', 'ECONNRESET');
  const timer = setTimeout(() => {
    fail(`no connection within ${timeoutMs} ms`, 'ETIMEDOUT');
    socket.destroy();
  }, timeoutMs);
  socket.once(event, onConnected).once('error', end).once('close', onClose);
}
