/** Random messages of lars.proto and random protobuf fields for fast-check. */
import fc from 'fast-check';
import type protobuf from 'protobufjs';
import { embeddedType, type PlainMessage } from './lars-proto.ts';

export const int32 = fc.oneof(fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)), fc.integer());
export const uint32 = fc.oneof(fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1), fc.nat(2 ** 32 - 1));
export const exactUint64 = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
  fc.nat(1000),
  fc.maxSafeNat(),
);
export const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', maxLength: 300, size: 'max' }));

const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  int32,
  uint32,
  uint64: exactUint64,
  bool: fc.boolean(),
  string: text,
};

/** A message with every field of its type, as completeMessage makes them. */
export function arbitraryMessage(type: protobuf.Type): fc.Arbitrary<PlainMessage> {
  const fields = type.fieldsArray.map(field => [field.name, arbitraryField(field)] as const);
  return fc.record(Object.fromEntries(fields), { noNullPrototype: true });
}

function arbitraryField(field: protobuf.Field): fc.Arbitrary<unknown> {
  const embedded = embeddedType(field);
  const value = embedded === undefined ? SCALARS[field.type] : arbitraryMessage(embedded);
  if (value === undefined) throw new Error(`no arbitrary for ${field.type} ${field.name}`);
  if (field.repeated) return fc.array(value, { maxLength: 4 });
  return embedded === undefined ? value : fc.option(value, { nil: undefined });
}

export const WireType = { Varint: 0, Fixed64: 1, Bytes: 2, StartGroup: 3, EndGroup: 4, Fixed32: 5 } as const;
export type WireType = (typeof WireType)[keyof typeof WireType];

/** The wire types that begin a field. */
export const WIRE_TYPES = [WireType.Varint, WireType.Fixed64, WireType.Bytes, WireType.StartGroup, WireType.Fixed32] as const;

export function varintBytes(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

export function tagBytes(fieldNumber: number, wireType: WireType): number[] {
  return varintBytes((BigInt(fieldNumber) << 3n) | BigInt(wireType));
}

/** One whole field, tag and content, of this number and wire type. Groups hold fields of any number, known ones too. */
export function arbitraryWireField(fieldNumber: number, wireType: WireType, groupDepth = 2): fc.Arbitrary<number[]> {
  const content = arbitraryContent(fieldNumber, wireType, groupDepth);
  return content.map(bytes => [...tagBytes(fieldNumber, wireType), ...bytes]);
}

function arbitraryContent(fieldNumber: number, wireType: WireType, groupDepth: number): fc.Arbitrary<number[]> {
  const byteArray = (minLength: number, maxLength: number) => fc.array(fc.nat(255), { minLength, maxLength });
  switch (wireType) {
    case WireType.Varint:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(varintBytes);
    case WireType.Fixed64:
      return byteArray(8, 8);
    case WireType.Fixed32:
      return byteArray(4, 4);
    case WireType.Bytes:
      return byteArray(0, 200).map(bytes => [...varintBytes(bytes.length), ...bytes]);
    default:
      return arbitraryGroup(groupDepth).map(bytes => [...bytes, ...tagBytes(fieldNumber, WireType.EndGroup)]);
  }
}

function arbitraryGroup(depth: number): fc.Arbitrary<number[]> {
  const types = depth === 0 ? WIRE_TYPES.filter(type => type !== WireType.StartGroup) : WIRE_TYPES;
  const field = fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.constantFrom(...types))
    .chain(([fieldNumber, wireType]) => arbitraryWireField(fieldNumber, wireType, depth - 1));
  return fc.array(field, { maxLength: 3 }).map(fields => fields.flat());
}
