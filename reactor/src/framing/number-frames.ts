// pure
/** Frames of 16 bytes: four unsigned 32-bit numbers, little-endian, of which the first says what the frame is. Unused ones are 0. */

export const FRAME_BYTES = 16;

/** The kind of a frame, and what it says. */
export type FrameNumbers = readonly [kind: number, first: number, second: number, third: number];

/** The other side does not keep to the protocol; its connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export function writeNumbers(kind: number, [first = 0, second = 0, third = 0]: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(FRAME_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, kind, true);
  view.setUint32(4, first, true);
  view.setUint32(8, second, true);
  view.setUint32(12, third, true);
  return bytes;
}

export function readNumbers(bytes: Uint8Array): FrameNumbers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_BYTES);
  return [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true), view.getUint32(12, true)];
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
