// pure
import { varint } from '../fields.ts';
import { type GetHostRequest, Purpose } from '../messages.ts';
import { BodyCursor } from './body-cursor.ts';

const SEQ = varint(1);
const MODID = varint(2);
const CMDID = varint(3);
const FEATURES = varint(4);

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
      if (tag === SEQ) this.seq = cursor.readVarint() >>> 0;
      else if (tag === MODID) this.modid = cursor.readVarint();
      else if (tag === CMDID) this.cmdid = cursor.readVarint();
      else if (tag === FEATURES) this.features = cursor.readVarint() >>> 0;
      else return false;
    }
    return cursor.at === end;
  }
}
