import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { encodeLengthPrefixed, LengthPrefixedSplitter, LineSplitter } from '@lars/reactor';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';

/** Pushes a stream in pieces. @returns false when a push did */
function pushAll(stream: Uint8Array, lengths: readonly number[], push: (chunk: Uint8Array) => boolean): boolean {
  let at = 0;
  for (const length of [...lengths, stream.length]) {
    // Each piece in memory that is written over afterwards, as an engine's is.
    const chunk = stream.slice(at, at + length);
    if (!push(chunk)) return false;
    chunk.fill(0xff);
    at += length;
  }
  return true;
}

const pieces = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 30 });

test('frames are the same, however they come', () => {
  const frame = fc.record({ id: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), body: fc.uint8Array({ maxLength: 30 }) });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), pieces, (frames, lengths) => {
      const splitter = new LengthPrefixedSplitter(30);
      const seen: unknown[] = [];
      const stream = Buffer.concat(frames.map(({ id, body }) => encodeLengthPrefixed(id, body)));
      expect(
        pushAll(stream, lengths, chunk => splitter.push(chunk, (id, body) => seen.push({ id, body: Uint8Array.from(body) }))),
      ).toBe(true);
      expect(seen).toEqual(frames.map(({ id, body }) => ({ id, body: Uint8Array.from(body) })));
    }),
  );
});

test('lines are the same, however they come', () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'ü', ' ', '\t'), maxLength: 10 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n'), pieces, (lines, end, lengths) => {
      const splitter = new LineSplitter(30);
      const seen: string[] = [];
      const stream = new TextEncoder().encode(lines.map(one => one + end).join(''));
      expect(pushAll(stream, lengths, chunk => splitter.push(chunk, bytes => seen.push(Buffer.from(bytes).toString())))).toBe(
        true,
      );
      expect(seen).toEqual(lines);
    }),
  );
});

test.each([-1, 31, 2 ** 31 - 1])('a frame of %d bytes ends it, before memory is taken for it', length => {
  const header = encodeLengthPrefixed(1, new Uint8Array(0));
  new DataView(header.buffer).setInt32(4, length, true);
  for (const lengths of [[], [3], [8]]) {
    const splitter = new LengthPrefixedSplitter(30);
    const stream = Buffer.concat([header, new Uint8Array(5)]);
    expect(pushAll(stream, lengths, chunk => splitter.push(chunk, () => undefined))).toBe(false);
  }
});

test('a line that is too long ends it, with its newline or without', () => {
  expect(new LineSplitter(4).push(Buffer.from('12345'), () => undefined)).toBe(false);
  expect(new LineSplitter(4).push(Buffer.from('12345\n'), () => undefined)).toBe(false);
  const splitter = new LineSplitter(4);
  expect(splitter.push(Buffer.from('1234'), () => undefined)).toBe(true);
  expect(splitter.push(Buffer.from('5\n'), () => undefined)).toBe(false);
});

test.each([
  ['many tiny pieces of a line', () => new LineSplitter(400_000), 1, 300_000],
  ['a long line that was told', () => new LineSplitter(4_000_000), 2_000_000, 2_000_000],
  ['a large frame that was told', () => new LengthPrefixedSplitter(4_000_000), 2_000_000, 2_000_000],
])('what is kept of %s takes no more memory than its bytes', async (_, make, pieceBytes, bytes) => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const used = () => {
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const splitter = make();
  const stream = splitter instanceof LineSplitter ? Buffer.alloc(bytes, 'x') : encodeLengthPrefixed(1, Buffer.alloc(bytes));
  const before = used();
  const told: number[] = [];
  for (let at = 0; at < stream.length; at += pieceBytes) {
    const chunk = stream.subarray(at, at + pieceBytes);
    if (splitter instanceof LineSplitter) splitter.push(chunk, line => told.push(line.length));
    else splitter.push(chunk, (__, body) => told.push(body.length));
  }
  if (pieceBytes > 1 && splitter instanceof LineSplitter) splitter.push(Buffer.from('\n'), line => told.push(line.length));
  // What nobody has any more goes in a thread of the collector's.
  await eventually('less than a megabyte is kept', () => used() - before < 1_000_000);
  expect(told).toEqual(pieceBytes > 1 ? [bytes] : []);
  // It is needed until here.
  expect(splitter).toBeDefined();
});

test.each([Number.NaN, -1, undefined])('a limit of %s is none', limit => {
  expect(() => new LineSplitter(limit as number)).toThrow(`maxBytes is ${limit}`);
  expect(() => new LengthPrefixedSplitter(limit as number)).toThrow(`maxBodyBytes is ${limit}`);
});

test.each([1, 2, 3, 7])(
  'a line may have all its bytes and end with CRLF, in chunks of %i; with one more it is too long',
  size => {
    const lines = (text: string) => {
      const splitter = new LineSplitter(5);
      const told: string[] = [];
      const bytes = Buffer.from(text);
      let isWell = true;
      for (let at = 0; at < bytes.length && isWell; at += size) {
        isWell = splitter.push(bytes.subarray(at, at + size), line => void told.push(Buffer.from(line).toString()));
      }
      return [told, isWell];
    };
    expect(lines('12345\r\nabcde\n\r\n')).toEqual([['12345', 'abcde', ''], true]);
    expect(lines('12345\r\n123456\r\n')).toEqual([['12345'], false]);
    expect(lines('12345\r6\n')).toEqual([[], false]);
  },
);
