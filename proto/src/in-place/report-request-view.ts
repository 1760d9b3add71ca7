// pure
import { bytes as embedded, varint } from '../fields.ts';
import { BodyCursor } from './body-cursor.ts';

const MODID = varint(1);
const CMDID = varint(2);
const HOST = embedded(3);
const RETCODE = varint(4);
const TCOST = varint(5);

const IP = varint(1);
const PORT = varint(2);
const WEIGHT = varint(3);
const ZONE = embedded(5);
const DRAIN = varint(6);

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
      if (tag === MODID) this.modid = cursor.readVarint();
      else if (tag === CMDID) this.cmdid = cursor.readVarint();
      else if (tag === RETCODE) this.retcode = cursor.readVarint();
      else if (tag === TCOST) this.tcost = cursor.readVarint() >>> 0;
      else if (tag !== HOST || !this.#decodeHost()) return false;
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
      if (tag === IP) this.ip = cursor.readVarint();
      else if (tag === PORT) this.port = cursor.readVarint();
      else if (tag === WEIGHT || tag === DRAIN) cursor.readVarint();
      else if (tag === ZONE) cursor.skipAscii();
      else return false;
    }
    return cursor.at === end;
  }
}
