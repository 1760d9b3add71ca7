/** A getHost response that is written in place is what encodeFrame makes, byte by byte. */
import { encodeFrame, type HostInfo, MessageId, ReturnCode } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeGetHostResponse } from '../../../proto/src/in-place/encode.ts';
import deployed from '../../data/wire-vectors.json' with { type: 'json' };
import additions from '../../data/wire-vectors-additions.json' with { type: 'json' };
import { hostInfo, namedHost } from '../../support/agent-messages.ts';
import { int32, text, uint32 } from '../../support/lars-arbitraries.ts';
import { bodyType, completeMessage } from '../../support/lars-proto.ts';

const UNTOUCHED = 0xee;
const START = 7;

const name = fc.oneof(fc.constant(''), fc.string({ unit: 'binary-ascii', maxLength: 44 }), text);
const arbitraryHost: fc.Arbitrary<HostInfo> = fc.record({
  ip: int32,
  port: int32,
  weight: uint32,
  addr: name,
  zone: name,
  drain: fc.boolean(),
});
const arbitraryResponse = fc.record({
  seq: uint32,
  modid: int32,
  cmdid: int32,
  retcode: fc.constantFrom(...Object.values(ReturnCode)),
  host: fc.option(arbitraryHost, { nil: undefined }),
});
type Response = typeof arbitraryResponse extends fc.Arbitrary<infer T> ? T : never;

/** @returns the frame, or undefined where the writer leaves it to encodeFrame */
function written(response: Response, room = 300): Buffer | undefined {
  const slot = Buffer.alloc(room, UNTOUCHED);
  const length = writeGetHostResponse(slot, START, { ...response, features: 0, purpose: 0 }, response.retcode, response.host);
  expect(slot.subarray(0, START).every(byte => byte === UNTOUCHED)).toBe(true);
  if (length === 0) return undefined;
  expect(slot.subarray(START + length).every(byte => byte === UNTOUCHED)).toBe(true);
  return slot.subarray(START, START + length);
}

function expectEncoded(response: Response): void {
  expect(written(response)?.toString('hex')).toBe(Buffer.from(encodeFrame(MessageId.GetHostResponse, response)).toString('hex'));
}

function isUsual({ host }: Response): boolean {
  return host === undefined || /^[\0-\x7f]{0,88}$/.test(host.addr + host.zone);
}

describe('a response', () => {
  test('is written as encodeFrame writes it, where its names are short and ASCII; other ones are left to it', () => {
    fc.assert(
      fc.property(arbitraryResponse, response => {
        if (isUsual(response)) expectEncoded(response);
        else expect(written(response)).toBeUndefined();
      }),
      { numRuns: 3_000 },
    );
  });

  const vectors = [...deployed, ...additions].filter(vector => vector.messageId === MessageId.GetHostResponse);
  test.each(vectors)('$name: these are the bytes of the vector', ({ message, hex }) => {
    const response = completeMessage(bodyType(MessageId.GetHostResponse), message as never) as unknown as Response;
    expect(written(response)?.toString('hex')).toBe(hex);
  });

  test('there is a vector', () => expect(vectors.length).toBeGreaterThan(0));

  test('is left to encodeFrame where the slot might be too short', () => {
    const response: Response = {
      seq: 2 ** 32 - 1,
      modid: -1,
      cmdid: -1,
      retcode: ReturnCode.Success,
      host: hostInfo(-1, { ip: -1, weight: 2 ** 32 - 1, addr: 'a'.repeat(44), zone: 'z'.repeat(44), drain: true }),
    };
    const longest = encodeFrame(MessageId.GetHostResponse, response);
    for (let room = START; room < START + longest.length; room++) expect(written(response, room)).toBeUndefined();
    expectEncoded(response);
  });

  test.each([0x7f, 0x80, 2 ** 14 - 1, 2 ** 14, 2 ** 28 - 1, 2 ** 28, 2 ** 31 - 1, -1, -128, -(2 ** 28), -(2 ** 31)])(
    'a number takes as many bytes as it needs: %i',
    value => {
      const host = hostInfo(value, { ip: value });
      expectEncoded({ seq: value >>> 0, modid: value, cmdid: value, retcode: ReturnCode.Success, host });
    },
  );

  test('a name of 88 characters still fits, one more does not', () => {
    const named = (length: number): Response => ({ seq: 1, modid: 1, cmdid: 1, retcode: 0, host: namedHost('n'.repeat(length)) });
    expectEncoded(named(88));
    expect(written(named(89))).toBeUndefined();
  });
});
