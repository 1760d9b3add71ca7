// pure
/**
 * One field of a message body, written and read by protobufjs' Writer and Reader. A field that has its proto3 default is not
 * written. What a reader throws here becomes BAD_BODY in codec.ts.
 */
import type protobuf from 'protobufjs/minimal.js';

export type Reader = protobuf.Reader;
export type Writer = protobuf.Writer;

/** How one message type is written and read. */
export interface FieldsCodec<T> {
  write(message: T, writer: Writer): void;
  /** Reads up to `end`, an offset in the reader's buffer. Throws what the reader throws. */
  read(reader: Reader, end: number): T;
}

const WireType = { Varint: 0, Bytes: 2 } as const;

/** The tag of a number or bool. */
export const varint = (field: number): number => (field << 3) | WireType.Varint;
/** The tag of a string or an embedded message. */
export const bytes = (field: number): number => (field << 3) | WireType.Bytes;

export function writeInt32(writer: Writer, field: number, value: number): void {
  if (value !== 0) writer.uint32(varint(field)).int32(value);
}
export function writeUint32(writer: Writer, field: number, value: number): void {
  if (value !== 0) writer.uint32(varint(field)).uint32(value);
}
export function writeUint64(writer: Writer, field: number, value: number): void {
  if (value !== 0) writer.uint32(varint(field)).uint64(value);
}
export function writeBool(writer: Writer, field: number, value: boolean): void {
  if (value) writer.uint32(varint(field)).bool(true);
}
/** Half a surrogate pair is sent as U+FFFD: no UTF-8 can say it, and a receiver would refuse the whole message. */
export function writeString(writer: Writer, field: number, value: string): void {
  if (value !== '') writer.uint32(bytes(field)).string(value.toWellFormed());
}
export function writeMessage<T>(writer: Writer, field: number, codec: FieldsCodec<T>, message: T): void {
  writer.uint32(bytes(field)).fork();
  codec.write(message, writer);
  writer.ldelim();
}

/** protobufjs returns a Long, two halves, because it depends on the package `long`. The number is exact up to 2^53. */
export function readUint64(reader: Reader): number {
  const { high, low } = reader.uint64();
  return (high >>> 0) * 2 ** 32 + (low >>> 0);
}
/** Throws where the bytes are not UTF-8, as every proto3 parser must. */
export function readString(reader: Reader): string {
  return reader.stringVerify();
}
export function readMessage<T>(reader: Reader, codec: FieldsCodec<T>): T {
  const length = reader.size();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError(`an embedded message of ${length} bytes reaches beyond the body`);
  const message = codec.read(reader, end);
  if (reader.pos !== end) throw new RangeError('a field reaches beyond its message');
  return message;
}
export function skip(reader: Reader, tag: number): void {
  reader.skipType(tag & 7, 0, tag >>> 3);
}
