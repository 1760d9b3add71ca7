import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../cli/src/simulate/random.ts';

const draw = (seed: number, name: string, count: number) => {
  const random = seededRandom(seed, name);
  return Array.from({ length: count }, random);
};

describe('seededRandom', () => {
  test('gives the same numbers for the same seed and name, and others for others', () => {
    expect(draw(1, 'a:1', 20)).toStrictEqual(draw(1, 'a:1', 20));
    expect(draw(1, 'a:1', 20)).not.toStrictEqual(draw(2, 'a:1', 20));
    expect(draw(1, 'a:1', 20)).not.toStrictEqual(draw(1, 'a:2', 20));
  });

  test('is uniform in [0, 1): every tenth of it gets about a tenth of the numbers', () => {
    for (const seed of [0, 1, 42, 2 ** 32 - 1]) {
      const tenths = new Array<number>(10).fill(0);
      for (const value of draw(seed, 'a:1', 20_000)) tenths[Math.floor(value * 10)] = (tenths[Math.floor(value * 10)] ?? 0) + 1;
      expect(tenths, `seed ${seed}`).toHaveLength(10);
      for (const count of tenths) expect(Math.abs(count - 2_000), `seed ${seed}`).toBeLessThan(200);
    }
  });
});
