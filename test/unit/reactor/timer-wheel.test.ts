import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TICK_MS, TimerWheel, WheelTimer } from '../../../reactor/src/timer-wheel.ts';

test('timers fire in order, never early, and within two ticks, near and far', () => {
  const delays = fc.array(fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 2_000_000 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(delays, fc.integer({ min: 1, max: 400 }), (all, stepMs) => {
      let nowMs = 1_000;
      const wheel = new TimerWheel(nowMs);
      const fired: { readonly delay: number; readonly atMs: number }[] = [];
      for (const delay of all) wheel.set(new WheelTimer(() => void fired.push({ delay, atMs: nowMs })), nowMs + delay);
      expect(wheel.size).toBe(all.length);
      while (wheel.size > 0) {
        nowMs += stepMs;
        wheel.advance(nowMs);
      }
      expect(fired).toHaveLength(all.length);
      for (const { delay, atMs } of fired) {
        expect(atMs).toBeGreaterThanOrEqual(1_000 + delay);
        expect(atMs).toBeLessThan(1_000 + delay + 2 * TICK_MS + stepMs);
      }
    }),
    { numRuns: 25 },
  );
});

test('a cancelled timer does not fire, one that is set anew fires once, and at its new time', () => {
  const wheel = new TimerWheel(0);
  const fired: string[] = [];
  const cancelled = new WheelTimer(() => fired.push('cancelled'));
  const moved = new WheelTimer(() => fired.push('moved'));
  wheel.set(cancelled, 50);
  wheel.set(moved, 5_000);
  wheel.set(moved, 100);
  wheel.cancel(cancelled);
  wheel.cancel(cancelled);
  expect(wheel.size).toBe(1);
  wheel.advance(90);
  expect(fired).toEqual([]);
  wheel.advance(10_000);
  expect(fired).toEqual(['moved']);
  expect(moved.isSet).toBe(false);
});

test('a timer that is set or cancelled while others fire is safe', () => {
  const wheel = new TimerWheel(0);
  const fired: string[] = [];
  const second = new WheelTimer(() => fired.push('second'));
  const again: WheelTimer = new WheelTimer(() => {
    fired.push('again');
    wheel.cancel(second);
    if (fired.length < 3) wheel.set(again, 0);
  });
  wheel.set(again, 20);
  wheel.set(second, 20);
  wheel.advance(20);
  expect(fired).toEqual(['again']);
  wheel.advance(30);
  wheel.advance(40);
  wheel.advance(50);
  expect(fired).toEqual(['again', 'again', 'again']);
  expect(wheel.size).toBe(0);
});

test('while it is quiet nothing is due, and it is quiet for as long as nothing can be', () => {
  const delays = fc.array(fc.integer({ min: 0, max: 6_000 }), { maxLength: 20 });
  fc.assert(
    fc.property(delays, fc.integer({ min: 1, max: 37 }), (all, stepMs) => {
      let nowMs = 1_000;
      let fired = 0;
      const countOne = () => {
        fired += 1;
      };
      const wheel = new TimerWheel(nowMs);
      const due = all.map(delay => nowMs + delay).toSorted((a, b) => a - b);
      for (const delay of all) wheel.set(new WheelTimer(countOne), nowMs + delay);
      let waits = 0;
      while (wheel.size > 0) {
        const quietMs = wheel.quietMs(nowMs, 100);
        const firedBefore = fired;
        wheel.advance(nowMs + Math.max(0, quietMs - 0.001));
        expect(fired).toBe(firedBefore);
        const nextMs = due.find(atMs => atMs > nowMs) ?? nowMs;
        expect(quietMs).toBeLessThanOrEqual(Math.max(0, nextMs - nowMs) + 2 * TICK_MS);
        waits += 1;
        nowMs += Math.max(quietMs, waits % 5 === 0 ? stepMs : 0);
        wheel.advance(nowMs);
      }
      // Once for each timer, for each 100 ms, and where the fine ring begins anew; and the waits that were cut short.
      expect(waits).toBeLessThanOrEqual(2 * (all.length + (nowMs - 1_000) / 100 + (nowMs - 1_000) / 2_560) + 10);
      expect(wheel.quietMs(nowMs, 100)).toBe(100);
    }),
    { numRuns: 100 },
  );
});
