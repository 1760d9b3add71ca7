// pure
import { bytes as embedded, varint } from '../fields.ts';
import { HEADER_BYTES, writeHeader } from '../header.ts';
import { type GetHostRequest, type HostInfo, MessageId, type ReturnCode } from '../messages.ts';

const SEQ = varint(1);
const MODID = varint(2);
const CMDID = varint(3);
const RETCODE = varint(4);
const HOST = embedded(5);

const IP = varint(1);
const PORT = varint(2);
const WEIGHT = varint(3);
const ADDR = embedded(4);
const ZONE = embedded(5);
const DRAIN = varint(6);

/** The longest embedded message whose length takes one byte; longer ones are left to encodeFrame. */
const MAX_EMBEDDED_BYTES = 127;
const MAX_FIELD_BYTES = 11;
/** The length of the longest frame that is written here: five fields, one of them a host. */
const MAX_FRAME_BYTES = HEADER_BYTES + 4 * MAX_FIELD_BYTES + 2 + MAX_EMBEDDED_BYTES;
/** Returned instead of an offset when the value cannot be encoded here and encodeFrame must be used. */
const NOT_ENCODABLE = -1;

/**
 * Writes the frame of a GetHostResponse at `start`: the bytes that encodeFrame makes, but without an object. It cannot encode a host whose
 * names are long or not ASCII, and writes nothing where `bytes` has no room for the longest frame.
 * @returns the length of the frame; 0 when encodeFrame must be used
 */
export function writeGetHostResponse(
  bytes: Uint8Array,
  start: number,
  { seq, modid, cmdid }: GetHostRequest,
  retcode: ReturnCode,
  host: HostInfo | undefined,
): number {
  if (bytes.length - start < MAX_FRAME_BYTES) return 0;
  let at = start + HEADER_BYTES;
  at = writeUint32(bytes, at, SEQ, seq);
  at = writeInt32(bytes, at, MODID, modid);
  at = writeInt32(bytes, at, CMDID, cmdid);
  at = writeInt32(bytes, at, RETCODE, retcode);
  if (host !== undefined) at = writeHost(bytes, at, host);
  if (at === NOT_ENCODABLE) return 0;
  writeHeader(bytes, start, MessageId.GetHostResponse, at - start - HEADER_BYTES);
  return at - start;
}

function writeHost(bytes: Uint8Array, start: number, { ip, port, weight, addr, zone, drain }: HostInfo): number {
  // Each number or flag takes at most MAX_FIELD_BYTES, a string two bytes more than it has characters.
  if (addr.length + zone.length > MAX_EMBEDDED_BYTES - 3 * MAX_FIELD_BYTES - 3 * 2) return NOT_ENCODABLE;
  const content = start + 2;
  let at = content;
  at = writeInt32(bytes, at, IP, ip);
  at = writeInt32(bytes, at, PORT, port);
  at = writeUint32(bytes, at, WEIGHT, weight);
  at = writeAscii(bytes, at, ADDR, addr);
  at = writeAscii(bytes, at, ZONE, zone);
  if (at === NOT_ENCODABLE) return NOT_ENCODABLE;
  at = writeUint32(bytes, at, DRAIN, drain ? 1 : 0);
  bytes[start] = HOST;
  bytes[start + 1] = at - content;
  return at;
}

function writeAscii(bytes: Uint8Array, start: number, tag: number, text: string): number {
  if (text.length === 0 || start === NOT_ENCODABLE) return start;
  bytes[start] = tag;
  bytes[start + 1] = text.length;
  const content = start + 2;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return NOT_ENCODABLE;
    bytes[content + i] = unit;
  }
  return content + text.length;
}

function writeUint32(bytes: Uint8Array, start: number, tag: number, value: number): number {
  if (value === 0) return start;
  bytes[start] = tag;
  let at = start + 1;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at] = rest;
  return at + 1;
}

/** Protobuf writes a negative int32 as a 64-bit number: four low groups of seven bits, the rest ones, ten bytes in all. */
function writeInt32(bytes: Uint8Array, start: number, tag: number, value: number): number {
  if (value >= 0) return writeUint32(bytes, start, tag, value);
  bytes[start] = tag;
  for (let i = 0; i < 4; i++) bytes[start + 1 + i] = ((value >>> (7 * i)) & 0x7f) | 0x80;
  bytes[start + 5] = (value >> 28) | 0x80;
  for (let i = 6; i < 10; i++) bytes[start + i] = 0xff;
  bytes[start + 10] = 0x01;
  return start + 11;
}
