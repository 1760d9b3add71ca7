import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Highest } from '../../../agent/src/shard/highest.ts';

test('of whatever is added, the highest are there in their order, the first of equals first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), fc.integer({ min: 0, max: 8 }), (scores, max) => {
      const highest = new Highest<number>(max);
      for (const [at, score] of scores.entries()) highest.add(at, score);
      const sorted = scores.map((score, at) => ({ score, at })).sort((a, b) => b.score - a.score || a.at - b.at);
      expect(highest.items).toEqual(sorted.slice(0, max).map(({ at }) => at));
    }),
  );
});
