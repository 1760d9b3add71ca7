import { decodeWorkerFrame } from '@lars/dispatch/protocol';
import { ProtocolError } from '@lars/reactor/number-frames';
import {
  decodePredecessorFrame,
  decodeSuccessorFrame,
  encodeSuccessionFrame,
  isSucceed,
  type PredecessorFrame,
  type SuccessorFrame,
  successionServices,
} from '@lars/runtime/succession/frames';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const successorFrame: fc.Arbitrary<SuccessorFrame> = fc.oneof(
  fc.record({ kind: fc.constant('succeed' as const), version: uint32, service: fc.constantFrom(...successionServices) }),
  fc.record({ kind: fc.constant('claim' as const), number: uint32 }),
  fc.record({ kind: fc.constant('ready' as const) }),
);
const predecessorFrame: fc.Arbitrary<PredecessorFrame> = fc.oneof(
  fc.record({ kind: fc.constant('offer' as const), count: uint32 }),
  fc.record({ kind: fc.constant('released' as const), watchdogMs: uint32 }),
  fc.record({ kind: fc.constant('rest' as const), count: uint32, listener: uint32 }),
);

test('what is encoded is decoded again, and only by the side for which it is', () => {
  fc.assert(
    fc.property(successorFrame, frame => {
      const bytes = encodeSuccessionFrame(frame);
      expect(decodeSuccessorFrame(bytes)).toEqual(frame);
      expect(() => decodePredecessorFrame(bytes)).toThrow(ProtocolError);
      expect(isSucceed(bytes)).toBe(frame.kind === 'succeed');
    }),
  );
  fc.assert(
    fc.property(predecessorFrame, frame => {
      const bytes = encodeSuccessionFrame(frame);
      expect(decodePredecessorFrame(bytes)).toEqual(frame);
      expect(() => decodeSuccessorFrame(bytes)).toThrow(ProtocolError);
    }),
  );
});

test('no frame is one of a worker of lars dispatch, which connects to the same socket', () => {
  fc.assert(
    fc.property(fc.oneof(successorFrame, predecessorFrame), frame => {
      expect(() => decodeWorkerFrame(encodeSuccessionFrame(frame))).toThrow(ProtocolError);
    }),
  );
});

test('the first frame of a dispatcher is that of versions that knew no other service', () => {
  const bytes = encodeSuccessionFrame({ kind: 'succeed', version: 2, service: 'dispatcher' });
  expect([...bytes]).toEqual([5, 0, 0, 0, 2, ...new Array(11).fill(0)]);
  expect(() => decodeSuccessorFrame(Uint8Array.from(bytes, (byte, at) => (at === 8 ? 7 : byte)))).toThrow('no service 7');
});
