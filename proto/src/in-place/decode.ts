// pure
/** Decoding on the bytes of a buffer, without an object: a cursor, and a view of each request that comes a hundred thousand times a second. */
import { bytes as embedded, varint } from '../fields.ts';
import { type GetHostRequest, Purpose } from '../messages.ts';

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

const GET_SEQ = varint(1);
const GET_MODID = varint(2);
const GET_CMDID = varint(3);
const GET_FEATURES = varint(4);

/**
 * The GetHostRequest that was decoded last, in fields that the next one overwrites, so that no request costs an object. It decodes the
 * shape that every sender writes; what else protobuf allows, and what does not parse, must go to decodeBody.
 */
export class GetHostRequestView implements GetHostRequest {
  seq = 0;
  modid = 0;
  cmdid = 0;
  features = 0;
  /** A request with another purpose is left to decodeBody. */
  readonly purpose = Purpose.Call;
  readonly #cursor = new BodyCursor();

  /** Decodes the body at bytes[start, end). @returns false when decodeBody must do it; the fields mean nothing then */
  decode(bytes: Uint8Array, start: number, end: number): boolean {
    const cursor = this.#cursor;
    cursor.open(bytes, start, end);
    this.seq = 0;
    this.modid = 0;
    this.cmdid = 0;
    this.features = 0;
    while (cursor.at < end) {
      const tag = cursor.readByte();
      if (tag === GET_SEQ) this.seq = cursor.readVarint() >>> 0;
      else if (tag === GET_MODID) this.modid = cursor.readVarint();
      else if (tag === GET_CMDID) this.cmdid = cursor.readVarint();
      else if (tag === GET_FEATURES) this.features = cursor.readVarint() >>> 0;
      else return false;
    }
    return cursor.at === end;
  }
}

const REPORT_MODID = varint(1);
const REPORT_CMDID = varint(2);
const REPORT_HOST = embedded(3);
const REPORT_RETCODE = varint(4);
const REPORT_TCOST = varint(5);

const HOST_IP = varint(1);
const HOST_PORT = varint(2);
const HOST_WEIGHT = varint(3);
const HOST_ZONE = embedded(5);
const HOST_DRAIN = varint(6);

/**
 * The ReportRequest that was decoded last, in fields that the next one overwrites, so that no call result costs an object. Where the
 * request names no host, `ip` and `port` are 0. A host with a name, and what else is rare, must go to decodeBody.
 */
export class ReportRequestView {
  modid = 0;
  cmdid = 0;
  ip = 0;
  port = 0;
  retcode = 0;
  tcost = 0;
  readonly #cursor = new BodyCursor();

  /** Decodes the body at bytes[start, end). @returns false when decodeBody must do it; the fields mean nothing then */
  decode(bytes: Uint8Array, start: number, end: number): boolean {
    const cursor = this.#cursor;
    cursor.open(bytes, start, end);
    this.modid = 0;
    this.cmdid = 0;
    this.ip = 0;
    this.port = 0;
    this.retcode = 0;
    this.tcost = 0;
    while (cursor.at < end) {
      const tag = cursor.readByte();
      if (tag === REPORT_MODID) this.modid = cursor.readVarint();
      else if (tag === REPORT_CMDID) this.cmdid = cursor.readVarint();
      else if (tag === REPORT_RETCODE) this.retcode = cursor.readVarint();
      else if (tag === REPORT_TCOST) this.tcost = cursor.readVarint() >>> 0;
      else if (tag !== REPORT_HOST || !this.#decodeHost()) return false;
    }
    return cursor.at === end;
  }

  /** A host that comes twice replaces the first one as a whole, as in decodeBody. */
  #decodeHost(): boolean {
    const cursor = this.#cursor;
    const end = cursor.readLengthPrefix();
    this.ip = 0;
    this.port = 0;
    while (cursor.at < end) {
      const tag = cursor.readByte();
      if (tag === HOST_IP) this.ip = cursor.readVarint();
      else if (tag === HOST_PORT) this.port = cursor.readVarint();
      else if (tag === HOST_WEIGHT || tag === HOST_DRAIN) cursor.readVarint();
      else if (tag === HOST_ZONE) cursor.skipAscii();
      else return false;
    }
    return cursor.at === end;
  }
}
