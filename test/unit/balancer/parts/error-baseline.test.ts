import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ErrorBaseline } from '../../../../agent/src/balancer/error-baseline.ts';
import { everybody } from '../../../../agent/src/balancer/host-pool.ts';
import { seededRandom } from '../world.ts';

const never = () => 0;

function refresh(baseline: ErrorBaseline, rates: readonly number[], random = never): void {
  baseline.refresh({ errorRateOf: host => rates[host] ?? Number.NaN }, everybody(rates.length), random);
}

function baselineOf(rates: readonly number[], random = never): ErrorBaseline {
  const baseline = new ErrorBaseline();
  refresh(baseline, rates, random);
  return baseline;
}

describe('AD-6: the normal error rate', () => {
  test.each([
    [[0.3], 0.3],
    [[0.5, 0.2], 0.2],
    [[0.4, 0.9, 0.2, 0.3], 0.2],
    [[0.4, 0.9, 0.2, 0.3, 0.6], 0.3],
    [[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], 0.3],
  ])('of %j is the worst of the best quarter: %f', (rates, normal) => {
    expect(baselineOf(rates).rate).toBe(normal);
  });

  test('is 1 % at least and 90 % at most', () => {
    expect(new ErrorBaseline().rate).toBe(0.01);
    expect(baselineOf([0, 0, 0.5]).rate).toBe(0.01);
    expect(baselineOf([1, 1, 1]).rate).toBe(0.9);
  });

  test('property: of up to 32 hosts all are looked at', () => {
    const rates = fc.array(fc.double({ min: 0.01, max: 0.9, noNaN: true }), { minLength: 1, maxLength: 32 });
    fc.assert(
      fc.property(rates, errorRates => {
        const sorted = [...errorRates].sort((a, b) => a - b);
        expect(baselineOf(errorRates).rate).toBe(sorted[(sorted.length - 1) >> 2]);
      }),
    );
  });

  test('of many hosts is that of a sample, which is spread over all of them', () => {
    const rates = Array.from({ length: 1_000 }, (_, i) => i / 1_000);
    const random = seededRandom(5);
    const normal = Array.from({ length: 200 }, () => baselineOf(rates, random).rate);
    for (const rate of normal) expect(rate).toBeCloseTo(0.23, 1);
    expect(new Set(normal).size).toBeGreaterThan(20);
    // A stride that is rounded up must not lead past the end of the list.
    expect(baselineOf(rates, () => 1 - 2 ** -53).rate).toBeLessThan(0.3);
  });

  test('is that of the pool', () => {
    const baseline = new ErrorBaseline();
    baseline.refresh({ errorRateOf: host => [0.5, 0.02, 0.3][host] ?? Number.NaN }, [0, 2], never);
    expect(baseline.rate).toBe(0.3);
  });

  test('is looked at again after half as many reports as hosts are looked at', () => {
    const baseline = baselineOf([0.1, 0.1, 0.1, 0.1]);
    const rates = [1, 2, 3].map(() => {
      refresh(baseline, [0.2, 0.2, 0.2, 0.2]);
      return baseline.rate;
    });
    expect(rates).toEqual([0.1, 0.1, 0.2]);
  });
});

describe('AD-7: what a report is worth', () => {
  test.each([0.001, 0.01, 0.02])('with a normal rate of %f the third failure in a row convicts, the second does not', rate => {
    const baseline = baselineOf([rate]);
    expect(2 * baseline.evidenceOf(false)).toBeLessThan(baseline.limit);
    expect(3 * baseline.evidenceOf(false)).toBeGreaterThanOrEqual(baseline.limit);
  });

  test.each([0.01, 0.1, 0.5, 0.9])('is the log of the likelihood ratio of "25 points more" to a normal rate of %f', rate => {
    const baseline = baselineOf([rate]);
    const bad = Math.min(0.97, rate + 0.25);
    expect(baseline.evidenceOf(false)).toBeCloseTo(Math.log(bad / rate), 12);
    expect(baseline.evidenceOf(true)).toBeCloseTo(Math.log((1 - bad) / (1 - rate)), 12);
  });

  test.each([
    [0.01, 7],
    [0.02, 7],
    [0.12, 14],
    [0.52, 42],
  ])('with a normal rate of %f %f nats convict: errors of a busy module come in bursts', (rate, limit) => {
    expect(baselineOf([rate]).limit).toBeCloseTo(limit, 10);
  });
});
