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
 * Reads the bodies of ReportRequests into itself, as decodeBody reads them, but makes no garbage. Where no host is named, `ip` and `port` are 0.
 * A host that has a name, and what else is rare, it leaves to decodeBody.
 */
export class ReportReader {
  modid = 0;
  cmdid = 0;
  ip = 0;
  port = 0;
  retcode = 0;
  tcost = 0;
  readonly #cursor = new BodyCursor();

  /** @returns false: ask decodeBody, the fields say nothing */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    const cursor = this.#cursor;
    cursor.open(bytes, start, end);
    this.modid = 0;
    this.cmdid = 0;
    this.ip = 0;
    this.port = 0;
    this.retcode = 0;
    this.tcost = 0;
    while (cursor.at < end) {
      const tag = cursor.byte();
      if (tag === MODID) this.modid = cursor.varint();
      else if (tag === CMDID) this.cmdid = cursor.varint();
      else if (tag === RETCODE) this.retcode = cursor.varint();
      else if (tag === TCOST) this.tcost = cursor.varint() >>> 0;
      else if (tag !== HOST || !this.#readHost()) return false;
    }
    return cursor.at === end;
  }

  /** Of a host that comes twice the last counts, and nothing of the first. */
  #readHost(): boolean {
    const cursor = this.#cursor;
    const end = cursor.embeddedEnd();
    this.ip = 0;
    this.port = 0;
    while (cursor.at < end) {
      const tag = cursor.byte();
      if (tag === IP) this.ip = cursor.varint();
      else if (tag === PORT) this.port = cursor.varint();
      else if (tag === WEIGHT || tag === DRAIN) cursor.varint();
      else if (tag === ZONE) cursor.skipAscii();
      else return false;
    }
    return cursor.at === end;
  }
}
