import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LatencyHistogram } from '../../../cli/src/bench/latency-histogram.ts';
import { median } from '../../../cli/src/bench/median.ts';

const times = fc.array(fc.double({ min: 0.0001, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 300 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe('the latency histogram', () => {
  test('tells every quantile with an error below 1.6 percent, or half a tick', () => {
    fc.assert(
      fc.property(times, share, (values, at) => {
        const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(at * values.length)) - 1] as number;
        const measured = histogramOf(values).quantile(at);
        expect(Math.abs(measured - exact)).toBeLessThanOrEqual(Math.max(exact * 0.016, 0.000051));
      }),
    );
  });

  test('is the same whether its times were recorded here or there', () => {
    fc.assert(
      fc.property(times, times, share, (here, there, at) => {
        const sum = histogramOf(here);
        sum.add(histogramOf(there));
        const all = histogramOf([...here, ...there]);
        expect(sum.count).toBe(all.count);
        expect(sum.quantile(at)).toBe(all.quantile(at));
      }),
    );
  });

  test('counts a time that many had for each of them', () => {
    const histogram = histogramOf([1]);
    histogram.record(20, 99);
    expect(histogram.count).toBe(100);
    expect(histogram.quantile(0.01)).toBeCloseTo(1, 1);
    expect(histogram.quantile(0.02)).toBeCloseTo(20, 0);
  });

  test.each([
    ['nothing', [], Number.NaN],
    ['a time below the smallest', [-3], 0],
    ['a time beyond the largest', [1e12], 214_748],
  ])('of %s', (_what, values, expected) => {
    const measured = histogramOf(values).quantile(0.5);
    if (Number.isNaN(expected)) expect(measured).toBeNaN();
    else expect(Math.abs(measured - expected)).toBeLessThanOrEqual(expected * 0.016);
  });
});

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 2, 3], 2.5],
  [[7], 7],
  [[], Number.NaN],
])('the median of %j', (values, expected) => {
  expect(median(values)).toBe(expected);
});
