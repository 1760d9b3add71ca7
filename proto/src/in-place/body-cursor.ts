// pure
/** A position past the end of every body. */
const PAST_END = 2 ** 30;
/** A varint has ten bytes at most. */
const MAX_VARINT_BITS = 70;
/** No length within a datagram needs more bytes. */
const MAX_LENGTH_BYTES = 4;

/**
 * Decodes protobuf fields in place, without making an object. After truncated or malformed input `at` is past any end, so that one check
 * after the last field (`at === end`) covers all errors.
 */
export class BodyCursor {
  /** The offset of the next byte. */
  at = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;

  /** The body lies at bytes[start, end). */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.at = start;
    this.#end = end;
  }

  readByte(): number {
    if (this.at < this.#end) return this.#bytes[this.at++] as number;
    this.at = PAST_END;
    return 0;
  }

  /** The low 32 bits, as an int32. */
  readVarint(): number {
    const first = this.readByte();
    return first < 0x80 ? first : this.#readLongVarint(first & 0x7f);
  }

  /**
   * Reads the length in front of an embedded message or a string.
   * @returns the offset at which that ends; it may lie behind the body, which shows when the content is read
   */
  readLengthPrefix(): number {
    const start = this.at;
    const length = this.readVarint();
    if (this.at - start <= MAX_LENGTH_BYTES) return this.at + length;
    this.at = PAST_END;
    return PAST_END;
  }

  /** Skips a string of ASCII, which is UTF-8 too. Whether other bytes are UTF-8 only the codec can say, so they count as malformed here. */
  skipAscii(): void {
    const end = this.readLengthPrefix();
    while (this.at < end) if (this.readByte() >= 0x80) this.at = PAST_END;
  }

  #readLongVarint(low: number): number {
    let value = low;
    for (let shift = 7; shift < MAX_VARINT_BITS; shift += 7) {
      const byte = this.readByte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    this.at = PAST_END;
    return 0;
  }
}
