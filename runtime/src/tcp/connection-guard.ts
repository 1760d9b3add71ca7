// pure
import type { Socket } from 'node:net';
import type { TcpServerCounter } from './tcp-counters.ts';

/** Decides whom a server speaks with, before anything else is said. security/link-guard.ts is the one that there is. */
export interface ConnectionGuard {
  /** Calls back, within a bounded time, unless the remote hangs up. The guard closes what it refuses. */
  admit(socket: Socket): void;
}

export interface ConnectionGuardDeps {
  /** The socket to speak on; the one that was given to `admit`, or one above it. */
  readonly onAdmitted: (socket: Socket) => void;
  /** @param words for the log: what the remote has done wrong */
  readonly onRefused: (counter: Extract<TcpServerCounter, 'refusedTls' | 'refusedToken'>, remote: string, words: string) => void;
}
