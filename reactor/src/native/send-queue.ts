// pure
/** Bytes that wait to be sent, in order. Each piece is its own copy. */
export class SendQueue {
  /** Only while something waits: most connections never need it. */
  #pieces: Uint8Array[] | undefined;
  /** How much of the first piece has been sent. */
  #offset = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** @param piece must not be changed afterwards */
  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces ??= [];
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** Copies what comes next into `target`, as much as fits, so that many small pieces leave together. @returns how many bytes */
  peek(target: Uint8Array): number {
    let filled = 0;
    let offset = this.#offset;
    for (const piece of this.#pieces ?? []) {
      const part = piece.subarray(offset, offset + target.length - filled);
      target.set(part, filled);
      filled += part.length;
      offset = 0;
      if (filled === target.length) break;
    }
    return filled;
  }

  /** Forgets bytes that were sent. */
  drop(count: number): void {
    this.#bytes -= count;
    if (this.#bytes === 0) {
      this.clear();
      return;
    }
    const pieces = this.#pieces ?? [];
    let left = this.#offset + count;
    let whole = 0;
    while (left >= (pieces[whole] as Uint8Array).length) {
      left -= (pieces[whole] as Uint8Array).length;
      whole += 1;
    }
    if (whole > 0) pieces.splice(0, whole);
    this.#offset = left;
  }

  clear(): void {
    this.#pieces = undefined;
    this.#offset = 0;
    this.#bytes = 0;
  }
}
