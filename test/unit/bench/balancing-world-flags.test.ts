import { describe, expect, test } from 'vitest';
import { parseSearchFlags, parseWorldFlags } from '../../../bench/balancing/world-flags.ts';
import { drawWorld } from '../../../bench/balancing/worlds/draw-world.ts';

describe('worlds', () => {
  test('are 300 of both kinds, of adaptive, unless told otherwise', () => {
    const { contender, ...rest } = parseWorldFlags([]);
    expect(contender.name).toBe('adaptive');
    expect(rest).toEqual({
      kinds: ['well', 'troubled'],
      habit: undefined,
      worlds: 300,
      from: 1,
      show: 12,
      replayed: undefined,
    });
  });

  test('are those that are told', () => {
    const flags = parseWorldFlags(['--kind=well', '--worlds', '1', '--from', '4711', '--habit', 'always-1-ms', '--show=0']);
    expect(flags).toMatchObject({ kinds: ['well'], worlds: 1, from: 4_711, habit: 'always 1 ms', show: 0 });
    expect(parseWorldFlags(['--cached']).contender.name).toBe('adaptive + SDK cache');
    expect(parseWorldFlags(['--algorithm', 'round-robin']).contender.name).toBe('round robin');
    expect(parseWorldFlags(['--habit', 'always 1 ms']).habit).toBe('always 1 ms');
  });

  test('may be one that was found', () => {
    const world = drawWorld(3, 'troubled');
    expect(parseWorldFlags(['--parameters', JSON.stringify(world)]).replayed).toEqual(world);
  });
});

test('a search has rounds and a seed', () => {
  expect(parseSearchFlags([])).toMatchObject({ rounds: 300, seed: 1, kinds: ['well', 'troubled'] });
  expect(parseSearchFlags(['--rounds=5', '--seed=2', '--kind=troubled'])).toMatchObject({
    rounds: 5,
    seed: 2,
    kinds: ['troubled'],
  });
});

test.each([
  ['--kind=wel', "--kind: 'wel' is none of well, troubled"],
  ['--habit=often', "--habit: 'often' is none of failures-only, successes-only, one-in-ten, "],
  ['--algorithm=best', "--algorithm: 'best' is none of adaptive, classic, round-robin"],
  ['--worlds=0', "--worlds: '0' is no whole number from 1 to 999999999"],
  ['--from=-1', "--from: '-1' is no whole number from 0"],
  ['--show=x', "--show: 'x' is no whole number from 0"],
  ['--parameters={}', "--parameters: 'kind' is missing"],
  ['--world=1', "Unknown option '--world'"],
])('%s is refused in one line', (flag, message) => {
  expect(() => parseWorldFlags([flag])).toThrow(message);
  expect(() => parseWorldFlags([flag])).not.toThrow('\n');
});

test.each([
  ['--rounds=0', "--rounds: '0' is no whole number from 1"],
  ['--seed=1.5', "--seed: '1.5' is no whole number from 0"],
])('%s is refused by a search', (flag, message) => {
  expect(() => parseSearchFlags([flag])).toThrow(message);
});

test('what is not measured with the cache is said to be', () => {
  expect(() => parseWorldFlags(['--algorithm=classic', '--cached'])).toThrow(
    "--cached: 'classic' is not measured with the SDK's cache",
  );
});
