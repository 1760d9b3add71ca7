import { decodeBody, decodeDatagram, encodeFrame, MessageId } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnswerReader, framesOf, SEQ_COUNT, SEQ_MIN, writeReport, writeRequest } from '../../../cli/src/bench/get-host-frames.ts';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const moduleId = fc.record({ modid: int32, cmdid: int32 });
const seq = fc.integer({ min: SEQ_MIN, max: SEQ_MIN + SEQ_COUNT - 1 });
const host = fc.record(
  {
    ip: int32,
    port: fc.integer({ min: 1, max: 65_535 }),
    weight: fc.nat(1_000),
    addr: fc.constantFrom('', '2001:db8::1', `${'a'.repeat(200)}.example`),
    zone: fc.constantFrom('', 'north'),
    drain: fc.boolean(),
  },
  { noNullPrototype: true },
);
const answer = fc.record({ seq, retcode: fc.nat(3), host: fc.option(host, { nil: undefined }) });
/** Where in a buffer a datagram lies. */
const start = fc.nat(100);

describe('requests', () => {
  test('say what was put into them, wherever they are written', () => {
    fc.assert(
      fc.property(moduleId, seq, start, (module, number, at) => {
        const bytes = new Uint8Array(400).fill(0xff);
        const length = writeRequest(bytes, at, framesOf(module), number);
        const { id, body } = decodeDatagram(bytes.subarray(at, at + length));
        expect(id).toBe(MessageId.GetHostRequest);
        expect(decodeBody(MessageId.GetHostRequest, body)).toStrictEqual({ seq: number, ...module, features: 0, purpose: 0 });
        expect([bytes[at - 1] ?? 0xff, bytes[at + length]]).toStrictEqual([0xff, 0xff]);
      }),
    );
  });
});

describe('answers', () => {
  test('are read as the codec reads them, and their report is about their host', () => {
    fc.assert(
      fc.property(moduleId, answer, start, (module, said, at) => {
        const datagram = encodeFrame(MessageId.GetHostResponse, { ...said, ...module });
        const bytes = new Uint8Array(1_000).fill(0xff);
        bytes.set(datagram, at);
        const reader = new AnswerReader();
        expect(reader.read(bytes, at, at + datagram.length)).toBe(true);
        expect([reader.seq, reader.retcode, reader.isEcho]).toStrictEqual([said.seq, said.retcode, false]);
        expect(reader.hostEnd > reader.hostStart).toBe(said.host !== undefined);
        if (said.host === undefined) return;
        const out = new Uint8Array(600);
        const { id, body } = decodeDatagram(out.subarray(7, 7 + writeReport(out, 7, framesOf(module), reader)));
        expect(id).toBe(MessageId.ReportRequest);
        expect(decodeBody(MessageId.ReportRequest, body)).toStrictEqual({ ...module, host: said.host, retcode: 0, tcost: 1 });
      }),
    );
  });

  test('that are the request itself are an echo', () => {
    const bytes = new Uint8Array(100);
    const length = writeRequest(bytes, 0, framesOf({ modid: 1, cmdid: 2 }), SEQ_MIN + 77);
    const reader = new AnswerReader();
    expect(reader.read(bytes, 0, length)).toBe(true);
    expect([reader.seq, reader.isEcho]).toStrictEqual([SEQ_MIN + 77, true]);
  });

  const whole = encodeFrame(MessageId.GetHostResponse, {
    ...{ seq: SEQ_MIN, modid: 1, cmdid: 1, retcode: 0 },
    host: { ip: 1, port: 80, weight: 0, addr: '', zone: '', drain: false },
  });
  test.each([
    ['nothing', new Uint8Array(0)],
    ['less than a head', whole.subarray(0, 7)],
    ['an answer without its end', whole.subarray(0, -1)],
    ['another message', encodeFrame(MessageId.ReportStatusAck, { agent: 'a', seq: 1 })],
    ['a field of unknown length', Uint8Array.of(5, 0, 0, 0, 2, 0, 0, 0, 0x0b, 0)],
    ['a number without an end', Uint8Array.of(5, 0, 0, 0, 12, 0, 0, 0, 0x08, ...new Uint8Array(11).fill(0xff))],
  ])('%s is none', (_what, bytes) => {
    expect(new AnswerReader().read(bytes, 0, bytes.length)).toBe(false);
  });

  test('never throw, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        const asAnswer = Uint8Array.of(5, 0, 0, 0, bytes.length, 0, 0, 0, ...bytes);
        expect(typeof new AnswerReader().read(asAnswer, 0, asAnswer.length)).toBe('boolean');
      }),
    );
  });
});
