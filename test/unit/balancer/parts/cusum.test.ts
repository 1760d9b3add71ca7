import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cusum } from '../../../../agent/src/balancer/cusum.ts';

const LIMIT = 7;

describe('AD-7: the evidence against a host', () => {
  test('adds up to the limit and not beyond, and convicts there', () => {
    const cusum = new Cusum();
    expect([cusum.add(3, LIMIT), cusum.evidence]).toEqual([false, 3]);
    expect([cusum.add(3.9, LIMIT), cusum.evidence]).toEqual([false, 6.9]);
    expect([cusum.add(50, LIMIT), cusum.evidence]).toEqual([true, 7]);
    expect([cusum.add(-1, LIMIT), cusum.evidence]).toEqual([false, 6]);
  });

  test('reaches a limit that sinks', () => {
    const cusum = new Cusum();
    cusum.add(5, LIMIT);
    expect([cusum.add(0, 4), cusum.evidence]).toEqual([true, 4]);
  });

  test('property: good times store up no credit: after any reports, what convicts a new host convicts this one', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true })), reports => {
        const cusum = new Cusum();
        for (const report of reports) {
          cusum.add(report, LIMIT);
          expect(cusum.evidence).toBeGreaterThanOrEqual(0);
        }
        expect(cusum.add(LIMIT, LIMIT)).toBe(true);
      }),
    );
  });

  test('starts again from where it is told', () => {
    const cusum = new Cusum();
    cusum.add(6, LIMIT);
    cusum.restart(2);
    expect(cusum.evidence).toBe(2);
  });
});
