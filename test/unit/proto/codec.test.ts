/** The hand-written codec is held equal to protobufjs reading lars.proto, and unmoved by what it does not know. */
import { decodeBody, encodeBody, LarsProtocolError, MessageId, type MessageOf, ReturnCode } from '@lars/proto';
import fc from 'fast-check';
import type protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import {
  arbitraryMessage,
  arbitraryWireField,
  tagBytes,
  varintBytes,
  WIRE_TYPES,
  WireType,
} from '../../support/lars-arbitraries.ts';
import { bodyType, completeMessage, embeddedType, larsProto, type PlainMessage } from '../../support/lars-proto.ts';

const messages = Object.entries(MessageId).map(([name, id]) => ({ name, id, type: bodyType(id) }));
const MAX_FIELD_NUMBER = 2 ** 29 - 1;

describe('the numbers are those of lars.proto', () => {
  test('message ids', () => {
    const { ID_UNKNOWN, ...ids } = larsProto.lookupEnum('lars.MessageId').values;
    expect(ID_UNKNOWN).toBe(0);
    const named = Object.entries(ids).map(([name, id]) => [name.replace(/^ID_/, '').replace(/^API_/, 'Api'), id]);
    expect(Object.fromEntries(named)).toStrictEqual(MessageId);
  });

  test('return codes', () => {
    expect({ ...larsProto.lookupEnum('lars.ReturnCode').values }).toStrictEqual({
      RET_SUCC: ReturnCode.Success,
      RET_OVERLOAD: ReturnCode.Overload,
      RET_SYSTEM_ERROR: ReturnCode.SystemError,
      RET_NOEXIST: ReturnCode.NoExist,
    });
  });

  test.each([0, -1, 9, 100, 106, 2 ** 31 - 1])('id %i is not known', id => {
    const unknown = id as MessageId;
    expect(() => decodeBody(unknown, new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'BAD_MESSAGE_ID' }));
    expect(() => encodeBody(unknown, {} as MessageOf[MessageId])).toThrow(expect.objectContaining({ code: 'BAD_MESSAGE_ID' }));
  });
});

describe.each(messages)('$name', ({ id, type }) => {
  test('encodes to the bytes that protobufjs makes, and decodes them to the same message', () => {
    fc.assert(
      fc.property(arbitraryMessage(type), message => {
        const expected = type.encode(message).finish();
        expect(hex(encodeBody(id, message as unknown as MessageOf[MessageId]))).toBe(hex(expected));
        expectDecodes(id, expected, message);
      }),
    );
  });

  test('an empty body is the message with every default', () => {
    expectDecodes(id, new Uint8Array(0), completeMessage(type, {}));
  });

  test('skips unknown fields of every wire type wherever they stand', () => {
    fc.assert(
      fc.property(arbitraryMessage(type), fc.gen(), (message, draw) => {
        const noise = (of: protobuf.Type) => draw(arbitraryUnknownFields, of.fullName);
        expectDecodes(id, Uint8Array.from(noisyBody(type, message, noise)), message);
      }),
    );
  });

  test('skips a known field that comes with another wire type', () => {
    fc.assert(
      fc.property(arbitraryMessage(type), fc.gen(), (message, draw) => {
        const noise = (of: protobuf.Type) => draw(arbitraryMistypedFields, of.fullName);
        expectDecodes(id, Uint8Array.from(noisyBody(type, message, noise)), message);
      }),
    );
  });

  test('a body cut short decodes or is BAD_BODY', () => {
    fc.assert(
      fc.property(arbitraryMessage(type), message => {
        const body = type.encode(message).finish();
        for (let length = 0; length < body.length; length += 1) expectSameVerdict(id, type, body.subarray(0, length));
      }),
      { numRuns: 15 },
    );
  });

  test('random and damaged bytes decode or are BAD_BODY', () => {
    const damaged = fc.tuple(arbitraryMessage(type), fc.nat(), fc.nat(255)).map(([message, at, value]) => {
      const body = type.encode(message).finish();
      if (body.length > 0) body[at % body.length] = value;
      return body;
    });
    const arbitraryBytes = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ max: 60, maxLength: 30 }), damaged);
    fc.assert(
      fc.property(arbitraryBytes, body => expectSameVerdict(id, type, body)),
      { numRuns: 400 },
    );
  });
});

describe('what must not parse', () => {
  const host = tagBytes(3, WireType.Bytes); // ReportRequest.host
  const bad: [string, number[]][] = [
    ['an embedded message that reaches beyond the body', [...host, 5, 0x10, 80]],
    ['an embedded message of 4 GiB', [...host, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x10, 80]],
    ['an embedded message whose length is written in six bytes', [...host, 0x82, 0x80, 0x80, 0x80, 0x80, 0x00, 0x10, 80]],
    ['a string that reaches beyond its message, not beyond the body', [...host, 3, 0x22, 4, 97, 98, 99, 100]],
    ['a varint that reaches beyond its message, not beyond the body', [...host, 2, 0x10, 0x80, 0x01]],
    ['a skipped field that reaches beyond its message', [...host, 3, 0x7a, 4, 97, 98, 99, 100]],
    ['a string that is not UTF-8', [...host, 4, 0x22, 2, 0xc3, 0x28]],
    ['a string with half a surrogate pair', [...host, 5, 0x22, 3, 0xed, 0xa0, 0x80]],
    ['a varint of eleven bytes', [0x08, ...Array<number>(10).fill(0x80), 0x01]],
    ['a tag of more than 32 bits', [0x88, 0x80, 0x80, 0x80, 0x10, 0x01]],
    ['field number 0', [0x00, 0x01]],
    ['wire type 6', [0x7e, 0x01]],
    ['the end of a group that never began', tagBytes(15, WireType.EndGroup)],
    ['a group that never ends', [...tagBytes(15, WireType.StartGroup), 0x08, 0x01]],
    ['a group that another one ends', [...tagBytes(15, WireType.StartGroup), ...tagBytes(14, WireType.EndGroup)]],
    ['a thousand groups in one another', Array<number>(1000).fill(0x7b)],
  ];

  test.each(bad)('%s', (_name, bytes) => {
    for (const body of bothKinds(Uint8Array.from(bytes))) {
      expect(() => decodeBody(MessageId.ReportRequest, body)).toThrow(expect.objectContaining({ code: 'BAD_BODY' }));
    }
  });
});

test('of a field that comes twice the last value counts', () => {
  const body = Uint8Array.from([
    0x08,
    1,
    0x08,
    2,
    ...tagBytes(3, WireType.Bytes),
    2,
    0x10,
    80,
    ...tagBytes(3, WireType.Bytes),
    2,
    0x18,
    9,
  ]);
  const { modid, host } = decodeBody(MessageId.ReportRequest, body);
  expect(modid).toBe(2);
  expect(host).toStrictEqual({ ip: 0, port: 0, weight: 9, addr: '', zone: '', drain: false });
});

test('half a surrogate pair is sent as U+FFFD, so that every receiver can read the message', () => {
  const ack = { agent: 'a\ud800b', seq: 1 };
  expect(decodeBody(MessageId.ReportStatusAck, encodeBody(MessageId.ReportStatusAck, ack)).agent).toBe('a\ufffdb');
});

/** Node hands us Buffers, the memory twins Uint8Arrays; protobufjs reads the two with different readers. */
function bothKinds(bytes: Uint8Array): Uint8Array[] {
  return [Uint8Array.from(bytes), Buffer.from(bytes)];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function expectDecodes(id: MessageId, body: Uint8Array, message: PlainMessage): void {
  for (const bytes of bothKinds(body)) expect(decodeBody(id, bytes)).toStrictEqual(message);
}

type Verdict = { readonly message: unknown } | { readonly code: string };

/** We take what protobufjs takes, refuse what it refuses, and throw nothing but BAD_BODY. */
function expectSameVerdict(id: MessageId, type: protobuf.Type, body: Uint8Array): void {
  const expected = referenceVerdict(type, body);
  // protobufjs merges an embedded message that comes twice, ours takes the last: only the verdict is compared there.
  const merges = type.fieldsArray.some(field => embeddedType(field) !== undefined && !field.repeated);
  for (const bytes of bothKinds(body)) {
    const ours = ourVerdict(id, bytes);
    if (merges && 'message' in expected) expect(Object.keys(ours)).toStrictEqual(['message']);
    else expect(ours).toStrictEqual(expected);
  }
}

function ourVerdict(id: MessageId, body: Uint8Array): Verdict {
  try {
    return { message: decodeBody(id, body) };
  } catch (error) {
    if (!(error instanceof LarsProtocolError)) throw error;
    return { code: error.code };
  }
}

function referenceVerdict(type: protobuf.Type, body: Uint8Array): Verdict {
  try {
    return { message: completeMessage(type, type.toObject(type.decode(body), { longs: Number })) };
  } catch {
    return { code: 'BAD_BODY' };
  }
}

type Noise = (of: protobuf.Type) => number[];

/** The message's bytes with noise before, between and after its fields, also inside the embedded messages. */
function noisyBody(type: protobuf.Type, message: PlainMessage, noise: Noise): number[] {
  const pieces = type.fieldsArray.flatMap(field => fieldPieces(type, field, message[field.name], noise));
  return [...pieces.flatMap(piece => [...noise(type), ...piece]), ...noise(type)];
}

function fieldPieces(type: protobuf.Type, field: protobuf.Field, value: unknown, noise: Noise): number[][] {
  const embedded = embeddedType(field);
  if (embedded === undefined) return [[...type.encode({ [field.name]: value }).finish()]];
  const values = (field.repeated ? value : value === undefined ? [] : [value]) as PlainMessage[];
  return values.map(item => {
    const content = noisyBody(embedded, item, noise);
    return [...tagBytes(field.id, WireType.Bytes), ...varintBytes(content.length), ...content];
  });
}

function arbitraryUnknownFields(typeName: string): fc.Arbitrary<number[]> {
  const type = larsProto.lookupType(typeName);
  const firstUnknown = Math.max(...type.fieldsArray.map(field => field.id)) + 1;
  const fieldNumber = fc.oneof(
    fc.constantFrom(firstUnknown, 15, 16, MAX_FIELD_NUMBER),
    fc.integer({ min: firstUnknown, max: 5000 }),
  );
  return fieldsOf(fc.tuple(fieldNumber, fc.constantFrom(...WIRE_TYPES)));
}

function arbitraryMistypedFields(typeName: string): fc.Arbitrary<number[]> {
  const mistyped = larsProto.lookupType(typeName).fieldsArray.flatMap(field => {
    const right = field.type === 'string' || embeddedType(field) !== undefined ? WireType.Bytes : WireType.Varint;
    return WIRE_TYPES.filter(wireType => wireType !== right).map(wireType => [field.id, wireType] as [number, WireType]);
  });
  return fieldsOf(fc.constantFrom(...mistyped));
}

function fieldsOf(choice: fc.Arbitrary<[number, WireType]>): fc.Arbitrary<number[]> {
  const field = choice.chain(([fieldNumber, wireType]) => arbitraryWireField(fieldNumber, wireType));
  return fc.array(field, { maxLength: 2 }).map(fields => fields.flat());
}
