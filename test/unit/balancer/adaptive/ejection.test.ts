import { describe, expect, test } from 'vitest';
import { Ejection } from '../../../../agent/src/balancer/adaptive/ejection.ts';

const LIMITS = { probeBackoffMinMs: 1_000, probeBackoffMaxMs: 10_000 };
const middle = () => 0.5;

function ejected(random = middle): Ejection {
  const ejection = new Ejection();
  ejection.start(LIMITS, false, random, 0);
  return ejection;
}

describe("AD-10: an ejected host's pauses", () => {
  test('double from the shortest to the longest, one failed probe after the other', () => {
    const ejection = ejected();
    const pauses = [ejection.pauseMs];
    for (let i = 0; i < 5; i++) {
      ejection.probeFailed(LIMITS, middle, i);
      pauses.push(ejection.pauseMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(ejection.failuresInRow).toBe(6);
  });

  test.each([
    [0, 750],
    [0.5, 1_000],
    [1, 1_250],
  ])('vary by a quarter to both sides: chance %f, %i ms', (chance, pauseMs) => {
    expect(ejected(() => chance).pauseMs).toBe(pauseMs);
  });

  test('end when they are over: a probe is due then', () => {
    const ejection = ejected();
    expect([ejection.isProbeDue(999), ejection.probeInMs(999)]).toEqual([false, 1]);
    expect([ejection.isProbeDue(1_000), ejection.probeInMs(1_000), ejection.probeInMs(5_000)]).toEqual([true, 0, 0]);
  });

  test('a probe that nobody reports is followed by another after the longest pause', () => {
    const ejection = ejected();
    ejection.probeSent(LIMITS, 1_000);
    expect(ejection.probing).toBe(true);
    expect([ejection.isProbeDue(10_999), ejection.isProbeDue(11_000)]).toEqual([false, true]);
    ejection.probeFailed(LIMITS, middle, 1_500);
    expect([ejection.probing, ejection.heardSinceMs, ejection.pauseMs]).toEqual([false, 1_500, 2_000]);
    // For people, the ejection goes on since it began.
    expect(ejection.ejectedAtMs).toBe(0);
  });

  test('begin again from the shortest when the host has been well for ten seconds and two of its last pauses', () => {
    for (const [wellMs, pauseMs] of [
      [10_000 + 2 * 2_000, 4_000],
      [10_000 + 2 * 2_000 + 1, 1_000],
    ] as const) {
      const ejection = ejected();
      ejection.probeFailed(LIMITS, middle, 1_000);
      ejection.end(3_000);
      expect(ejection.probing).toBe(false);
      ejection.start(LIMITS, false, middle, 3_000 + wellMs);
      expect(ejection.pauseMs).toBe(pauseMs);
    }
  });
});

test('AD-12: an ejection knows whether it was for silence, and each one anew', () => {
  const ejection = new Ejection();
  expect([ejection.forSilence, ejection.onProbation]).toEqual([false, false]);
  ejection.start(LIMITS, true, middle, 0);
  expect([ejection.isEjected, ejection.forSilence]).toEqual([true, true]);
  ejection.end(500);
  expect([ejection.isEjected, ejection.onProbation]).toEqual([false, true]);
  ejection.start(LIMITS, false, middle, 1_000);
  expect([ejection.forSilence, ejection.onProbation]).toEqual([false, false]);
});
