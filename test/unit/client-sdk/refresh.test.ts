import { expect, test } from 'vitest';
import { MIN_REFRESH_GAP_MS, REFRESH_MS, RefreshSchedule } from '../../../client-sdk/src/cache/refresh.ts';

test('an answer that may not know of what happened meanwhile is followed by one query at once, and no more', () => {
  const schedule = new RefreshSchedule();
  schedule.onQuerySent(0);
  schedule.expedite();
  schedule.onAnswer(5, REFRESH_MS);
  expect([schedule.isDue(MIN_REFRESH_GAP_MS - 1), schedule.isDue(MIN_REFRESH_GAP_MS)]).toEqual([false, true]);
  schedule.onQuerySent(100);
  expect(schedule.isDue(100_000)).toBe(false);
  schedule.onAnswer(105, REFRESH_MS);
  expect([schedule.isDue(100 + REFRESH_MS - 1), schedule.isDue(100 + REFRESH_MS)]).toEqual([false, true]);
});
