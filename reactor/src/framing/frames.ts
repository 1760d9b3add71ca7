// pure
/** Frames as LARS has them: a message id and the length of the body, each a signed 32-bit number, little-endian; then the body. */
export const FRAME_HEADER_BYTES = 8;
/** A connection keeps so much for its next frame; what a larger one took is given back when it is told. */
const KEPT_BYTES = 16_384;
const NOTHING = new Uint8Array(0);

/** Cuts a stream into frames, wherever its chunks begin and end. Memory is taken for bytes that have come, not for those that a header promises. */
export class LengthPrefixedSplitter {
  readonly #maxBodyBytes: number;
  #partial: Uint8Array = NOTHING;
  #length = 0;

  /** @param maxBodyBytes of a frame, without its header. @throws {RangeError} */
  constructor(maxBodyBytes: number) {
    if (!(maxBodyBytes >= 0)) throw new RangeError(`maxBodyBytes is ${maxBodyBytes}, and must be 0 or more`);
    this.#maxBodyBytes = maxBodyBytes;
  }

  /**
   * @param onFrame gets each frame; the body is lent until it returns
   * @returns false when a length is below 0 or above the limit: nothing more is to be pushed
   */
  push(chunk: Uint8Array, onFrame: (id: number, body: Uint8Array) => void): boolean {
    let at = 0;
    while (this.#length > 0 && at < chunk.length) {
      const wanted = this.#wanted();
      if (wanted < 0) return false;
      const part = chunk.subarray(at, at + wanted);
      this.#keep(part);
      at += part.length;
      if (this.#wanted() !== 0) continue;
      const frame = this.#partial.subarray(0, this.#length);
      this.#length = 0;
      if (frame.length > KEPT_BYTES) this.#partial = NOTHING;
      onFrame(idOf(frame, 0), frame.subarray(FRAME_HEADER_BYTES));
    }
    while (chunk.length - at >= FRAME_HEADER_BYTES) {
      const bodyBytes = lengthOf(chunk, at);
      if (!this.#isLength(bodyBytes)) return false;
      const end = at + FRAME_HEADER_BYTES + bodyBytes;
      if (end > chunk.length) break;
      onFrame(idOf(chunk, at), chunk.subarray(at + FRAME_HEADER_BYTES, end));
      at = end;
    }
    if (at < chunk.length) this.#keep(chunk.subarray(at));
    return true;
  }

  /** How many bytes the partial frame wants next: the rest of its header, or of its body. Below 0: its header is wrong. */
  #wanted(): number {
    if (this.#length < FRAME_HEADER_BYTES) return FRAME_HEADER_BYTES - this.#length;
    const bodyBytes = lengthOf(this.#partial, 0);
    return this.#isLength(bodyBytes) ? FRAME_HEADER_BYTES + bodyBytes - this.#length : -1;
  }

  #isLength(bytes: number): boolean {
    return bytes >= 0 && bytes <= this.#maxBodyBytes;
  }

  #keep(part: Uint8Array): void {
    const needed = this.#length + part.length;
    if (needed > this.#partial.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#partial.length));
      larger.set(this.#partial.subarray(0, this.#length));
      this.#partial = larger;
    }
    this.#partial.set(part, this.#length);
    this.#length = needed;
  }
}

/** The header and body of a frame, ready to be written. */
export function encodeLengthPrefixed(id: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, id, true);
  view.setInt32(4, body.length, true);
  bytes.set(body, FRAME_HEADER_BYTES);
  return bytes;
}

function idOf(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + at).getInt32(0, true);
}

function lengthOf(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + at).getInt32(4, true);
}
