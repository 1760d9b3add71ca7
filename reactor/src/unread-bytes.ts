// pure
/** Bytes that were read and given back: the last that was given back is the first to be read again. */
export class UnreadBytes {
  #pieces: Uint8Array[] = [];

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  get bytes(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** Keeps a copy, to be read before all others. */
  giveBack(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#pieces.push(new Uint8Array(bytes));
  }

  /** Keeps bytes to be read after all others. @param bytes must not be changed afterwards */
  append(bytes: Uint8Array): void {
    this.#pieces.unshift(bytes);
  }

  next(): Uint8Array | undefined {
    return this.#pieces.pop();
  }

  /** Everything, in the order of reading; it is not here any more afterwards. */
  takeAll(): readonly Uint8Array[] {
    const all = this.#pieces.reverse();
    this.#pieces = [];
    return all;
  }
}
