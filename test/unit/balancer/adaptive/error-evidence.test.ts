import { describe, expect, test } from 'vitest';
import { ErrorEvidence } from '../../../../agent/src/balancer/adaptive/error-evidence.ts';
import { seededRandom } from '../world.ts';

/** Calm until now: a thousand successes, and then none of the following is learned from a suspected host. */
const calm = () => new ErrorEvidence(1_000);

describe('AD-7: what a report is worth', () => {
  test('a failure is as much evidence as it is likelier where 25 points more err, a success as much against it', () => {
    const evidence = calm();
    expect(evidence.normalRate).toBe(0.01);
    expect(evidence.failure).toBeCloseTo(Math.log(0.26 / 0.01), 10);
    const before = evidence.add(6, true);
    expect(before - 6).toBeCloseTo(Math.log(0.74 / 0.99), 10);
  });

  test('good times store up no credit: evidence is never below zero', () => {
    const evidence = calm();
    let against = 0;
    for (let i = 0; i < 10_000; i++) against = evidence.add(against, true);
    expect(against).toBe(0);
  });

  test('the limit is 7 nats, and 1.2 more for each e-fold of answers a second', () => {
    const evidence = calm();
    expect(evidence.limit(0)).toBe(7);
    expect(evidence.lowestLimit).toBe(7);
    for (const perSec of [1, 10, 100_000]) expect(evidence.limit(perSec) - 7).toBeCloseTo(1.2 * Math.log(1 + perSec), 10);
  });

  test('a failure is worth less, and the limit is higher, where errors are normal', () => {
    const evidence = calm();
    const { failure, lowestLimit } = evidence;
    for (let i = 0; i < 5_000; i++) evidence.add(0, i % 10 !== 0);
    expect(evidence.normalRate).toBeGreaterThan(0.08);
    expect(evidence.normalRate).toBeLessThan(0.12);
    expect(evidence.failure).toBeLessThan(0.5 * failure);
    expect(evidence.lowestLimit).toBeGreaterThan(1.3 * lowestLimit);
  });
});

describe('AD-6: what is normal', () => {
  test.each([0.02, 0.05, 0.2])('is what hosts do that are not suspected: %f', rate => {
    const evidence = calm();
    const random = seededRandom(3);
    for (let i = 0; i < 20_000; i++) evidence.add(0, random() >= rate);
    expect(Math.abs(evidence.normalRate - rate)).toBeLessThan(0.25 * rate + 0.01);
  });

  test('suspected hosts do not say what it is', () => {
    const evidence = calm();
    for (let i = 0; i < 1_000; i++) evidence.add(0.6 * evidence.lowestLimit, false);
    expect(evidence.normalRate).toBe(0.01);
  });

  test('where most are suspected all say what it is, until the evidence against one of them is 0', () => {
    const evidence = calm();
    const failOfSuspected = () => {
      for (let i = 0; i < 100; i++) evidence.add(0.6 * evidence.lowestLimit, false);
      return evidence.normalRate;
    };
    evidence.share();
    const shared = failOfSuspected();
    expect(shared).toBeGreaterThan(0.05);
    expect(evidence.add(0, true)).toBe(0);
    const afterwards = evidence.normalRate;
    expect(failOfSuspected()).toBe(afterwards);
  });

  test('the first failures of a young module do not make errors normal', () => {
    const evidence = new ErrorEvidence(0);
    let against = 0;
    for (let i = 0; i < 3; i++) against = evidence.add(against, false);
    expect(evidence.normalRate).toBeLessThan(0.03);
    expect(against).toBeGreaterThan(7);
  });
});

describe('AD-13: calls lost to standing queues', () => {
  test('many are overload, one that is barely slow is not', () => {
    const evidence = calm();
    const losses: boolean[] = [];
    for (let i = 0; i < 10; i++) losses.push(evidence.addQueueLoss(1, true, 0));
    expect(losses[0]).toBe(false);
    expect(losses.at(-1)).toBe(true);
  });

  test.each([
    { isCommon: true, atOnce: true },
    { isCommon: false, atOnce: false },
  ])('one that took very long is enough where others have queues too: $isCommon', ({ isCommon, atOnce }) => {
    const evidence = calm();
    expect(evidence.addQueueLoss(100, isCommon, 0)).toBe(atOnce);
    expect(evidence.addQueueLoss(100, isCommon, 0)).toBe(true);
  });

  test('a loss counts the more the longer it took, and busy modules need more of them', () => {
    const needed = (slowness: number, perSec: number) => {
      const evidence = calm();
      let losses = 1;
      while (!evidence.addQueueLoss(slowness, true, perSec)) losses += 1;
      return losses;
    };
    expect(needed(1, 0)).toBeGreaterThan(needed(2.5, 0));
    expect(needed(1, 10_000)).toBeGreaterThan(needed(1, 0));
  });

  test('successes are evidence against it', () => {
    const evidence = calm();
    for (let i = 0; i < 100; i++) {
      expect(evidence.addQueueLoss(1, true, 0)).toBe(false);
      for (let success = 0; success < 20; success++) evidence.add(0, true);
    }
  });
});
