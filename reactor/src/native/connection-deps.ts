import type { Connection } from '../engine.ts';
import type { Source } from './hub.ts';
import type { SocketContext } from './stream-socket.ts';

export interface SocketConnectionDeps {
  readonly context: SocketContext;
  readonly writeHighBytes: number;
  /** Called once, when the connection is not the engine's any more. */
  onGone(connection: Connection): void;
}

/** What a connection in a relay tells it. */
export interface RelaySide extends Source {
  readonly isRelayOpen: boolean;
  /** Somebody has closed the connection. */
  onClosed(): void;
}
