import { expect, test } from 'vitest';
import { joinFrames } from '../../../agent/src/report/unsent-frames.ts';

const FRAMES = [Uint8Array.of(1), Uint8Array.of(2, 2), Uint8Array.of(3, 3, 3)];

test.each([
  [7, [1, 2, 2, 3, 3, 3], 0],
  [6, [1, 2, 2, 3, 3, 3], 0],
  [5, [2, 2, 3, 3, 3], 1],
  [4, [3, 3, 3], 2],
  [2, [], 3],
])('of frames of 6 bytes, %i bytes have room for the newest that fit, in order', (maxBytes, body, left) => {
  expect(joinFrames(FRAMES, maxBytes)).toEqual({ body: Uint8Array.from(body), left });
});
