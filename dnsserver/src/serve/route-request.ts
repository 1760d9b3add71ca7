// pure
import { decodeBody, MessageId } from '@lars/proto';

const MODID = 0x08;
const CMDID = 0x10;
const VERSION = 0x18;
const FEATURES = 0x20;
const MORE = 0x80;
const MAX_SHORT_BYTES = 4;

/**
 * The GetRouteRequest that was read last, in fields that are used again: the hot path makes no object per request. Nearly all
 * requests have the four known fields with small numbers, and are read here; any other body is left to the codec, so that both
 * always agree.
 */
export class RouteRequest {
  modid = 0;
  cmdid = 0;
  version = 0;
  features = 0;

  /** @throws {LarsProtocolError} BAD_BODY */
  read(body: Uint8Array): void {
    if (!this.#readShort(body)) Object.assign(this, decodeBody(MessageId.GetRouteRequest, body));
  }

  /** @returns false when something else stands there than known fields whose numbers take at most four bytes */
  #readShort(body: Uint8Array): boolean {
    this.modid = 0;
    this.cmdid = 0;
    this.version = 0;
    this.features = 0;
    const end = body.length;
    let at = 0;
    while (at < end) {
      const tag = body[at++] as number;
      const limit = Math.min(end, at + MAX_SHORT_BYTES);
      let value = 0;
      let shift = 0;
      let byte = MORE;
      while (byte >= MORE && at < limit) {
        byte = body[at++] as number;
        value |= (byte & 0x7f) << shift;
        shift += 7;
      }
      if (byte >= MORE || !this.#set(tag, value)) return false;
    }
    return true;
  }

  #set(tag: number, value: number): boolean {
    if (tag === MODID) this.modid = value;
    else if (tag === CMDID) this.cmdid = value;
    else if (tag === VERSION) this.version = value;
    else if (tag === FEATURES) this.features = value;
    else return false;
    return true;
  }
}
