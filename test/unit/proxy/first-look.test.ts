import { expect, test } from 'vitest';
import { FirstLook } from '../../../proxy/src/listen/first-look.ts';

/** How many of some clients are looked at. */
function looks(look: FirstLook, clients: number, hasBytes: boolean): number {
  let looked = 0;
  for (let client = 0; client < clients; client++) {
    if (!look.isDue()) continue;
    looked += 1;
    look.note(hasBytes);
  }
  return looked;
}

test('every client is looked at where clients speak at once', () => {
  expect(looks(new FirstLook(), 1_000, true)).toBe(1_000);
});

test('where they say nothing few are, and speaking clients are found again', () => {
  const look = new FirstLook();
  expect(looks(look, 10_000, false)).toBeLessThan(16 + 10_000 / 200);
  looks(look, 241, true);
  expect(looks(look, 1_000, true)).toBe(1_000);
});

test('a few silent clients between others change nothing', () => {
  const look = new FirstLook();
  for (let round = 0; round < 100; round++) {
    expect(looks(look, 15, false)).toBe(15);
    expect(looks(look, 1, true)).toBe(1);
  }
});
