import type { Source } from './hub.ts';
import type { SocketContext } from './stream-socket.ts';

export interface SocketConnectionDeps {
  readonly context: SocketContext;
  readonly writeHighBytes: number;
  readonly writeLimitBytes: number;
  /** What the kernel does not take at once breaks the connection. */
  readonly isWrittenWhole: boolean;
  /** As AdoptOptions have them. */
  readonly isShared: boolean;
  readonly onGoneForUser: ((wasEndTold: boolean) => void) | undefined;
  /** Called once, when the connection of this descriptor is not the engine's any more. */
  onGone(fd: number, isGivenAway: boolean): void;
}

/** What a connection in a relay tells it. */
export interface RelaySide extends Source {
  readonly isRelayOpen: boolean;
  /** Somebody has closed the connection. */
  onClosed(): void;
}
