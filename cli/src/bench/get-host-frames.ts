// pure
/**
 * The datagrams of getHost and report as a load generator needs them: written from templates and read field by field, because the
 * general codec would need more CPU than the server that is measured.
 */
import { encodeBody, encodeFrame, HEADER_BYTES, MessageId, type ModuleId, Purpose, readInt32, writeHeader } from '@lars/proto';

/** A seq has always three bytes on the wire, so that only these change from request to request. */
export const SEQ_MIN = 2 ** 14;
export const SEQ_COUNT = 2 ** 21 - SEQ_MIN;
/** Behind the head and the field's tag. */
const SEQ_AT = HEADER_BYTES + 1;

const Tag = { seq: 0x08, retcode: 0x20, host: 0x2a, reportedHost: 0x1a, tcost: 0x28 } as const;
const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const REPORTED_TCOST_MS = 1;

export interface ModuleFrames {
  /** A GetHostRequest whose seq is to be put in. */
  readonly request: Uint8Array;
  /** The first fields of a ReportRequest. */
  readonly reportHead: Uint8Array;
}

export function framesOf({ modid, cmdid }: ModuleId): ModuleFrames {
  return {
    request: encodeFrame(MessageId.GetHostRequest, { seq: SEQ_MIN, modid, cmdid, features: 0, purpose: Purpose.Call }),
    reportHead: encodeBody(MessageId.ReportRequest, { modid, cmdid, host: undefined, retcode: 0, tcost: 0 }),
  };
}

/** Writes a request. @returns its length */
export function writeRequest(bytes: Uint8Array, at: number, { request }: ModuleFrames, seq: number): number {
  for (let i = 0; i < request.length; i++) bytes[at + i] = request[i] as number;
  bytes[at + SEQ_AT] = (seq & 0x7f) | 0x80;
  bytes[at + SEQ_AT + 1] = ((seq >> 7) & 0x7f) | 0x80;
  bytes[at + SEQ_AT + 2] = seq >> 14;
  return request.length;
}

/** Writes the report of a call that succeeded, to the host that stands in an answer. @returns its length */
export function writeReport(bytes: Uint8Array, at: number, { reportHead }: ModuleFrames, host: HostBytes): number {
  let end = at + HEADER_BYTES;
  for (let i = 0; i < reportHead.length; i++) bytes[end++] = reportHead[i] as number;
  bytes[end++] = Tag.reportedHost;
  const length = host.hostEnd - host.hostStart;
  if (length > 0x7f) bytes[end++] = (length & 0x7f) | 0x80;
  bytes[end++] = length > 0x7f ? length >> 7 : length;
  for (let i = host.hostStart; i < host.hostEnd; i++) bytes[end++] = host.bytes[i] as number;
  bytes[end++] = Tag.tcost;
  bytes[end++] = REPORTED_TCOST_MS;
  writeHeader(bytes, at, MessageId.ReportRequest, end - at - HEADER_BYTES);
  return end - at;
}

/** A HostInfo on the wire; an answer without one has an empty stretch. */
export interface HostBytes {
  readonly bytes: Uint8Array;
  readonly hostStart: number;
  readonly hostEnd: number;
}

/** Reads one answer after the other. */
export class AnswerReader implements HostBytes {
  bytes: Uint8Array = new Uint8Array(0);
  hostStart = 0;
  hostEnd = 0;
  seq = 0;
  retcode = 0;
  /** The request came back as it was. */
  isEcho = false;
  #at = 0;

  /** @returns whether it is an answer; what it says stands in the fields, and the host in `bytes`, as long as these stand */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    const id = end - start < HEADER_BYTES ? 0 : readInt32(bytes, start);
    this.isEcho = id === MessageId.GetHostRequest;
    if (!this.isEcho && id !== MessageId.GetHostResponse) return false;
    this.bytes = bytes;
    this.seq = 0;
    this.retcode = 0;
    this.hostStart = 0;
    this.hostEnd = 0;
    this.#at = start + HEADER_BYTES;
    while (this.#at < end) if (!this.#readField()) return false;
    return this.#at === end;
  }

  #readField(): boolean {
    const tag = this.bytes[this.#at++] as number;
    const value = this.#varint();
    if ((tag & 7) === WIRE_BYTES) {
      if (tag === Tag.host) {
        this.hostStart = this.#at;
        this.hostEnd = this.#at + value;
      }
      this.#at += value;
    } else if (tag === Tag.seq) this.seq = value;
    else if (tag === Tag.retcode) this.retcode = value;
    return (tag & 7) === WIRE_BYTES || (tag & 7) === WIRE_VARINT;
  }

  /** Its low 28 bits: nothing that is asked for here is larger. */
  #varint(): number {
    let value = 0;
    let shift = 0;
    let byte = 0x80;
    while ((byte & 0x80) !== 0 && shift < 70) {
      byte = this.bytes[this.#at++] as number;
      if (shift < 28) value |= (byte & 0x7f) << shift;
      shift += 7;
    }
    return value;
  }
}
