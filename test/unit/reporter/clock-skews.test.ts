import { describe, expect, test } from 'vitest';
import { ClockSkews } from '../../../reporter/src/ingest/clock-skews.ts';

const START = 1_000_000;

/** Reports every 15 s, each so much ahead as `aheadOf` says of its second. */
function reported(skews: ClockSkews, caller: number, seconds: number, aheadOf: (second: number) => number): number {
  for (let second = 0; second <= seconds; second += 15) skews.note(caller, START + second + aheadOf(second), START + second);
  return START + seconds;
}

describe('the clock of a machine', () => {
  test.each([
    ['ahead', 90],
    ['behind', -90],
  ])('that is %s is told', (_, aheadSec) => {
    const skews = new ClockSkews();
    const nowSec = reported(skews, 7, 120, () => aheadSec);
    expect(skews.worst(nowSec)).toEqual({ caller: 7, aheadSec });
  });

  test('is told to be ahead at once, for no delay makes a report come before it was made', () => {
    const skews = new ClockSkews();
    expect(skews.worst(reported(skews, 7, 0, () => 40))).toEqual({ caller: 7, aheadSec: 40 });
  });

  test('is not told to be behind by what waited while the link was down', () => {
    const skews = new ClockSkews();
    expect(skews.worst(reported(skews, 7, 30, () => -600))).toBeUndefined();
    const late = new ClockSkews();
    expect(late.worst(reported(late, 7, 180, second => (second % 60 === 0 ? -5 : -600)))).toBeUndefined();
  });

  test('that differs little, or is not heard of any more, is not told', () => {
    const skews = new ClockSkews();
    expect(skews.worst(reported(skews, 7, 180, () => -30))).toBeUndefined();
    const gone = new ClockSkews();
    expect(gone.worst(reported(gone, 7, 180, () => 90) + 300)).toBeUndefined();
  });

  test('that differs most is told; that of others is not', () => {
    const skews = new ClockSkews();
    for (const [caller, aheadSec] of [45, -200, 100].entries()) reported(skews, caller, 180, () => aheadSec);
    expect(skews.worst(START + 180)).toEqual({ caller: 1, aheadSec: -200 });
  });
});

test('however many machines report, so many are known, and who is silent makes room', () => {
  const skews = new ClockSkews();
  for (let caller = 0; caller < 10_000; caller++) skews.note(caller, START, START);
  skews.note(20_000, START + 90, START);
  expect(skews.worst(START)).toBeUndefined();
  skews.note(20_001, START + 1_090, START + 1_000);
  expect(skews.worst(START + 1_000)).toEqual({ caller: 20_001, aheadSec: 90 });
});
