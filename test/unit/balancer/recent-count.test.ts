import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countRecent, NO_EVENTS, recentCount } from '../../../agent/src/balancer/host-slots.ts';

test('it counts the last 10 to 20 seconds: none that is older, none of the last ten missing', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 60 }), pauses => {
      const cells = [7, ...NO_EVENTS, 8];
      const atMs: number[] = [];
      let nowMs = 1e6;
      for (const pause of pauses) {
        nowMs += pause;
        countRecent(cells, 1, 1, nowMs);
        atMs.push(nowMs);
        const within = (ms: number) => atMs.filter(at => nowMs - at < ms).length;
        expect(recentCount(cells, 1, nowMs)).toBeGreaterThanOrEqual(within(10_000));
        expect(recentCount(cells, 1, nowMs)).toBeLessThanOrEqual(within(20_000));
      }
      expect(recentCount(cells, 1, nowMs + 20_000)).toBe(0);
      expect([cells[0], cells[4]]).toEqual([7, 8]);
    }),
  );
});
