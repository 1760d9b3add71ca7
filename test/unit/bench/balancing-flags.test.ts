import { describe, expect, test } from 'vitest';
import { parseFlags } from '../../../bench/balancing/flags.ts';
import { PLANS } from '../../../bench/balancing/scenarios/all.ts';

describe('what is played', () => {
  test('everything, unless told otherwise', () => {
    expect(parseFlags([])).toEqual({ plans: PLANS, seeds: [1, 2, 3, 4, 5], worlds: 200, detail: false, writes: true });
  });

  test('the scenarios that are named, in that order', () => {
    expect(parseFlags(['--scenario', 'flapping,bursts']).plans.map(plan => plan.name)).toEqual(['flapping', 'bursts']);
    expect(parseFlags(['--scenario', 'flapping,bursts']).worlds).toBe(0);
  });

  test('one seed when it must be quick, from another number when told', () => {
    expect(parseFlags(['--quick'])).toMatchObject({ seeds: [1], worlds: 20 });
    expect(parseFlags(['--seed', '40']).seeds).toEqual([40, 41, 42, 43, 44]);
  });
});

test.each(['--print', '--quick', '--seed=2', '--scenario=bursts'])('%s writes no page', flag => {
  expect(parseFlags([flag]).writes).toBe(false);
});

test.each([
  ['--scenario=storm', "--scenario: 'storm' is none of stop-and-return, "],
  ['--seed=1.5', "--seed: '1.5' is no whole number"],
  ['--seed=-1', "--seed: '-1' is no whole number"],
  ['--sead=1', "Unknown option '--sead'"],
])('%s is refused', (flag, message) => {
  expect(() => parseFlags([flag])).toThrow(message);
});
