// pure
/** Behind every body. */
const BEYOND = 2 ** 30;
/** A varint has ten bytes at most. */
const MAX_VARINT_BITS = 70;
/** More than the lengths of a datagram need. */
const MAX_SIZE_BYTES = 4;

/**
 * Goes through the bytes of a message body without making an object. Where they end too early, or are none that it reads, it
 * stands beyond every end from then on: whoever reads a body asks once, at its end, whether it stands there.
 */
export class BodyCursor {
  at = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;

  open(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.at = start;
    this.#end = end;
  }

  byte(): number {
    if (this.at < this.#end) return this.#bytes[this.at++] as number;
    this.at = BEYOND;
    return 0;
  }

  /** The low 32 bits, as an int32. */
  varint(): number {
    const first = this.byte();
    return first < 0x80 ? first : this.#longVarint(first & 0x7f);
  }

  /** Where the embedded message or string ends whose length stands here; that may be beyond the body, which shows when it is read. */
  embeddedEnd(): number {
    const from = this.at;
    const length = this.varint();
    if (this.at - from <= MAX_SIZE_BYTES) return this.at + length;
    this.at = BEYOND;
    return BEYOND;
  }

  /** Text that is ASCII is UTF-8 too; whether other bytes are, the general codec must say. */
  skipAscii(): void {
    const end = this.embeddedEnd();
    while (this.at < end) if (this.byte() >= 0x80) this.at = BEYOND;
  }

  #longVarint(low: number): number {
    let value = low;
    for (let shift = 7; shift < MAX_VARINT_BITS; shift += 7) {
      const byte = this.byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    this.at = BEYOND;
    return 0;
  }
}
