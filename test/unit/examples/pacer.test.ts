import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pacer } from '../../../examples/demo/pacer.ts';

test('turns taken together lie one interval apart, from now on', () => {
  const pacer = new Pacer(200);
  expect([pacer.take(70), pacer.take(70), pacer.take(71)]).toEqual([0, 5, 9]);
});

test('what was not called in time is not made up for', () => {
  const pacer = new Pacer(100);
  pacer.take(0);
  expect([pacer.take(1_000), pacer.take(1_000), pacer.take(1_000)]).toEqual([0, 10, 20]);
});

test('no time holds more turns than the rate allows', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000 }), fc.array(fc.nat(50), { minLength: 1, maxLength: 300 }), (rate, gaps) => {
      const pacer = new Pacer(rate);
      const turns: number[] = [];
      let nowMs = 0;
      for (const gapMs of gaps) {
        nowMs += gapMs;
        turns.push(nowMs + pacer.take(nowMs));
      }
      for (let i = 1; i < turns.length; i += 1) {
        expect((turns[i] as number) - (turns[i - 1] as number)).toBeGreaterThan(1_000 / rate - 1e-6);
      }
    }),
  );
});
