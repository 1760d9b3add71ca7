import { decodeBody, encodeBody, MessageId } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RouteRequest } from '../../../../dnsserver/src/serve/route-request.ts';
import { arbitraryWireField, exactUint64, int32, uint32, WIRE_TYPES } from '../../../support/lars-arbitraries.ts';

const request = new RouteRequest();

/** What reading comes to: the fields, or the code of the error. */
function outcome(read: () => object): unknown {
  try {
    return { ...read() };
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function expectAsTheCodec(body: Uint8Array): void {
  const read = () => {
    request.read(body);
    return request;
  };
  expect(outcome(read)).toEqual(outcome(() => decodeBody(MessageId.GetRouteRequest, body)));
}

describe('a route request is read as the codec reads it', () => {
  test('whatever its fields', () => {
    const fields = fc.record({ modid: int32, cmdid: int32, version: exactUint64, features: uint32 });
    fc.assert(fc.property(fields, message => expectAsTheCodec(encodeBody(MessageId.GetRouteRequest, message))));
  });

  test('whatever fields come, known and unknown, once and twice, with whatever wire type', () => {
    const field = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom(...WIRE_TYPES))
      .chain(args => arbitraryWireField(...args));
    fc.assert(fc.property(fc.array(field, { maxLength: 6 }), parts => expectAsTheCodec(Uint8Array.from(parts.flat()))));
  });

  test('whatever the bytes', () => {
    const byte = fc.oneof(fc.constantFrom(0x08, 0x10, 0x18, 0x20, 0x80, 0xff, 0x7f, 0x01), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 24 }), bytes => expectAsTheCodec(Uint8Array.from(bytes))),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['nothing', []],
    ['a number of four bytes', [0x08, 0xff, 0xff, 0xff, 0x7f]],
    ['one of five', [0x08, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a small number in five bytes', [0x10, 0x81, 0x80, 0x80, 0x80, 0x00]],
    ['a number that breaks off', [0x08, 0x80]],
    ['a version of Unix seconds', [0x18, 0x80, 0x92, 0x94, 0xc9, 0x06]],
    ['the largest version of 32 bits', [0x18, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['the smallest of 33', [0x18, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['a version of nine bytes', [0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a tag alone', [0x08]],
    ['a tag in two bytes', [0x88, 0x00, 0x05]],
  ])('%s', (_, bytes) => expectAsTheCodec(Uint8Array.from(bytes)));
});
