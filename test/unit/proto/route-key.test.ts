import { formatModule, INT32_MAX, INT32_MIN, isInt32, routeKey, SHARD_COUNT, shardOf } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const EXTREMES = [INT32_MIN, INT32_MIN + 1, -2, -1, 0, 1, 2, INT32_MAX - 1, INT32_MAX];
/** Where routeKey changes from a number to a string, and from a small number to a large one. */
const BOUNDARIES = [2 ** 20, -(2 ** 20), 2 ** 15, 2 ** 16].flatMap(edge => [edge - 2, edge - 1, edge, edge + 1, edge + 2]);

const arbitraryInt32 = fc.oneof(fc.constantFrom(...EXTREMES, ...BOUNDARIES), fc.integer({ min: -3, max: 3 }), fc.integer());
const arbitraryModule = fc.tuple(arbitraryInt32, arbitraryInt32);

describe('shardOf', () => {
  test.each([
    [1, 1, 2],
    [1, 2, 0],
    [0, 0, 0],
    [-1, 0, 2],
    [-3, 2, 2],
    [-4, 2, 1],
    [-5, 2, 0],
    [-1, 1, 0],
    [INT32_MAX, INT32_MAX, 2],
    [INT32_MIN, INT32_MIN, 2],
    [INT32_MIN, INT32_MAX, 2],
  ])('%i/%i belongs to shard %i', (modid, cmdid, shard) => {
    expect(shardOf(modid, cmdid)).toBe(shard);
  });

  test('is the mathematical remainder of the exact sum', () => {
    const modulus = BigInt(SHARD_COUNT);
    fc.assert(
      fc.property(arbitraryModule, ([modid, cmdid]) => {
        const remainder = (BigInt(modid) + BigInt(cmdid)) % modulus;
        expect(shardOf(modid, cmdid)).toBe(Number((remainder + modulus) % modulus));
      }),
    );
  });
});

describe('routeKey', () => {
  test('two modules have the same key only if they are the same module', () => {
    fc.assert(
      fc.property(arbitraryModule, arbitraryModule, (a, b) => {
        expect(routeKey(...a) === routeKey(...b)).toBe(a[0] === b[0] && a[1] === b[1]);
      }),
      { numRuns: 2000 },
    );
  });

  test('neighbours at the edges of int32 and of the exact numbers all differ', () => {
    const powers = Array.from({ length: 31 }, (_, exponent) => 2 ** exponent);
    const numbers = [...new Set([...EXTREMES, ...BOUNDARIES, ...powers, ...powers.map(power => -power)])];
    const keys = numbers.flatMap(modid => numbers.map(cmdid => routeKey(modid, cmdid)));
    expect(new Set(keys).size).toBe(numbers.length ** 2);
    // A key on the wrong side of 2^53 could be equal to its neighbour's without this small sample noticing.
    for (const key of keys) if (typeof key === 'number') expect(Number.isSafeInteger(key)).toBe(true);
  });

  test('is a number for every modid of up to 20 bits', () => {
    expect([0, 2 ** 20 - 1, -(2 ** 20)].map(modid => typeof routeKey(modid, INT32_MIN))).toStrictEqual(Array(3).fill('number'));
  });
});

test('routeKey is a number of 31 bits for small ids', () => {
  const keys = [routeKey(0, 0), routeKey(1, 1), routeKey(2 ** 15 - 1, 2 ** 16 - 1)];
  for (const key of keys) expect(Number(key) >>> 31).toBe(0);
  expect(keys.map(Number).every(Number.isSafeInteger)).toBe(true);
});

test('formatModule writes a module as people do', () => {
  expect([formatModule(1, 2), formatModule(-3, INT32_MAX)]).toStrictEqual(['1/2', '-3/2147483647']);
});

test.each([
  [INT32_MIN, true],
  [INT32_MAX, true],
  [0, true],
  [INT32_MIN - 1, false],
  [INT32_MAX + 1, false],
  [0.5, false],
  [Number.NaN, false],
  [Number.POSITIVE_INFINITY, false],
])('isInt32(%d) is %s', (value, expected) => {
  expect(isInt32(value)).toBe(expected);
});
