import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Latencies } from '../../../examples/demo/latencies.ts';

function of(times: readonly number[]): Latencies {
  const latencies = new Latencies();
  for (const ms of times) latencies.add(ms);
  return latencies;
}

test('of no calls, nothing is known', () => expect(of([]).quantile(0.5)).toBeUndefined());

test.each([
  [[8], 0.99, 8],
  [[1, 2, 3, 4], 0.5, 2],
  [[4, 3, 2, 1], 0.75, 3],
  [[1, 2, 3, 4], 0.76, 4],
  [Array.from({ length: 100 }, (_, i) => i + 1), 0.99, 99],
  [[0, 0, 0, 900], 1, 900],
])('of %j the quantile %f is about %f', (times, q, expected) => {
  const quantile = of(times).quantile(q) ?? 0;
  expect(quantile).toBeGreaterThan(expected * 0.999);
  expect(quantile).toBeLessThan(expected * 1.011);
});

test('a quantile is that of the sorted times, and at most 1 % more', () => {
  const times = fc.array(fc.double({ min: 0.01, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (ms, q) => {
      const exact = [...ms].sort((a, b) => a - b)[Math.max(1, Math.ceil(q * ms.length)) - 1] as number;
      const quantile = of(ms).quantile(q) as number;
      expect(quantile).toBeGreaterThan(exact * 0.999_999);
      expect(quantile).toBeLessThan(exact * 1.010_001);
    }),
  );
});
