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
