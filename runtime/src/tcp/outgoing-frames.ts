import type { Writable } from 'node:stream';

/** Frames that are larger on average are passed to the system one by one, because copying them would cost more than it saves. */
const COPY_BYTES_MAX = 2_048;

/** Queued frames of one connection, which leave together: one system call for all answers of a chunk of pipelined requests. */
export class OutgoingFrames {
  #frames: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** @param frame must not be changed afterwards */
  push(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  /** Writes all frames into the stream, in order, and forgets them. */
  writeTo(stream: Writable): void {
    const frames = this.#frames;
    const bytes = this.#bytes;
    this.#bytes = 0;
    if (frames.length === 1) {
      stream.write(frames.pop());
      return;
    }
    this.#frames = [];
    if (bytes <= COPY_BYTES_MAX * frames.length) stream.write(concatenate(frames, bytes));
    else writeEach(stream, frames);
  }
}

function concatenate(frames: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const frame of frames) {
    all.set(frame, at);
    at += frame.length;
  }
  return all;
}

function writeEach(stream: Writable, frames: readonly Uint8Array[]): void {
  stream.cork();
  for (const frame of frames) stream.write(frame);
  stream.uncork();
}
