// pure
import type { ByteConnection } from '../transport/byte-connection.ts';

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

  /** Writes all frames, in order, and forgets them. */
  writeTo(connection: Pick<ByteConnection, 'write'>): void {
    const frames = this.#frames;
    const bytes = this.#bytes;
    this.#frames = [];
    this.#bytes = 0;
    connection.write(frames, bytes);
  }
}
