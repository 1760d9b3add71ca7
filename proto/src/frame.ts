// pure
/**
 * A frame: 8 bytes of head (message id and body length, int32 little-endian each) and a protobuf body.
 * Over UDP one datagram is one frame; over TCP frames follow one another in any number of pieces.
 */
import { encodeBody } from './codec.ts';
import { LarsProtocolError } from './errors.ts';
import type { MessageId, MessageOf } from './messages.ts';

export const HEAD_BYTES = 8;
/** The largest body that a head may announce. */
export const MAX_BODY_BYTES = 65_527;
/** The largest IPv4 UDP payload. */
export const MAX_DATAGRAM_BYTES = 65_507;

export interface Frame {
  readonly id: number;
  /** Borrowed: valid only until the decoder is given the next bytes. */
  readonly body: Uint8Array;
}

export function readInt32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

export function writeHead(bytes: Uint8Array, at: number, id: number, bodyBytes: number): void {
  writeInt32(bytes, at, id);
  writeInt32(bytes, at + 4, bodyBytes);
}

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
}

/**
 * One whole frame.
 * @throws {LarsProtocolError} BAD_LENGTH when the body is larger than a head can announce
 */
export function encodeFrame<Id extends MessageId>(id: Id, message: MessageOf[Id]): Uint8Array {
  const body = encodeBody(id, message);
  if (body.length > MAX_BODY_BYTES) {
    throw new LarsProtocolError('BAD_LENGTH', `message ${id} has ${body.length} bytes, a frame takes ${MAX_BODY_BYTES}`);
  }
  const frame = new Uint8Array(HEAD_BYTES + body.length);
  writeHead(frame, 0, id, body.length);
  frame.set(body, HEAD_BYTES);
  return frame;
}

/**
 * Takes a datagram apart. The body is a view into it.
 * @throws {LarsProtocolError} BAD_LENGTH when it is shorter than a head or its length is not what the head says
 */
export function decodeDatagram(datagram: Uint8Array): Frame {
  if (datagram.length < HEAD_BYTES) {
    throw new LarsProtocolError('BAD_LENGTH', `a datagram of ${datagram.length} bytes is shorter than a head`);
  }
  const bodyBytes = readInt32(datagram, 4);
  if (bodyBytes !== datagram.length - HEAD_BYTES) {
    throw new LarsProtocolError(
      'BAD_LENGTH',
      `the head announces ${bodyBytes} bytes, the datagram carries ${datagram.length - HEAD_BYTES}`,
    );
  }
  return { id: readInt32(datagram, 0), body: datagram.subarray(HEAD_BYTES) };
}

type OnFrame = (id: number, body: Uint8Array) => void;

const NOTHING = new Uint8Array(0);

/**
 * Cuts a TCP byte stream into frames, whatever its pieces. Holds at most one unfinished frame.
 * After a BAD_LENGTH the stream is out of step for good and every push throws it again: close the connection.
 */
export class FrameDecoder {
  readonly #maxBodyBytes: number;
  /** The beginning of a frame whose end has not come yet: the first #held bytes of #frame, which is never longer than the frame. */
  #frame: Uint8Array = NOTHING;
  #held = 0;
  #isStopped = false;
  #failure: LarsProtocolError | undefined;

  constructor(maxBodyBytes: number = MAX_BODY_BYTES) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Bytes held of an unfinished frame. */
  get pendingBytes(): number {
    return this.#held;
  }

  /**
   * Calls `onFrame` for each frame that `chunk` completes, in order. Bodies are views, valid during the call only.
   * @returns how many bytes it has taken: all, unless it was stopped
   * @throws {LarsProtocolError} BAD_LENGTH when a head announces a negative or too large body; frames before it were delivered
   */
  push(chunk: Uint8Array, onFrame: OnFrame): number {
    if (this.#failure !== undefined) throw this.#failure;
    this.#isStopped = false;
    let at = this.#held === 0 ? 0 : this.#complete(chunk, onFrame);
    // Frames that lie whole in the chunk are handed on where they lie.
    while (!this.#isStopped && chunk.length - at >= HEAD_BYTES) {
      const end = at + this.#frameBytes(chunk, at);
      if (end > chunk.length) break;
      onFrame(readInt32(chunk, at), chunk.subarray(at + HEAD_BYTES, end));
      at = end;
    }
    if (this.#isStopped) return at;
    if (at < chunk.length) this.#hold(chunk, at, chunk.length, HEAD_BYTES);
    return chunk.length;
  }

  /** For `onFrame`: what is behind this frame is left to whoever has pushed it. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Gives the unfinished frame what it lacks, first its head, then the rest. Returns how much of `chunk` that took. */
  #complete(chunk: Uint8Array, onFrame: OnFrame): number {
    let at = 0;
    if (this.#held < HEAD_BYTES) {
      at = Math.min(HEAD_BYTES - this.#held, chunk.length);
      this.#hold(chunk, 0, at, HEAD_BYTES);
      if (this.#held < HEAD_BYTES) return at;
    }
    const frameBytes = this.#frameBytes(this.#frame, 0);
    const end = Math.min(at + frameBytes - this.#held, chunk.length);
    this.#hold(chunk, at, end, frameBytes);
    if (this.#held === frameBytes) this.#deliver(onFrame);
    return end;
  }

  /**
   * Copies chunk[from, to), so that a few left-over bytes do not keep a whole receive buffer alive. The room doubles up to
   * `frameBytes`: a frame that comes byte by byte is copied about twice, and a head alone does not buy the memory that it announces.
   */
  #hold(chunk: Uint8Array, from: number, to: number, frameBytes: number): void {
    const held = this.#held + to - from;
    if (held > this.#frame.length) {
      const grown = new Uint8Array(Math.max(held, Math.min(2 * this.#frame.length, frameBytes)));
      grown.set(this.#frame.subarray(0, this.#held));
      this.#frame = grown;
    }
    this.#frame.set(chunk.subarray(from, to), this.#held);
    this.#held = held;
  }

  #deliver(onFrame: OnFrame): void {
    const frame = this.#frame;
    this.#frame = NOTHING;
    this.#held = 0;
    onFrame(readInt32(frame, 0), frame.subarray(HEAD_BYTES));
  }

  /** The size of the frame whose head stands at `at`. */
  #frameBytes(bytes: Uint8Array, at: number): number {
    const bodyBytes = readInt32(bytes, at + 4);
    if (bodyBytes >= 0 && bodyBytes <= this.#maxBodyBytes) return HEAD_BYTES + bodyBytes;
    this.#failure = new LarsProtocolError(
      'BAD_LENGTH',
      `a head announces ${bodyBytes} bytes, allowed are 0..${this.#maxBodyBytes}`,
    );
    throw this.#failure;
  }
}
