import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SendTimes } from '../../../../agent/src/balancer/adaptive/send-times.ts';

type Step =
  | { readonly kind: 'add'; readonly afterMs: number }
  | { readonly kind: 'settle' | 'forgetBefore' | 'oldestSince'; readonly agoMs: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), afterMs: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('settle' as const), agoMs: fc.integer({ min: -5, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('forgetBefore', 'oldestSince'), agoMs: fc.nat(60) }) },
);

/** The same on a plain array. */
class Model {
  sent: number[] = [];

  settle(atMs: number): void {
    const distances = this.sent.map(one => Math.abs(one - atMs));
    const closest = Math.min(...distances);
    // Of two that are equally close, the older one.
    const index = distances.indexOf(closest);
    if (index >= 0) this.sent.splice(index, 1);
  }

  oldestSince(sinceMs: number): number | undefined {
    return this.sent.find(one => one >= sinceMs) ?? this.sent.at(-1);
  }
}

function added(sent: readonly number[]): SendTimes {
  const inFlight = new SendTimes();
  for (const atMs of sent) inFlight.add(atMs);
  return inFlight;
}

/** When the calls were sent, oldest first; they are forgotten. */
function drain(inFlight: SendTimes): number[] {
  const sent: number[] = [];
  while (inFlight.count > 0) {
    sent.push(inFlight.oldestMs);
    inFlight.settle(Number.NEGATIVE_INFINITY);
  }
  return sent;
}

describe('AD-4: calls in flight', () => {
  test.each([
    { reported: 10, left: [20, 30, 40] },
    { reported: 24, left: [10, 30, 40] },
    { reported: 26, left: [10, 20, 40] },
    { reported: 25, left: [10, 30, 40] },
    { reported: 0, left: [20, 30, 40] },
    { reported: 99, left: [10, 20, 30] },
  ])('a report on a call of $reported takes out the one that was sent closest to it', ({ reported, left }) => {
    const inFlight = added([10, 20, 30, 40]);
    inFlight.settle(reported);
    expect(drain(inFlight)).toEqual(left);
  });

  test('those that were sent before a time are given up, those at that time are not', () => {
    const inFlight = added([10, 20, 30]);
    inFlight.forgetBefore(20);
    expect(drain(inFlight)).toEqual([20, 30]);
  });

  test('AD-5: the oldest since a time; where all are older, the newest', () => {
    const inFlight = added([10, 20, 30]);
    expect([15, 20, 31].map(sinceMs => inFlight.oldestSince(sinceMs))).toEqual([20, 20, 30]);
  });

  test('of more than 4,096 the oldest are forgotten', () => {
    const inFlight = added(Array.from({ length: 5_000 }, (_, i) => i));
    expect(inFlight.count).toBe(4_096);
    expect(inFlight.oldestMs).toBe(5_000 - 4_096);
    inFlight.forgetBefore(4_990);
    expect(drain(inFlight)).toEqual(Array.from({ length: 10 }, (_, i) => 4_990 + i));
  });

  test('nothing in flight: a report takes out nothing', () => {
    const inFlight = new SendTimes();
    inFlight.settle(5);
    inFlight.forgetBefore(5);
    expect(inFlight.count).toBe(0);
  });

  test('one that was released is acquired again, and empty; of those that have grown much the memory is let go', () => {
    const small = SendTimes.acquire();
    for (const atMs of [1, 2, 3, 4]) small.add(atMs);
    SendTimes.release(small);
    expect(SendTimes.acquire()).toBe(small);
    expect(small.count).toBe(0);
    const grown = added(Array.from({ length: 65 }, (_, i) => i));
    SendTimes.release(grown);
    expect(SendTimes.acquire()).not.toBe(grown);
  });

  test('property: as a plain list of times', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), steps => {
        const inFlight = new SendTimes();
        const model = new Model();
        let nowMs = 0;
        for (const one of steps) {
          if (one.kind === 'add') {
            nowMs += one.afterMs;
            inFlight.add(nowMs);
            model.sent.push(nowMs);
          } else if (one.kind === 'oldestSince') {
            if (inFlight.count > 0) expect(inFlight.oldestSince(nowMs - one.agoMs)).toBe(model.oldestSince(nowMs - one.agoMs));
          } else {
            inFlight[one.kind](nowMs - one.agoMs);
            if (one.kind === 'settle') model.settle(nowMs - one.agoMs);
            else model.sent = model.sent.filter(sent => sent >= nowMs - one.agoMs);
          }
          expect(inFlight.count).toBe(model.sent.length);
        }
        expect(drain(inFlight)).toEqual(model.sent);
      }),
    );
  });
});
