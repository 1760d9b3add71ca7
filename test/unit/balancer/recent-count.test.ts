import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecentCount } from '../../../agent/src/balancer/recent-count.ts';

test('it counts the last 10 to 20 seconds: none that is older, none of the last ten missing', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 60 }), pauses => {
      const count = new RecentCount();
      const atMs: number[] = [];
      let nowMs = 1e6;
      for (const pause of pauses) {
        nowMs += pause;
        count.add(nowMs);
        atMs.push(nowMs);
        const within = (ms: number) => atMs.filter(at => nowMs - at < ms).length;
        expect(count.get(nowMs)).toBeGreaterThanOrEqual(within(10_000));
        expect(count.get(nowMs)).toBeLessThanOrEqual(within(20_000));
      }
      expect(count.get(nowMs + 20_000)).toBe(0);
    }),
  );
});
