import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CallCounts, CumulativeCounters } from '../../../reporter/src/history/cumulative-counters.ts';

const counts = (succ: number, err: number, tcostMs = 0): CallCounts => ({ succ, err, tcostMs });

describe('running counts become increases', () => {
  test.each([
    { rule: 'what is told first counts in full', told: [[5, 1]], increases: [[5, 1]] },
    {
      rule: 'then the difference counts',
      told: [
        [5, 1],
        [9, 1],
        [9, 4],
      ],
      increases: [
        [5, 1],
        [4, 0],
        [0, 3],
      ],
    },
    {
      rule: 'the same numbers again count nothing',
      told: [
        [5, 1],
        [5, 1],
      ],
      increases: [
        [5, 1],
        [0, 0],
      ],
    },
    {
      rule: 'fewer successes: they started again',
      told: [
        [5, 1],
        [2, 1],
      ],
      increases: [
        [5, 1],
        [2, 1],
      ],
    },
    {
      rule: 'fewer errors: they started again',
      told: [
        [5, 3],
        [7, 1],
      ],
      increases: [
        [5, 3],
        [7, 1],
      ],
    },
    {
      rule: 'zero starts again',
      told: [
        [5, 1],
        [0, 0],
        [1, 0],
      ],
      increases: [
        [5, 1],
        [0, 0],
        [1, 0],
      ],
    },
  ])('$rule', ({ told, increases }) => {
    const counters = new CumulativeCounters(10);
    expect(told.map(([succ = 0, err = 0]) => counters.deltaSince('a', counts(succ, err), false))).toEqual(
      increases.map(([succ = 0, err = 0]) => counts(succ, err)),
    );
  });

  test('a host that changes sides has started again, whatever its numbers', () => {
    const counters = new CumulativeCounters(10);
    counters.deltaSince('a', counts(3, 1), false);
    expect(counters.deltaSince('a', counts(4, 2), true)).toEqual(counts(4, 2));
    expect(counters.deltaSince('a', counts(5, 2), true)).toEqual(counts(1, 0));
    expect(counters.deltaSince('a', counts(6, 2), false)).toEqual(counts(6, 2));
  });

  test('durations count by difference too', () => {
    const counters = new CumulativeCounters(10);
    counters.deltaSince('a', counts(1, 0, 70), false);
    expect(counters.deltaSince('a', counts(2, 0, 100), false)).toEqual(counts(1, 0, 30));
    expect(counters.deltaSince('a', counts(3, 0, 20), false)).toEqual(counts(3, 0, 20));
  });

  test('keys do not know each other', () => {
    const counters = new CumulativeCounters(10);
    counters.deltaSince('a', counts(5, 0), false);
    expect(counters.deltaSince('b', counts(6, 0), false)).toEqual(counts(6, 0));
  });

  test('the increases of a window sum up to its last count, whatever was left out between', () => {
    const window = fc.array(fc.record({ succ: fc.nat(9), err: fc.nat(9), told: fc.boolean() }), { minLength: 1 });
    fc.assert(
      fc.property(window, steps => {
        const counters = new CumulativeCounters(10);
        let succ = 0;
        let counted = 0;
        for (const step of steps) {
          succ += step.succ;
          if (step.told) counted += counters.deltaSince('a', counts(succ, 0), false).succ;
        }
        counted += counters.deltaSince('a', counts(succ, 0), false).succ;
        expect(counted).toBe(succ);
      }),
    );
  });
});

describe('memory is bounded', () => {
  test('the least recently told key is forgotten, counted, and counts from zero when it comes back', () => {
    const counters = new CumulativeCounters(2);
    counters.deltaSince('a', counts(1, 0), false);
    counters.deltaSince('b', counts(1, 0), false);
    counters.deltaSince('a', counts(2, 0), false);
    counters.deltaSince('c', counts(1, 0), false);
    expect(counters.size).toBe(2);
    expect(counters.evictions).toBe(1);
    expect(counters.deltaSince('a', counts(3, 0), false)).toEqual(counts(1, 0));
    expect(counters.deltaSince('b', counts(2, 0), false)).toEqual(counts(2, 0));
    expect(counters.evictions).toBe(2);
  });

  test('any number of keys', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(9)), (max, keys) => {
        const counters = new CumulativeCounters(max);
        for (const key of keys) {
          counters.deltaSince(`${key}`, counts(1, 0), false);
          expect(counters.size).toBeLessThanOrEqual(max);
        }
        expect(counters.size).toBe(Math.min(max, new Set(keys).size));
      }),
    );
  });
});
