// pure
import { LarsProtocolError } from './errors.ts';
import { HEADER_BYTES, MAX_BODY_BYTES, readBodyLength, readMessageId } from './header.ts';

type OnFrame = (id: number, body: Uint8Array) => void;
/** The body lies at bytes[from, to). */
type OnFrameInPlace = (id: number, bytes: Uint8Array, from: number, to: number) => void;

const NOTHING = new Uint8Array(0);

/**
 * Cuts a TCP byte stream into frames, whatever its pieces. It keeps at most one unfinished frame.
 * After a BAD_LENGTH it is unknown where the next frame begins, and every push throws the error again: close the connection.
 */
export class FrameDecoder {
  readonly #maxBodyBytes: number;
  /** The first #pending bytes of #frame begin a frame whose end has not come yet. The array is never longer than that frame. */
  #frame: Uint8Array = NOTHING;
  #pending = 0;
  #isStopped = false;
  #failure: LarsProtocolError | undefined;

  constructor(maxBodyBytes: number = MAX_BODY_BYTES) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** How many bytes of an unfinished frame are kept. */
  get pendingBytes(): number {
    return this.#pending;
  }

  /**
   * Calls `onFrame` for each frame that `chunk` completes, in order. Bodies are views, valid during the call only.
   * @returns how many bytes it has taken: all, unless it was stopped
   * @throws {LarsProtocolError} BAD_LENGTH when a header announces a negative or too large body; frames before it were delivered
   */
  push(chunk: Uint8Array, onFrame: OnFrame): number {
    return this.pushInPlace(chunk, (id, bytes, from, to) => onFrame(id, bytes.subarray(from, to)));
  }

  /** As `push`, without an object for each body. */
  pushInPlace(chunk: Uint8Array, onFrame: OnFrameInPlace): number {
    if (this.#failure !== undefined) throw this.#failure;
    this.#isStopped = false;
    let at = this.#pending === 0 ? 0 : this.#complete(chunk, onFrame);
    // A frame that lies whole in the chunk is handed on where it lies, without a copy.
    while (!this.#isStopped && chunk.length - at >= HEADER_BYTES) {
      const end = at + this.#frameBytes(chunk, at);
      if (end > chunk.length) break;
      const start = at;
      at = end;
      onFrame(readMessageId(chunk, start), chunk, start + HEADER_BYTES, end);
    }
    if (this.#isStopped) return at;
    if (at < chunk.length) this.#keepPending(chunk, at, chunk.length, HEADER_BYTES);
    return chunk.length;
  }

  /** For `onFrame`: makes push return behind this frame, so that its caller keeps the rest of the chunk. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Gives the unfinished frame what it lacks, first its header, then the rest. @returns how many bytes of `chunk` that took */
  #complete(chunk: Uint8Array, onFrame: OnFrameInPlace): number {
    let at = 0;
    if (this.#pending < HEADER_BYTES) {
      at = Math.min(HEADER_BYTES - this.#pending, chunk.length);
      this.#keepPending(chunk, 0, at, HEADER_BYTES);
      if (this.#pending < HEADER_BYTES) return at;
    }
    const frameBytes = this.#frameBytes(this.#frame, 0);
    const end = Math.min(at + frameBytes - this.#pending, chunk.length);
    this.#keepPending(chunk, at, end, frameBytes);
    if (this.#pending === frameBytes) this.#deliver(onFrame);
    return end;
  }

  /**
   * Copies chunk[from, to), so that a few left-over bytes do not keep a whole receive buffer alive. The array doubles up to
   * `frameBytes`: a frame that comes byte by byte is copied about twice, and a header alone does not buy the memory that it announces.
   */
  #keepPending(chunk: Uint8Array, from: number, to: number, frameBytes: number): void {
    const pending = this.#pending + to - from;
    if (pending > this.#frame.length) {
      const grown = new Uint8Array(Math.max(pending, Math.min(2 * this.#frame.length, frameBytes)));
      grown.set(this.#frame.subarray(0, this.#pending));
      this.#frame = grown;
    }
    this.#frame.set(chunk.subarray(from, to), this.#pending);
    this.#pending = pending;
  }

  #deliver(onFrame: OnFrameInPlace): void {
    const frame = this.#frame;
    this.#frame = NOTHING;
    this.#pending = 0;
    onFrame(readMessageId(frame, 0), frame, HEADER_BYTES, frame.length);
  }

  /** The size of the frame whose header stands at `at`. */
  #frameBytes(bytes: Uint8Array, at: number): number {
    const bodyBytes = readBodyLength(bytes, at);
    if (bodyBytes >= 0 && bodyBytes <= this.#maxBodyBytes) return HEADER_BYTES + bodyBytes;
    this.#failure = new LarsProtocolError(
      'BAD_LENGTH',
      `a header announces ${bodyBytes} bytes, allowed are 0..${this.#maxBodyBytes}`,
    );
    throw this.#failure;
  }
}
