import { describe, expect, test } from 'vitest';
import { lowerQuartile, sampleOthers } from '../../../../agent/src/balancer/adaptive/siblings.ts';
import { allHosts } from '../../../../agent/src/balancer/host-pool.ts';

describe('AD-9: the others', () => {
  test.each([
    { values: [0, 0, 0, 0], quartile: 0 },
    { values: [4, 3, 2, 1], quartile: 2 },
    { values: [8, 7, 6, 5, 4, 3, 2, 1], quartile: 3 },
    { values: [9, 4], quartile: 4 },
    { values: [4], quartile: 4 },
    { values: [], quartile: Number.POSITIVE_INFINITY },
  ])('the lower quartile of $values is $quartile', ({ values, quartile }) => {
    expect(lowerQuartile(values)).toBe(quartile);
  });

  test('all but the host itself are compared with', () => {
    expect(sampleOthers(allHosts(4), 2, () => 0.9)).toEqual([0, 1, 3]);
    expect(sampleOthers(allHosts(1), 0, () => 0.9)).toEqual([]);
  });

  test('of very many a sample is looked at, from a place that the dice choose', () => {
    const pool = allHosts(10_000);
    const samples = [0, 0.4, 0.999].map(random => sampleOthers(pool, 0, () => random));
    for (const sample of samples) {
      expect(sample.length).toBeGreaterThan(25);
      expect(sample.length).toBeLessThan(40);
      expect(sample).not.toContain(0);
    }
    expect(new Set(samples.flat()).size).toBeGreaterThan(60);
  });
});
