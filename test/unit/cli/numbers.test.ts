import { describe, expect, test } from 'vitest';
import { formatCount, formatDuration, formatShare } from '../../../cli/src/output/numbers.ts';

describe('numbers for people', () => {
  test.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [1_234_567, '1,234,567'],
    [100_000_000, '100,000,000'],
  ])('%d is %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  test.each([
    [0, 5, '0.0%'],
    [1, 8, '12.5%'],
    [2, 3, '66.7%'],
    [5, 5, '100.0%'],
    [0, 0, '-'],
  ])('%d of %d is %s', (part, whole, text) => {
    expect(formatShare(part, whole)).toBe(text);
  });

  test.each([
    [0, '0s'],
    [0.9, '0s'],
    [59, '59s'],
    [60, '1m'],
    [62, '1m 2s'],
    [3_600, '1h'],
    [3_605, '1h'],
    [3_725, '1h 2m'],
    [86_400, '1d'],
    [93_784, '1d 2h'],
    [86_400 * 400 + 59, '400d'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});
