import { Dice } from '@lars/proto/dice';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../support/seeded-random.ts';

describe('Dice', () => {
  test.each([1, 2, 7, 5_000, 65_536])('throws integers from 0 to below %i, each as often as the others', limit => {
    const dice = new Dice(seededRandom(9));
    const thrown = Array.from({ length: 20_000 }, () => dice.below(limit));
    expect(thrown.every(one => Number.isInteger(one) && one >= 0 && one < limit)).toBe(true);
    const mean = thrown.reduce((sum, one) => sum + one, 0) / thrown.length;
    expect(mean / limit).toBeCloseTo((limit - 1) / 2 / limit, 1);
    expect(new Set(thrown).size).toBeGreaterThan(Math.min(limit, 20_000) * 0.8);
  });

  test.each([0, 0.5, 1 - 2 ** -53])('does not stick, whatever the seed: %f', seed => {
    const dice = new Dice(() => seed);
    expect(new Set(Array.from({ length: 1_000 }, () => dice.below(65_536))).size).toBeGreaterThan(900);
  });

  test('asks for its seed once, and throws the same for the same seed', () => {
    let asked = 0;
    const dice = () =>
      new Dice(() => {
        asked += 1;
        return 0.3;
      });
    const throws = (one: Dice) => Array.from({ length: 20 }, () => one.below(1_000));
    expect(throws(dice())).toEqual(throws(dice()));
    expect(asked).toBe(2);
  });
});
