import { createConnection, type Socket } from 'node:net';

export interface LinkTarget {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

export interface LinkOpening {
  /** The socket is ready for frames; its owner is whoever gets it. */
  onOpen(socket: Socket): void;
  /** Called once instead, unless the attempt was aborted. */
  onFailed(error: Error): void;
}

export interface LinkAttempt {
  /** Gives up without a call; does nothing once the link is open. */
  abort(): void;
}

/** One attempt to connect. */
export type OpenLink = (target: LinkTarget, opening: LinkOpening) => LinkAttempt;

/** TCP, and nothing more. */
export const openPlainLink: OpenLink = ({ host, port, timeoutMs }, { onOpen, onFailed }) => {
  const socket = createConnection({ host, port });
  const late = setTimeout(() => socket.destroy(connectTimeout(timeoutMs)), timeoutMs);
  let failure = new Error('it hung up');
  socket.once('connect', () => {
    clearTimeout(late);
    socket.removeAllListeners('error').removeAllListeners('close');
    onOpen(socket);
  });
  socket.once('error', error => {
    failure = error;
  });
  socket.once('close', () => {
    clearTimeout(late);
    onFailed(failure);
  });
  return {
    abort: () => {
      if (!socket.connecting) return;
      clearTimeout(late);
      socket.removeAllListeners('close').destroy();
    },
  };
};

export function connectTimeout(timeoutMs: number): Error {
  return new Error(`no connection within ${timeoutMs} ms`);
}
