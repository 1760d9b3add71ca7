// pure
const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** A connection keeps so much for its next line; what a longer one took is given back when it is told. */
const KEPT_BYTES = 4_096;
const NOTHING = new Uint8Array(0);

/** Cuts a stream into lines, which end with LF or CRLF, wherever its chunks begin and end. What comes last without such an end is never told. */
export class LineSplitter {
  readonly #maxBytes: number;
  #partial: Uint8Array = NOTHING;
  #length = 0;

  /**
   * @param maxBytes of a line without its end; longer ones are an error, so that a remote that sends no newline does not fill the memory
   * @throws {RangeError}
   */
  constructor(maxBytes: number) {
    if (!(maxBytes >= 1)) throw new RangeError(`maxBytes is ${maxBytes}, and must be 1 or more`);
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
      if (this.#isTooLong(last)) return false;
      const line = this.#length === 0 ? last : this.#whole(last);
      onLine(line.at(-1) === RETURN ? line.subarray(0, -1) : line);
    }
    if (from === chunk.length) return true;
    const rest = chunk.subarray(from);
    if (this.#isTooLong(rest)) return false;
    this.#keep(rest);
    return true;
  }

  /** A CR may belong to the end of the line. */
  #isTooLong(part: Uint8Array): boolean {
    const last = part.at(-1) ?? this.#partial[this.#length - 1];
    return this.#length + part.length - Number(last === RETURN) > this.#maxBytes;
  }

  #whole(last: Uint8Array): Uint8Array {
    this.#keep(last);
    const line = this.#partial.subarray(0, this.#length);
    this.#length = 0;
    if (this.#partial.length > KEPT_BYTES) this.#partial = NOTHING;
    return line;
  }

  /** The chunk is lent: what is kept of it is copied, into one piece, because a piece for each of many tiny chunks takes many times its bytes. */
  #keep(part: Uint8Array): void {
    const needed = this.#length + part.length;
    if (needed > this.#partial.length) {
      const larger = new Uint8Array(Math.max(needed, Math.min(2 * this.#partial.length, this.#maxBytes)));
      larger.set(this.#partial.subarray(0, this.#length));
      this.#partial = larger;
    }
    this.#partial.set(part, this.#length);
    this.#length = needed;
  }
}
