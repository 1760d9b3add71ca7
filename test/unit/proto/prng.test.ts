import { Xorshift32 } from '@lars/proto/prng';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../support/seeded-random.ts';

describe('Xorshift32', () => {
  test.each([1, 2, 7, 5_000, 65_536])('gives integers from 0 to below %i, each as often as the others', limit => {
    const generator = new Xorshift32(seededRandom(9));
    const numbers = Array.from({ length: 20_000 }, () => generator.nextBelow(limit));
    expect(numbers.every(one => Number.isInteger(one) && one >= 0 && one < limit)).toBe(true);
    const mean = numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
    expect(mean / limit).toBeCloseTo((limit - 1) / 2 / limit, 1);
    expect(new Set(numbers).size).toBeGreaterThan(Math.min(limit, 20_000) * 0.8);
  });

  test.each([0, 0.5, 1 - 2 ** -53])('does not stick, whatever the seed: %f', seed => {
    const generator = new Xorshift32(() => seed);
    expect(new Set(Array.from({ length: 1_000 }, () => generator.nextBelow(65_536))).size).toBeGreaterThan(900);
  });

  test('asks for its seed once, and gives the same for the same seed', () => {
    let asked = 0;
    const generator = () =>
      new Xorshift32(() => {
        asked += 1;
        return 0.3;
      });
    const numbersOf = (one: Xorshift32) => Array.from({ length: 20 }, () => one.nextBelow(1_000));
    expect(numbersOf(generator())).toEqual(numbersOf(generator()));
    expect(asked).toBe(2);
  });
});
