import { describe, expect, test } from 'vitest';
import { ProbeBudget } from '../../../../agent/src/balancer/adaptive/probe-budget.ts';

describe('AD-11: the budget of probes', () => {
  test('has one for the first trouble', () => {
    const budget = new ProbeBudget(0.03);
    expect(budget.isEmpty).toBe(false);
    budget.spend();
    expect(budget.isEmpty).toBe(true);
  });

  test.each([
    { out: 1, of: 4, picks: 40 },
    { out: 2, of: 4, picks: 20 },
    { out: 5, of: 50, picks: 100 },
  ])('$out ejected of $of hosts, with a tenth of their share, earn a probe in $picks picks', ({ out, of, picks }) => {
    const budget = new ProbeBudget(0.1);
    budget.spend();
    let earned = 0;
    for (; budget.isEmpty; earned++) budget.earn(out, of);
    // A sum of decimal fractions may want one more.
    expect([picks, picks + 1]).toContain(earned);
  });

  test('saves up to three', () => {
    const budget = new ProbeBudget(0.5);
    for (let i = 0; i < 100; i++) budget.earn(1, 1);
    const spent = [1, 2, 3].map(() => {
      budget.spend();
      return budget.isEmpty;
    });
    expect(spent).toEqual([false, false, true]);
  });
});
