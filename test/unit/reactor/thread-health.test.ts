/** When a thread of a reactor server is said to hang. */
import { expect, test } from 'vitest';
import { ThreadHealth } from '../../../reactor/src/server/thread-health.ts';

/** Looks every 500 ms. */
function lookAll(health: ThreadHealth, looks: readonly (readonly [connections: number, beats: number])[], stepMs = 500) {
  return looks.map(([connections, beats], at) => health.look({ connections, beats }, at * stepMs));
}

const still = (count: number) => Array.from({ length: count }, () => [1, 7] as const);
const none = (count: number) => Array.from({ length: count }, () => undefined);

test('one that has connections and does not move for two seconds hangs, once, until it moves', () => {
  const health = new ThreadHealth(0);
  expect(lookAll(health, [...still(20), [1, 8], [1, 9]])).toEqual([...none(4), 'hangs', ...none(15), 'goes_on', undefined]);
});

test.each([
  ['it has no connections', Array.from({ length: 20 }, () => [0, 7] as const)],
  ['it moves', Array.from({ length: 20 }, (_, at) => [3, at] as const)],
])('none hangs while %s', (_, looks) => {
  expect(lookAll(new ThreadHealth(1), looks)).toEqual(none(20));
});

test('right after the whole process stood still nobody hangs', () => {
  expect(lookAll(new ThreadHealth(1), still(3), 60_000)).toEqual(none(3));
});

test('one that hangs for longer than it may is told once; another one in its place begins anew', () => {
  const health = new ThreadHealth(3_000);
  expect(lookAll(health, still(9))).toEqual([...none(4), 'hangs', undefined, 'too_long', ...none(2)]);
  health.reset();
  expect(health.isHanging).toBe(false);
  expect(lookAll(health, still(7))).toEqual([...none(4), 'hangs', undefined, 'too_long']);
});
