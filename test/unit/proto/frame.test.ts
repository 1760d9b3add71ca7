import {
  decodeDatagram,
  encodeFrame,
  FrameDecoder,
  HEADER_BYTES,
  LarsProtocolError,
  MAX_BODY_BYTES,
  MessageId,
  readInt32,
  writeHeader,
} from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

interface PlainFrame {
  readonly id: number;
  readonly body: readonly number[];
}

const arbitraryBody = fc.oneof(
  fc.array(fc.nat(255), { maxLength: 40 }),
  fc.array(fc.nat(255), { minLength: 200, maxLength: 2000, size: 'max' }),
);
const arbitraryId = fc.oneof(fc.constantFrom(...Object.values(MessageId)), fc.integer());
const arbitraryFrame = fc.tuple(arbitraryId, arbitraryBody).map(([id, body]): PlainFrame => ({ id, body }));

/** Sizes of the chunks that a stream is cut into, over and over: empty ones, single bytes, whole packets. */
const arbitraryCuts = fc
  .array(fc.oneof(fc.constantFrom(0, 1, HEADER_BYTES - 1, HEADER_BYTES), fc.nat(30), fc.nat(5000)), {
    minLength: 1,
    maxLength: 20,
  })
  .filter(sizes => sizes.some(size => size > 0));

describe('head', () => {
  test('is two int32, little-endian', () => {
    const bytes = new Uint8Array(10).fill(0xaa);
    writeHeader(bytes, 1, 0x01020304, -2);
    expect([...bytes]).toStrictEqual([0xaa, 4, 3, 2, 1, 0xfe, 0xff, 0xff, 0xff, 0xaa]);
  });

  test('any two int32 come back', () => {
    const arbitraryInt32 = fc.oneof(fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)), fc.integer());
    fc.assert(
      fc.property(arbitraryInt32, arbitraryInt32, fc.nat(5), (id, bodyBytes, at) => {
        const bytes = new Uint8Array(at + HEADER_BYTES);
        writeHeader(bytes, at, id, bodyBytes);
        expect([readInt32(bytes, at), readInt32(bytes, at + 4)]).toStrictEqual([id, bodyBytes]);
      }),
    );
  });
});

describe('datagram', () => {
  test('is one frame; the body is a view into it', () => {
    const datagram = frameBytes({ id: 4, body: [1, 2, 3] });
    const { id, body } = decodeDatagram(datagram);
    expect([id, ...body]).toStrictEqual([4, 1, 2, 3]);
    expect([body.buffer, body.byteOffset]).toStrictEqual([datagram.buffer, datagram.byteOffset + HEADER_BYTES]);
  });

  test('may have no body', () => {
    expect(decodeDatagram(frameBytes({ id: 6, body: [] }))).toStrictEqual({ id: 6, body: new Uint8Array(0) });
  });

  test.each([
    ['nothing', 0, 0, 'a datagram of 0 bytes is shorter than a header'],
    ['half a header', 7, 0, 'a datagram of 7 bytes is shorter than a header'],
    ['a byte less than announced', 10, 3, 'the header announces 3 bytes, the datagram carries 2'],
    ['a byte more than announced', 12, 3, 'the header announces 3 bytes, the datagram carries 4'],
    ['a negative length', 8, -1, 'the header announces -1 bytes, the datagram carries 0'],
    ['a length negative by what the datagram has', 11, -3, 'the header announces -3 bytes, the datagram carries 3'],
    ['the largest int32 as length', 8, 2 ** 31 - 1, 'the header announces 2147483647 bytes, the datagram carries 0'],
  ])('%s: BAD_LENGTH', (_name, datagramBytes, announced, message) => {
    const datagram = new Uint8Array(Math.max(HEADER_BYTES, datagramBytes));
    writeHeader(datagram, 0, MessageId.GetHostRequest, announced);
    const received = datagram.subarray(0, datagramBytes);
    expect(() => decodeDatagram(received)).toThrow(expect.objectContaining({ code: 'BAD_LENGTH', message }));
  });
});

describe('encodeFrame', () => {
  const hostOfBytes = (zoneBytes: number) => ({ ip: 0, port: 0, weight: 0, addr: '', zone: 'z'.repeat(zoneBytes), drain: false });
  const responseOf = (zoneBytes: number) => ({ seq: 0, modid: 0, cmdid: 0, retcode: 0, host: hostOfBytes(zoneBytes) });
  // The tags of host and zone and their lengths of three bytes each.
  const OVERHEAD = 8;

  test('takes the largest body that a head may announce', () => {
    const frame = encodeFrame(MessageId.GetHostResponse, responseOf(MAX_BODY_BYTES - OVERHEAD));
    expect(decodeDatagram(frame).body.length).toBe(MAX_BODY_BYTES);
  });

  test('a byte more is BAD_LENGTH', () => {
    const tooLarge = responseOf(MAX_BODY_BYTES - OVERHEAD + 1);
    expect(() => encodeFrame(MessageId.GetHostResponse, tooLarge)).toThrow(expect.objectContaining({ code: 'BAD_LENGTH' }));
  });
});

describe('FrameDecoder', () => {
  test('delivers the same frames in order, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(arbitraryFrame, { maxLength: 8 }), arbitraryCuts, fc.boolean(), (frames, cuts, asBuffers) => {
        const decoder = new FrameDecoder();
        const delivered: PlainFrame[] = [];
        for (const chunk of cut(streamOf(frames), cuts)) {
          const received = asBuffers ? Buffer.from(chunk) : Uint8Array.from(chunk);
          decoder.push(received, (id, body) => delivered.push({ id, body: [...body] }));
          // A receive buffer may be used again for the next bytes: nothing of it may be needed any more.
          received.fill(0xee);
        }
        expect(delivered).toStrictEqual(frames);
        expect(decoder.pendingBytes).toBe(0);
      }),
    );
  });

  test('delivers a frame with its last byte, and holds exactly the bytes of the unfinished one', () => {
    fc.assert(
      fc.property(fc.array(arbitraryFrame, { minLength: 1, maxLength: 5 }), arbitraryCuts, (frames, cuts) => {
        const decoder = new FrameDecoder();
        const ends = frameEnds(frames);
        let received = 0;
        let delivered = 0;
        for (const chunk of cut(streamOf(frames), cuts)) {
          decoder.push(chunk, () => {
            delivered += 1;
          });
          received += chunk.length;
          expect(delivered).toBe(ends.filter(end => end <= received).length);
          expect(decoder.pendingBytes).toBe(received - (ends[delivered - 1] ?? 0));
        }
      }),
    );
  });

  test('frames that lie whole in a chunk are handed on without a copy', () => {
    const chunk = streamOf([
      { id: 1, body: [1, 2] },
      { id: 2, body: [3] },
    ]);
    const buffers = new Set<ArrayBufferLike>();
    new FrameDecoder().push(chunk, (_id, body) => buffers.add(body.buffer));
    expect([...buffers]).toStrictEqual([chunk.buffer]);
  });

  test.each([
    ['negative', -1],
    ['the smallest int32', -(2 ** 31)],
    ['one too large', 101],
    ['the largest int32', 2 ** 31 - 1],
  ])('an announced length that is bad (%s) throws after the frames before it, and for good', (_name, announced) => {
    const good = { id: 1, body: [1, 2, 3] };
    const badHead = new Uint8Array(HEADER_BYTES);
    writeHeader(badHead, 0, 1, announced);
    const stream = Uint8Array.from([...streamOf([good, good]), ...badHead, ...streamOf([good])]);
    fc.assert(
      fc.property(arbitraryCuts, cuts => {
        const decoder = new FrameDecoder(100);
        const delivered: PlainFrame[] = [];
        const errors: unknown[] = [];
        for (const chunk of cut(stream, cuts)) {
          try {
            decoder.push(chunk, (id, body) => delivered.push({ id, body: [...body] }));
          } catch (error) {
            errors.push(error);
          }
        }
        expect(delivered).toStrictEqual([good, good]);
        expect(errors.length).toBeGreaterThan(0);
        for (const error of errors) {
          expect(error).toBeInstanceOf(LarsProtocolError);
          expect(error).toMatchObject({ code: 'BAD_LENGTH', message: expect.stringContaining(`${announced} bytes`) });
        }
      }),
    );
  });

  test('takes bodies of exactly its limit', () => {
    const body = Array<number>(100).fill(7);
    const delivered: number[] = [];
    new FrameDecoder(100).push(frameBytes({ id: 1, body }), (_id, bytes) => delivered.push(bytes.length));
    expect(delivered).toStrictEqual([100]);
  });

  test('what onFrame throws comes out of push; the frame is not delivered again', () => {
    const stream = streamOf([{ id: 1, body: [1, 2, 3] }]);
    const decoder = new FrameDecoder();
    const thrown = new Error('not mine');
    decoder.push(stream.subarray(0, 9), () => {});
    expect(() =>
      decoder.push(stream.subarray(9), () => {
        throw thrown;
      }),
    ).toThrow(thrown);
    const delivered: number[] = [];
    decoder.push(frameBytes({ id: 2, body: [] }), id => delivered.push(id));
    expect(delivered).toStrictEqual([2]);
  });

  test('a large frame that comes byte by byte is not copied again for every byte', () => {
    const bytes = frameBytes({ id: 3, body: Array<number>(MAX_BODY_BYTES).fill(9) });
    const copied = countCopiedBytes(() => {
      const decoder = new FrameDecoder();
      for (let at = 0; at < bytes.length; at += 1) decoder.push(bytes.subarray(at, at + 1), () => {});
    });
    expect(copied).toBeGreaterThanOrEqual(bytes.length);
    expect(copied).toBeLessThan(3 * bytes.length);
  });
});

function frameBytes({ id, body }: PlainFrame): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(bytes, 0, id, body.length);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

function streamOf(frames: readonly PlainFrame[]): Uint8Array {
  return Uint8Array.from(frames.flatMap(frame => [...frameBytes(frame)]));
}

/** Where in the stream each frame ends. */
function frameEnds(frames: readonly PlainFrame[]): number[] {
  let end = 0;
  return frames.map(frame => {
    end += HEADER_BYTES + frame.body.length;
    return end;
  });
}

function* cut(stream: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < stream.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    yield stream.subarray(at, at + size);
    at += size;
  }
}

/** How many bytes typed arrays copy with `set` while `run` runs. */
function countCopiedBytes(run: () => void): number {
  const { set } = Uint8Array.prototype;
  let copied = 0;
  Uint8Array.prototype.set = function countingSet(source, offset) {
    copied += source.length;
    set.call(this, source, offset);
  };
  try {
    run();
  } finally {
    Uint8Array.prototype.set = set;
  }
  return copied;
}
