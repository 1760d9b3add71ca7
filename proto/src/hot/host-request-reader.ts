// pure
import { varint } from '../fields.ts';
import type { GetHostRequest } from '../messages.ts';
import { BodyCursor } from './body-cursor.ts';

const SEQ = varint(1);
const MODID = varint(2);
const CMDID = varint(3);
const FEATURES = varint(4);

/**
 * Reads the bodies of GetHostRequests into itself, as decodeBody reads them, but makes no garbage. It knows the shape that every
 * sender writes; what else protobuf allows, and what does not parse, it leaves to decodeBody.
 */
export class HostRequestReader implements GetHostRequest {
  seq = 0;
  modid = 0;
  cmdid = 0;
  features = 0;
  readonly #cursor = new BodyCursor();

  /** @returns false: ask decodeBody, the fields say nothing */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    const cursor = this.#cursor;
    cursor.open(bytes, start, end);
    this.seq = 0;
    this.modid = 0;
    this.cmdid = 0;
    this.features = 0;
    while (cursor.at < end) {
      const tag = cursor.byte();
      if (tag === SEQ) this.seq = cursor.varint() >>> 0;
      else if (tag === MODID) this.modid = cursor.varint();
      else if (tag === CMDID) this.cmdid = cursor.varint();
      else if (tag === FEATURES) this.features = cursor.varint() >>> 0;
      else return false;
    }
    return cursor.at === end;
  }
}
