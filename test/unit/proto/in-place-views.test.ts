/** What the views decode in place is what decodeBody decodes; they leave everything else to it. */
import { decodeBody, encodeBody, type HostInfo, LarsProtocolError, MessageId, type MessageOf } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GetHostRequestView, ReportRequestView } from '../../../proto/src/in-place/decode.ts';
import { arbitraryMessage, int32, tagBytes, uint32, varintBytes, WireType } from '../../support/lars-arbitraries.ts';
import { bodyType } from '../../support/lars-proto.ts';

interface View {
  decode(bytes: Uint8Array, start: number, end: number): boolean;
}

interface Case {
  readonly name: string;
  readonly id: MessageId;
  readonly view: View;
  /** What the agent makes use of, as the view has it and as decodeBody has it. */
  readonly fromView: () => object;
  readonly fromMessage: (body: Uint8Array) => object;
  /** The messages that must not be left to decodeBody. */
  readonly usual: fc.Arbitrary<MessageOf[MessageId]>;
}

const hostRequest = new GetHostRequestView();
const report = new ReportRequestView();
const ascii = fc.string({ unit: 'binary-ascii', maxLength: 300 });

const usualHost: fc.Arbitrary<HostInfo> = fc.record({
  ip: int32,
  port: int32,
  weight: uint32,
  addr: fc.constant(''),
  zone: ascii,
  drain: fc.boolean(),
});

const cases: readonly Case[] = [
  {
    name: 'GetHostRequestView',
    id: MessageId.GetHostRequest,
    view: hostRequest,
    fromView: () => ({ ...hostRequest }),
    fromMessage: body => decodeBody(MessageId.GetHostRequest, body),
    usual: fc.record({ seq: uint32, modid: int32, cmdid: int32, features: uint32, purpose: fc.constant(0) }),
  },
  {
    name: 'ReportRequestView',
    id: MessageId.ReportRequest,
    view: report,
    fromView: () => ({ ...report, addr: '' }),
    fromMessage: body => {
      const { modid, cmdid, host, retcode, tcost } = decodeBody(MessageId.ReportRequest, body);
      return { modid, cmdid, ip: host?.ip ?? 0, port: host?.port ?? 0, addr: host?.addr ?? '', retcode, tcost };
    },
    usual: fc.record({
      modid: int32,
      cmdid: int32,
      host: fc.option(usualHost, { nil: undefined }),
      retcode: int32,
      tcost: uint32,
    }),
  },
];

describe.each(cases)('$name', ({ id, view, fromView, fromMessage, usual }) => {
  /** @returns whether the view took it */
  const takesOrLeaves = (body: Uint8Array): boolean => {
    const outcomes = [Uint8Array.from(body), Buffer.from(body)].map(bytes => decodeAmidNoise(view, bytes));
    expect(outcomes[0]).toBe(outcomes[1]);
    if (outcomes[0] === true) expect(fromView()).toStrictEqual(decodedOr(fromMessage, body));
    return outcomes[0] === true;
  };

  test('takes every message that senders usually write', () => {
    fc.assert(
      fc.property(usual, message => {
        expect(takesOrLeaves(encodeBody(id, message))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('takes an empty body: every field has its default', () => {
    expect(takesOrLeaves(new Uint8Array(0))).toBe(true);
  });

  test('of any message, whole or cut short, it takes what decodeBody reads, or nothing', () => {
    fc.assert(
      fc.property(arbitraryMessage(bodyType(id)), message => {
        const body = encodeBody(id, message as unknown as MessageOf[MessageId]);
        for (let length = Math.max(0, body.length - 60); length <= body.length; length++) takesOrLeaves(body.subarray(0, length));
      }),
      { numRuns: 200 },
    );
  });

  test('of known fields in any order and number, written in any way, it takes what decodeBody reads, or nothing', () => {
    let taken = 0;
    fc.assert(
      fc.property(arbitraryFields, body => {
        if (takesOrLeaves(Uint8Array.from(body))) taken += 1;
      }),
      { numRuns: 3_000 },
    );
    // Were all of them left to decodeBody, the test would prove nothing.
    expect(taken).toBeGreaterThan(300);
  });

  test('of damaged messages and random bytes it takes what decodeBody reads, or nothing', () => {
    const damaged = fc.tuple(usual, fc.nat(), fc.nat(255)).map(([message, at, value]) => {
      const body = encodeBody(id, message);
      if (body.length > 0) body[at % body.length] = value;
      return body;
    });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ max: 60, maxLength: 30 })), body => {
        takesOrLeaves(body);
      }),
      { numRuns: 3_000 },
    );
  });
});

test('a host that comes twice replaces the first', () => {
  const host = (...content: number[]) => [...tagBytes(3, WireType.Bytes), content.length, ...content];
  const body = Uint8Array.from([...host(0x08, 7, 0x10, 80), ...host(0x10, 81)]);
  expect(report.decode(body, 0, body.length)).toBe(true);
  expect([report.ip, report.port]).toStrictEqual([0, 81]);
});

const leftToTheCodec: readonly [string, View, number[]][] = [
  ['an unknown field', hostRequest, [0x28, 1]],
  ['a known field of another wire type', hostRequest, [0x0d, 1, 2, 3, 4]],
  ['a tag of two bytes', hostRequest, [0x88, 0x00, 1]],
  ['a varint of eleven bytes', hostRequest, [0x08, ...Array<number>(10).fill(0x80), 0x01]],
  ['a varint that does not end', hostRequest, [0x08, 0x80]],
  ['a host with a name', report, [0x1a, 3, 0x22, 1, 0x61]],
  ['a host in a zone that is not ASCII', report, [0x1a, 4, 0x2a, 2, 0xc3, 0xa4]],
  ['a host that reaches beyond the body', report, [0x1a, 3, 0x10, 80]],
  ['a port that reaches beyond its host', report, [0x1a, 2, 0x10, 0x80, 0x01]],
  ['a zone that reaches beyond its host', report, [0x1a, 3, 0x2a, 4, 97, 98, 99, 100]],
  ['a zone that reaches beyond the body', report, [0x1a, 3, 0x2a, 4, 97]],
  ['a zone whose length is written in five bytes', report, [0x1a, 7, 0x2a, 0x81, 0x80, 0x80, 0x80, 0x00, 0x61]],
  ['a host whose length is written in five bytes', report, [0x1a, 0x82, 0x80, 0x80, 0x80, 0x00, 0x10, 80]],
];
test.each(leftToTheCodec)('%s is left to decodeBody', (_name, view, bytes) => {
  expect(decodeAmidNoise(view, Uint8Array.from(bytes))).toBe(false);
});

/** The body lies somewhere in a slot, and behind it lies what an earlier datagram left there. */
function decodeAmidNoise(view: View, body: Uint8Array): boolean {
  const slot = body instanceof Buffer ? Buffer.alloc(body.length + 20) : new Uint8Array(body.length + 20);
  slot.fill(0x10);
  slot.set(body, 5);
  return view.decode(slot, 5, 5 + body.length);
}

function decodedOr(decode: (body: Uint8Array) => object, body: Uint8Array): object {
  try {
    return decode(body);
  } catch (error) {
    if (!(error instanceof LarsProtocolError)) throw error;
    return { code: error.code };
  }
}

/** Fields 1 to 5 with varints of any length, hosts among them, and some that do not parse. */
const arbitraryVarint = fc.oneof(
  fc.nat(300).map(varintBytes),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(varintBytes),
  fc.tuple(fc.nat(12), fc.nat(127)).map(([padding, last]) => [...Array<number>(padding).fill(0x80), last]),
);
const varintField = (fields: readonly number[]) =>
  fc.tuple(fc.constantFrom(...fields), arbitraryVarint).map(([field, value]) => [...tagBytes(field, WireType.Varint), ...value]);
const zoneField = ascii.map(zone => [...tagBytes(5, WireType.Bytes), ...varintBytes(zone.length), ...Buffer.from(zone)]);
const hostField = fc
  .tuple(fc.array(fc.oneof(varintField([1, 2, 3, 6]), zoneField), { maxLength: 3 }), fc.nat(30))
  .map(([fields, odd]) => {
    const content = fields.flat();
    return [...tagBytes(3, WireType.Bytes), ...varintBytes(content.length + (odd === 0 ? 1 : 0)), ...content];
  });
const arbitraryFields = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: varintField([1, 2, 4, 5]) },
      { weight: 1, arbitrary: varintField([3]) },
      { weight: 2, arbitrary: hostField },
    ),
    { maxLength: 5 },
  )
  .map(fields => fields.flat());
