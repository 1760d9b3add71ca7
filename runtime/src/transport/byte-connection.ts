// pure
import type { Socket } from 'node:net';

/** What another thread can serve a connection by: a socket of node:net, which is transferred, or the number of a descriptor. */
export type ConnectionHandle = Socket | number;

/** A TCP connection as whoever speaks frames needs it: bytes in, bytes out, no matter who moves them. */
export interface ByteConnection {
  /** Address and port of the other end. */
  readonly remote: string;
  /** What was written and the kernel has not taken. */
  readonly unsentBytes: number;
  /** Reads from now on. To be called once. */
  start(handler: ByteHandler): void;
  /**
   * Sends, or queues what the kernel does not take at once.
   * @param frames in order, not to be changed afterwards @param bytes how many they have together
   */
  write(frames: readonly Uint8Array[], bytes: number): void;
  /** Reads nothing until `resume`, so that the remote has to wait when the kernel's buffers are full. */
  pause(): void;
  resume(): void;
  /** Ends when all that was written has left; what the remote still sends is read, for nobody else would see that it ends too. */
  end(): void;
  /** Closes at once; unsent bytes are lost. */
  destroy(): void;
  /** Calls back when the connection is closed, shortly before or after its descriptor is. */
  onceClosed(callback: () => void): void;
  /** Gives away what lies underneath, instead of `start`: to a guard, or to another thread. */
  giveAway(): ConnectionHandle;
}

export interface ByteHandler {
  /** `bytes` are lent until it returns. */
  onBytes(bytes: Uint8Array): void;
  /** There was a backlog, and nothing is unsent any more. */
  onDrain(): void;
  /** The remote or the network has ended the connection; may be called again. @param error what the system said */
  onEnd(error: Error | undefined): void;
}
