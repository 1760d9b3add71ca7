// pure
import type { Endpoint } from '../check-options.ts';
import type { Mapping } from '../resource-ledger.ts';

/** What is told of a descriptor; the numbers are those of poll and epoll. */
export const Ready = { readable: 1, urgent: 2, writable: 4, error: 8, hangUp: 0x10, remoteEnded: 0x2000 } as const;
/** What is told once for every change of a connection, and not for as long as it lasts. */
export const EDGE_TRIGGERED = -0x8000_0000;
/** Everything that can happen to a connection, told once when it does. */
export const ALL_EDGES = EDGE_TRIGGERED | Ready.readable | Ready.urgent | Ready.writable | Ready.remoteEnded;
/** The same for what is never waited for to be writable. */
export const READ_EDGES = EDGE_TRIGGERED | Ready.readable | Ready.urgent | Ready.remoteEnded;
/** The same where a receiver looks for bytes. */
export const CHANGE_EDGES = EDGE_TRIGGERED | Ready.writable | Ready.remoteEnded;
/** A receiver tells when bytes or the end are here, and nothing else is told for now. */
export const RECEIVED = 0;
/** A receiver connects: it tells when that is done, or has failed. */
export const CONNECTING = 2;

/** Descriptors whose readiness the kernel tells: a set of epoll, or polls of io_uring. */
export interface ReadinessSet {
  /** There is something to be submitted, so that another `wait` has to come. */
  readonly isUnfinished: boolean;
  /** Where the set receives by itself. */
  readonly receiver: Receiver | undefined;
  /** The set's own. */
  readonly descriptor: number;
  /** Memory that it shares with the kernel. */
  readonly mappings: readonly Mapping[];
  /** Told of each descriptor right before the kernel closes it. */
  onClosing: ((fd: number) => void) | undefined;
  /** @param events a sum of Ready, and EDGE_TRIGGERED; or RECEIVED. @param generation comes back with each event. @throws {Error} as Node's, with `code` */
  add(fd: number, events: number, generation: number): void;
  /** Tells of other events from now on. @param generation comes back with each event */
  change(fd: number, events: number, generation: number): void;
  /** The descriptor stays open, and is the caller's alone. */
  remove(fd: number): void;
  /** @returns how many events there are, at least 0 */
  wait(timeoutMs: number): number;
  fdOf(event: number): number;
  generationOf(event: number): number;
  /** @returns a sum of Ready */
  readinessOf(event: number): number;
  /** Closes a descriptor, whether it is in the set or not. */
  closeDescriptor(fd: number): void;
  close(): void;
}

/** What a receiver counts of a descriptor: bytes that it has received and sent on without telling, bytes that it has sent there, and when the last of either was, ms of the engine's clock. */
export const Count = { forwarded: 0, sent: 1, lastMoveMs: 2 } as const;

/** What a receiver takes at once: enough for a small message. What comes in bulk fills it, and is read with calls from then on. */
export const RECEIVED_BYTES = 4_096;

/**
 * Does by itself what others are told to do with calls. It receives before anybody asks, one buffer for each descriptor: it is readable when bytes are here. It sends on what it has
 * received, and connects, at the next wait.
 */
export interface Receiver {
  /** Receives what comes next, unless something is here that nobody has taken. */
  begin(fd: number): void;
  /** Tells from now on when it is writable again, and when it breaks, though nothing is received. */
  watchChanges(fd: number): void;
  /** The same, beginning some waits later: for who has nothing to send, and may soon be closed. */
  watchBreaks(fd: number): void;
  /**
   * @returns how many bytes were received, 0 at the end, a negative error number, or undefined where nothing has come. A failure behind bytes is to be taken right behind them:
   * the kernel does not tell it again
   */
  take(fd: number): number | undefined;
  /** Why receiving has failed, if it has and nobody has taken that: an error number, which the kernel does not tell again. */
  failureOf(fd: number): number | undefined;
  /** The bytes that `take` has counted, until the end of the turn. */
  bytesOf(fd: number): Uint8Array;
  /** Connects a descriptor that was added as CONNECTING. It is writable when it is connected; `failureOf` says why it is not. */
  connect(fd: number, endpoint: Endpoint): void;
  /**
   * Sends what `take` has counted to another descriptor, of which one such send may be under way.
   * @param goesOn what comes next goes there, too, and nobody is told of it, until a receive brings the end, a failure or so much that there is more, or a send does not take all
   * @returns false where the bytes are to be sent by the caller
   */
  forward(from: number, to: number, goesOn: boolean): boolean;
  /** What comes from here on is sent on there, as with `goesOn`. Nothing else may wait to be sent there. */
  sendOn(from: number, to: number): void;
  /** A send is under way to it, or has not taken all and nobody knows yet: it is told to be writable then. */
  isSending(fd: number): boolean;
  /** What became of the last send: 0 or more, or a negative error number; undefined while it is under way: it is told to be writable when that is over. */
  takeSent(fd: number): number | undefined;
  /** The bytes that it left over, which are the caller's. */
  takeUnsent(fd: number): Uint8Array;
  /** @param count one of Count */
  countOf(fd: number, count: number): number;
  /** Receives no more: when this returns, nothing is under way, and what has come can be taken. @throws {Error} if the kernel does not let go of it */
  stop(fd: number): void;
}
