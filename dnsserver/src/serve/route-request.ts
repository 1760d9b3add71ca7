// pure
import { decodeBody, MessageId } from '@lars/proto';
import { varint } from '@lars/proto/fields';
import { BodyCursor } from '@lars/proto/in-place/decode';

const MODID = varint(1);
const CMDID = varint(2);
const VERSION = varint(3);
const FEATURES = varint(4);
/** The cursor reads 32 bits, of which the fifth byte of a varint brings the last four. A version is Unix seconds or more: it takes five. */
const MAX_VERSION_BYTES = 5;
const MAX_FIFTH_BYTE = 0x0f;

/**
 * The GetRouteRequest that was decoded last, in fields that the next one overwrites: a dnsserver makes no object per request. Nearly all
 * requests have the four known fields, with a version below 2^32, and are decoded in place; any other body goes to the codec.
 */
export class RouteRequest {
  modid = 0;
  cmdid = 0;
  version = 0;
  features = 0;
  readonly #cursor = new BodyCursor();

  /**
   * Reads the body at bytes[from, to).
   * @throws {LarsProtocolError} BAD_BODY
   */
  read(bytes: Uint8Array, from = 0, to = bytes.length): void {
    if (this.#decodeInPlace(bytes, from, to)) return;
    Object.assign(this, decodeBody(MessageId.GetRouteRequest, bytes.subarray(from, to)));
  }

  /** @returns false when the codec must decode the body; the fields mean nothing then */
  #decodeInPlace(bytes: Uint8Array, from: number, to: number): boolean {
    const cursor = this.#cursor;
    cursor.open(bytes, from, to);
    this.modid = 0;
    this.cmdid = 0;
    this.version = 0;
    this.features = 0;
    while (cursor.at < to) {
      const tag = cursor.readByte();
      if (tag === MODID) this.modid = cursor.readVarint();
      else if (tag === CMDID) this.cmdid = cursor.readVarint();
      else if (tag === FEATURES) this.features = cursor.readVarint() >>> 0;
      else if (tag !== VERSION || !this.#decodeVersion(bytes)) return false;
    }
    return cursor.at === to;
  }

  #decodeVersion(all: Uint8Array): boolean {
    const cursor = this.#cursor;
    const start = cursor.at;
    this.version = cursor.readVarint() >>> 0;
    const bytes = cursor.at - start;
    return bytes < MAX_VERSION_BYTES || (bytes === MAX_VERSION_BYTES && (all[cursor.at - 1] as number) <= MAX_FIFTH_BYTE);
  }
}
