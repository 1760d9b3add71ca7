import { expect, test } from 'vitest';
import { Overload } from '../../../../agent/src/balancer/overload.ts';

test('AD-14: nothing is known before the first sign of overload', () => {
  const overload = new Overload();
  expect([overload.isRecent(0), overload.timeoutMs, overload.targetMs]).toEqual([false, 0, 0]);
});

test('AD-14: for a minute after the last sign the module counts as overloaded, and half the time that callers wait is the target', () => {
  const overload = new Overload();
  overload.see(1_000, 0);
  overload.see(800, 5_000);
  expect([64_999, 65_000].map(nowMs => overload.isRecent(nowMs))).toEqual([true, false]);
  expect([overload.timeoutMs, overload.targetMs]).toEqual([800, 400]);
});
