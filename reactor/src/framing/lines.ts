// pure
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Cuts a stream into lines, which end with LF or CRLF, wherever its chunks begin and end. */
export class LineSplitter {
  readonly #maxBytes: number;
  #partial: Uint8Array[] = [];
  #bytes = 0;

  /** @param maxBytes of a line; longer ones are an error, so that a remote that sends no newline does not fill the memory */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @param onLine gets each line without its end; the bytes are lent until it returns
   * @returns false when a line is too long: nothing more is to be pushed
   */
  push(chunk: Uint8Array, onLine: (line: Uint8Array) => void): boolean {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const last = chunk.subarray(from, at);
      from = at + 1;
      if (this.#bytes + last.length > this.#maxBytes) return false;
      const line = this.#bytes === 0 ? last : Buffer.concat([...this.#partial, last]);
      this.#partial = [];
      this.#bytes = 0;
      onLine(line.at(-1) === RETURN ? line.subarray(0, -1) : line);
    }
    if (from === chunk.length) return true;
    // The chunk is lent: what is kept of it is copied.
    this.#partial.push(new Uint8Array(chunk.subarray(from)));
    this.#bytes += chunk.length - from;
    return this.#bytes <= this.#maxBytes;
  }
}
