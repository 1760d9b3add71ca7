// pure
/**
 * What dispatcher and workers say to each other on the UNIX socket: frames of 16 bytes, each four unsigned 32-bit numbers, little-endian. README.md has the protocol
 * in words. Descriptors travel on a second connection, so that the first one is an ordinary stream of bytes.
 */

/** Version 1 tells of each connection in a frame; from 2 on counts stand in shared memory (shared-status.ts). */
export const PROTOCOL_VERSION = 2;
export type ProtocolVersion = 1 | 2;
export const FRAME_BYTES = 16;

/** The first number of a frame. Those of workers are below 16. */
export const FrameKind = {
  /** Worker, first: version, the most connections that it wants at a time (0 = any number), the ticket that it was started with (0 = by somebody else). */
  hello: 1,
  /** Worker, the only frame of the second connection: the session that Welcome told. */
  attach: 2,
  /** Worker: the number of the last connection that it has taken, and how many are open. */
  status: 3,
  /** Worker: wants no more connections. */
  leave: 4,
  /** A dispatcher in the place of a worker, instead of hello: wants to take over what the other one listens to. */
  succeed: 5,
  /** It listens to what was offered under this number. */
  claim: 6,
  /** It is ready to accept. */
  ready: 7,
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
  /** To a successor: so many listening descriptors came with it; 0 after the last. The first of all is the workers' socket. */
  offer: 23,
  /** To a successor: it is alone now, and may open what cannot be shared. */
  released: 24,
  /** To a successor: so many connections came with it that this listener has accepted and no worker has taken. */
  rest: 25,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export type WorkerFrame =
  | { readonly kind: 'hello'; readonly version: number; readonly maxConnections: number; readonly ticket: number }
  | { readonly kind: 'attach'; readonly session: number }
  | { readonly kind: 'status'; readonly taken: number; readonly open: number }
  | { readonly kind: 'leave' }
  | { readonly kind: 'succeed'; readonly version: number }
  | { readonly kind: 'claim'; readonly number: number }
  | { readonly kind: 'ready' };

export type DispatcherFrame =
  | { readonly kind: 'welcome'; readonly version: number; readonly session: number }
  | { readonly kind: 'connection'; readonly number: number; readonly listener: number }
  | { readonly kind: 'drain' }
  | { readonly kind: 'last'; readonly number: number }
  | { readonly kind: 'look' | 'moved' | 'released' }
  | { readonly kind: 'offer'; readonly count: number }
  | { readonly kind: 'rest'; readonly count: number; readonly listener: number };

export type Frame = WorkerFrame | DispatcherFrame;

/** The other side does not keep to the protocol; its connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export function encodeFrame(frame: Frame): Uint8Array {
  const [first = 0, second = 0, third = 0] = numbersOf(frame);
  const bytes = new Uint8Array(FRAME_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, FrameKind[frame.kind], true);
  view.setUint32(4, first, true);
  view.setUint32(8, second, true);
  view.setUint32(12, third, true);
  return bytes;
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
    case FrameKind.succeed:
      return { kind: 'succeed', version: first };
    case FrameKind.claim:
      return { kind: 'claim', number: first };
    case FrameKind.ready:
      return { kind: 'ready' };
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
    case FrameKind.offer:
      return { kind: 'offer', count: first };
    case FrameKind.released:
      return { kind: 'released' };
    case FrameKind.rest:
      return { kind: 'rest', count: first, listener: second };
    default:
      throw new ProtocolError(`no dispatcher sends frames of kind ${kind}`);
  }
}

/** Cuts a stream into frames, wherever its chunks begin and end. */
export class FrameSplitter {
  readonly #partial = new Uint8Array(FRAME_BYTES);
  #length = 0;

  /** @param onFrame gets bytes that are the splitter's again when it returns */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void): void {
    let at = 0;
    while (at < chunk.length) {
      const part = chunk.subarray(at, at + FRAME_BYTES - this.#length);
      this.#partial.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
      if (this.#length < FRAME_BYTES) return;
      this.#length = 0;
      onFrame(this.#partial);
    }
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
    case 'claim':
      return [frame.number];
    case 'succeed':
      return [frame.version];
    case 'offer':
      return [frame.count];
    case 'rest':
      return [frame.count, frame.listener];
    default:
      return [];
  }
}

function readNumbers(bytes: Uint8Array): readonly [number, number, number, number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_BYTES);
  return [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true), view.getUint32(12, true)];
}
