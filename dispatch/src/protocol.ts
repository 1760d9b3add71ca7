// pure
/**
 * What dispatcher and workers say to each other on the UNIX socket: frames of 16 bytes, each four unsigned 32-bit numbers, little-endian. README.md has the protocol
 * in words. Descriptors travel on a second connection, so that the first one is an ordinary stream of bytes.
 */
import { ProtocolError, readNumbers, writeNumbers } from '@lars/reactor/number-frames';

/** Version 1 tells of each connection in a frame; from 2 on counts stand in shared memory (shared-status.ts). */
export const PROTOCOL_VERSION = 2;
export type ProtocolVersion = 1 | 2;

/** The first number of a frame. Those of workers are below 16; 5 to 7 and 23 to 25 are said by a dispatcher that takes over from another, and by that. */
export const FrameKind = {
  /** Worker, first: version, the most connections that it wants at a time (0 = any number), the ticket that it was started with (0 = by somebody else). */
  hello: 1,
  /** Worker, the only frame of the second connection: the session that Welcome told. */
  attach: 2,
  /** Worker: the number of the last connection that it has taken, and how many are open. */
  status: 3,
  /** Worker: wants no more connections. */
  leave: 4,
  /** Dispatcher, after hello: version, session. */
  welcome: 17,
  /** Dispatcher: a connection's number (1, 2, … in each session) and its listener; its descriptor waits on the second connection. */
  connection: 18,
  /** Dispatcher: finish what you have and end. */
  drain: 19,
  /** Dispatcher, after leave, or before drain: no connection comes after the number told. */
  last: 20,
  /** Dispatcher, version 2: look at the second connection, and at what the shared page says. */
  look: 21,
  /** Dispatcher, version 2: another one has taken over; connect again, at once. */
  moved: 22,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export type WorkerFrame =
  | { readonly kind: 'hello'; readonly version: number; readonly maxConnections: number; readonly ticket: number }
  | { readonly kind: 'attach'; readonly session: number }
  | { readonly kind: 'status'; readonly taken: number; readonly open: number }
  | { readonly kind: 'leave' };

export type DispatcherFrame =
  | { readonly kind: 'welcome'; readonly version: number; readonly session: number }
  | { readonly kind: 'connection'; readonly number: number; readonly listener: number }
  | { readonly kind: 'drain' }
  | { readonly kind: 'last'; readonly number: number }
  | { readonly kind: 'look' | 'moved' };

export type Frame = WorkerFrame | DispatcherFrame;

export function encodeFrame(frame: Frame): Uint8Array {
  return writeNumbers(FrameKind[frame.kind], numbersOf(frame));
}

/** @throws {ProtocolError} when it is no frame of a worker */
export function decodeWorkerFrame(bytes: Uint8Array): WorkerFrame {
  const [kind, first, second, third] = readNumbers(bytes);
  switch (kind) {
    case FrameKind.hello:
      return { kind: 'hello', version: first, maxConnections: second, ticket: third };
    case FrameKind.attach:
      return { kind: 'attach', session: first };
    case FrameKind.status:
      return { kind: 'status', taken: first, open: second };
    case FrameKind.leave:
      return { kind: 'leave' };
    default:
      throw new ProtocolError(`no worker sends frames of kind ${kind}`);
  }
}

/** @throws {ProtocolError} when it is no frame of a dispatcher */
export function decodeDispatcherFrame(bytes: Uint8Array): DispatcherFrame {
  const [kind, first, second] = readNumbers(bytes);
  switch (kind) {
    case FrameKind.welcome:
      return { kind: 'welcome', version: first, session: second };
    case FrameKind.connection:
      return { kind: 'connection', number: first, listener: second };
    case FrameKind.drain:
      return { kind: 'drain' };
    case FrameKind.last:
      return { kind: 'last', number: first };
    case FrameKind.look:
      return { kind: 'look' };
    case FrameKind.moved:
      return { kind: 'moved' };
    default:
      throw new ProtocolError(`no dispatcher sends frames of kind ${kind}`);
  }
}

function numbersOf(frame: Frame): readonly number[] {
  switch (frame.kind) {
    case 'hello':
      return [frame.version, frame.maxConnections, frame.ticket];
    case 'attach':
      return [frame.session];
    case 'status':
      return [frame.taken, frame.open];
    case 'welcome':
      return [frame.version, frame.session];
    case 'connection':
      return [frame.number, frame.listener];
    case 'last':
      return [frame.number];
    default:
      return [];
  }
}
