import { describe, expect, test } from 'vitest';
import {
  addDuration,
  believable,
  isSlowFailure,
  isTimeout,
  NEW_MODULE,
  SLOWEST_MS,
  staleAfterMs,
  TYPICAL_MS,
  throughAfterMs,
} from '../../../../agent/src/balancer/module-latency.ts';

function told(...durations: readonly number[]): number[] {
  const cells = NEW_MODULE.slice();
  for (const durationMs of durations) addDuration(cells, true, durationMs);
  return cells;
}

describe("how long a module's calls take", () => {
  test('knows nothing before the first report', () => {
    const cells = NEW_MODULE;
    expect([cells[TYPICAL_MS], cells[SLOWEST_MS], staleAfterMs(cells), throughAfterMs(cells)]).toEqual([0, 0, 5_000, 0]);
  });

  test('typical is the first success, and then follows by a fiftieth', () => {
    expect(told(10)[TYPICAL_MS]).toBe(10);
    expect(told(10, 60)[TYPICAL_MS]).toBeCloseTo(11, 10);
  });

  test('failures are not typical, but may be the slowest', () => {
    const cells = told(10);
    addDuration(cells, false, 1_000);
    expect([cells[TYPICAL_MS], cells[SLOWEST_MS]]).toEqual([10, 1_000]);
  });

  test('a thousand reports forget two thirds of the slowest', () => {
    const cells = told(3_000, ...new Array<number>(1_000).fill(1));
    expect((cells[SLOWEST_MS] as number) / 3_000).toBeCloseTo(1 / Math.E, 2);
  });

  test('AD-4: calls are lost after twice the slowest duration, 5 s at least, and through after 1.2 times it', () => {
    expect([staleAfterMs(told(1_000)), staleAfterMs(told(4_000))]).toEqual([5_000, 8_000]);
    expect(throughAfterMs(told(4_000))).toBe(4_800);
  });

  test('AD-8: a slow failure takes seven tenths of the slowest duration, or more', () => {
    const cells = told(1_000);
    expect([699, 700].map(durationMs => isSlowFailure(cells, durationMs))).toEqual([false, true]);
  });

  test('AD-13: a timeout takes as long as the slow failure before it, but for a twentieth', () => {
    const cells = NEW_MODULE.slice();
    expect([1_000, 1_040, 1_200, 1_141, 1_141].map(durationMs => isTimeout(cells, durationMs))).toEqual([
      false,
      true,
      false,
      false,
      true,
    ]);
  });
});

test.each([
  [0, 0.1],
  [0.5, 0.5],
  [60_000, 60_000],
  [2 ** 32 - 1, 60_000],
  [Number.POSITIVE_INFINITY, 60_000],
  [-5, 0.1],
])('of a duration of %f ms, %f are believed', (durationMs, believed) => {
  expect(believable(durationMs)).toBe(believed);
});
