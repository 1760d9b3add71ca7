import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { weighReport } from '../../../../agent/src/balancer/cusum.ts';

const LIMIT = 7;

describe('AD-7: the evidence against a host', () => {
  test.each([
    { evidence: 0, report: 3, expected: 3 },
    { evidence: 3, report: 3.9, expected: 6.9 },
    { evidence: 6.9, report: 50, expected: LIMIT },
    { evidence: LIMIT, report: -1, expected: 6 },
    { evidence: 1, report: -3, expected: 0 },
  ])(
    'adds up to the limit and not beyond, nor below 0: $evidence and $report are $expected',
    ({ evidence, report, expected }) => {
      expect(weighReport(evidence, report, LIMIT)).toBe(expected);
    },
  );

  test('reaches a limit that sinks', () => {
    expect(weighReport(5, 0, 4)).toBe(4);
  });

  test('property: good times store up no credit: after any reports, what convicts a new host convicts this one', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true })), reports => {
        let evidence = 0;
        for (const report of reports) {
          evidence = weighReport(evidence, report, LIMIT);
          expect(evidence).toBeGreaterThanOrEqual(0);
        }
        expect(weighReport(evidence, LIMIT, LIMIT)).toBe(LIMIT);
      }),
    );
  });
});
