import { describe, expect, test } from 'vitest';
import { SHIPPED_ALGORITHM } from '../../../examples/demo/algorithms.ts';
import { parseOptions } from '../../../examples/demo/options.ts';
import { TROUBLES } from '../../../examples/demo/troubles.ts';

const DEFAULTS = { show: 'outage', algorithm: SHIPPED_ALGORITHM, hosts: 4, ratePerSecond: 200, seed: 1, json: false };
const TROUBLED = {
  show: 'troubles',
  troubles: TROUBLES,
  troubleSeconds: 8,
  quietSeconds: 4,
  hosts: 5,
  ratePerSecond: 200,
  seed: 1,
  json: false,
};
const [ALL_WELL, BROWN_OUT, , STOPPED] = TROUBLES;

describe('the flags of the demo', () => {
  test.each([
    [['--seconds', '1.5'], { phaseSeconds: [1.5, 1.5, 1.5] }],
    [
      ['--hosts=50', '--rate', '2000', '--seed', '4294967295', '--json'],
      { hosts: 50, ratePerSecond: 2_000, seed: 4_294_967_295, json: true, phaseSeconds: expect.any(Array) },
    ],
    [['--algorithm', 'adaptive'], { algorithm: 'adaptive', phaseSeconds: [6, 10, 14] }],
    [['--algorithm', 'classic'], { algorithm: 'classic', phaseSeconds: [6, 18, 10] }],
    [['--algorithm=classic', '--seconds=2'], { algorithm: 'classic', phaseSeconds: [2, 2, 2] }],
    [
      ['--hosts', '2', '--rate', '1', '--seed', '0', '--seconds', '0.5'],
      { hosts: 2, ratePerSecond: 1, seed: 0, phaseSeconds: [0.5, 0.5, 0.5] },
    ],
  ])('%j', (args, expected) => {
    expect(parseOptions(args)).toEqual({ kind: 'options', options: { ...DEFAULTS, ...expected } });
  });

  test('without any, the algorithm runs that the agent is shipped with', () => {
    expect(parseOptions([])).toEqual(parseOptions(['--algorithm', SHIPPED_ALGORITHM]));
  });

  test.each([
    [[], {}],
    [['--seconds', '2'], { troubleSeconds: 2, quietSeconds: 2 }],
    [['--hosts=2', '--rate', '20', '--seed', '0', '--json'], { hosts: 2, ratePerSecond: 20, seed: 0, json: true }],
    [['--only', 'stopped, brown-out,all-well'], { troubles: [STOPPED, BROWN_OUT, ALL_WELL] }],
  ])('--troubles %j', (args, expected) => {
    expect(parseOptions(['--troubles', ...args])).toEqual({ kind: 'options', options: { ...TROUBLED, ...expected } });
  });

  test.each([
    [['--algorithm', 'magic'], '--algorithm magic: expected adaptive or classic'],
    [['--troubles', '--algorithm', 'classic'], '--algorithm: the --troubles show both'],
    [['--only', 'slow'], '--only: it chooses among the --troubles'],
    [
      ['--troubles', '--only', 'slow,dead'],
      '--only slow,dead: expected some of all-well, brown-out, slow, stopped, flapping, unequal',
    ],
    [['--troubles', '--only', ''], '--only : expected some of all-well, brown-out, '],
    [['--hosts', '1'], '--hosts 1: expected a whole number in 2..50'],
    [['--hosts', '51'], '--hosts 51: expected a whole number in 2..50'],
    [['--hosts', '2.5'], '--hosts 2.5: expected a whole number in 2..50'],
    [['--rate', 'fast'], '--rate fast: expected a whole number in 1..2000'],
    [['--seconds', ''], '--seconds : expected a number in 0.5..3600'],
    [['--seconds', 'NaN'], '--seconds NaN: expected a number in 0.5..3600'],
    [['--seed', '-1'], ''],
    [['--speed', '1'], "Unknown option '--speed'"],
    [['now'], "Unexpected argument 'now'"],
  ])('%j is refused in words', (args, problem) => {
    const parsed = parseOptions(args);
    expect(parsed).toMatchObject({ kind: 'problem', problem: expect.stringContaining(problem) });
  });

  test('--help names every flag and its default', () => {
    const help = parseOptions(['--help', '--json']);
    expect(help).toMatchObject({
      kind: 'help',
      text: expect.stringMatching(
        /--algorithm.*--troubles +all-well, brown-out, slow, .*--only.*--seconds.*6, 1\d, 1\d.* 8 and 4.*--hosts.*\(4;.* 5 .*--rate.*\(200;.* 200 .*--seed.*\(1\).*--json/s,
      ),
    });
  });
});
