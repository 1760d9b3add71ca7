import {
  type DispatcherFrame,
  decodeDispatcherFrame,
  decodeWorkerFrame,
  encodeFrame,
  type WorkerFrame,
} from '@lars/dispatch/protocol';
import { FrameSplitter, ProtocolError } from '@lars/reactor/number-frames';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const workerFrame: fc.Arbitrary<WorkerFrame> = fc.oneof(
  fc.record({ kind: fc.constant('hello' as const), version: uint32, maxConnections: uint32, ticket: uint32 }),
  fc.record({ kind: fc.constant('attach' as const), session: uint32 }),
  fc.record({ kind: fc.constant('status' as const), taken: uint32, open: uint32 }),
  fc.record({ kind: fc.constant('leave' as const) }),
);
const dispatcherFrame: fc.Arbitrary<DispatcherFrame> = fc.oneof(
  fc.record({ kind: fc.constant('welcome' as const), version: uint32, session: uint32 }),
  fc.record({ kind: fc.constant('connection' as const), number: uint32, listener: uint32 }),
  fc.record({ kind: fc.constant('last' as const), number: uint32 }),
  fc.record({ kind: fc.constantFrom('drain' as const, 'look' as const, 'moved' as const) }),
);

test('a frame is four little-endian numbers', () => {
  expect([...encodeFrame({ kind: 'hello', version: 1, maxConnections: 0x01020304, ticket: 0xfffffffe })]).toEqual([
    ...[1, 0, 0, 0],
    ...[1, 0, 0, 0],
    ...[4, 3, 2, 1],
    ...[0xfe, 0xff, 0xff, 0xff],
  ]);
  expect([...encodeFrame({ kind: 'drain' })]).toEqual([19, ...new Array(15).fill(0)]);
});

test('what is encoded is decoded again', () => {
  fc.assert(fc.property(workerFrame, frame => void expect(decodeWorkerFrame(encodeFrame(frame))).toEqual(frame)));
  fc.assert(fc.property(dispatcherFrame, frame => void expect(decodeDispatcherFrame(encodeFrame(frame))).toEqual(frame)));
});

test('frames of the other side, and of nobody, are refused', () => {
  fc.assert(
    fc.property(workerFrame, frame => void expect(() => decodeDispatcherFrame(encodeFrame(frame))).toThrow(ProtocolError)),
  );
  fc.assert(
    fc.property(dispatcherFrame, frame => void expect(() => decodeWorkerFrame(encodeFrame(frame))).toThrow(ProtocolError)),
  );
  expect(() => decodeWorkerFrame(new TextEncoder().encode('GET / HTTP/1.1\r\n'))).toThrow(
    'no worker sends frames of kind 542393671',
  );
});

test('a stream is cut into the same frames, however it comes', () => {
  fc.assert(
    fc.property(fc.array(workerFrame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 40 })), (frames, lengths) => {
      const stream = Buffer.concat(frames.map(encodeFrame));
      const splitter = new FrameSplitter();
      const seen: WorkerFrame[] = [];
      let at = 0;
      for (const length of [...lengths, stream.length]) {
        splitter.push(stream.subarray(at, at + length), bytes => seen.push(decodeWorkerFrame(bytes)));
        at += length;
      }
      expect(seen).toEqual(frames);
    }),
  );
});
