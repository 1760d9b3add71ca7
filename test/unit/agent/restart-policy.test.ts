import { expect, test } from 'vitest';
import { RestartPolicy } from '../../../agent/src/threads/restart-policy.ts';

test('so many deaths within the window are forgiven, one more is not', () => {
  const policy = new RestartPolicy(3, 60_000);
  expect([0, 1, 2, 3].map(second => policy.mayRestart(second * 1_000))).toEqual([true, true, true, false]);
});

test('deaths that are a window old do not count any more', () => {
  const policy = new RestartPolicy(1, 60_000);
  expect([0, 60_000, 120_000].map(nowMs => policy.mayRestart(nowMs))).toEqual([true, true, true]);
  expect(policy.mayRestart(179_999)).toBe(false);
});

test('a thread that dies now and then is started again for ever', () => {
  const policy = new RestartPolicy(5, 60_000);
  for (let death = 0; death < 1_000; death++) expect(policy.mayRestart(death * 12_001)).toBe(true);
});

test('where no death is allowed the first one is the last', () => {
  expect(new RestartPolicy(0, 1_000).mayRestart(5)).toBe(false);
});
