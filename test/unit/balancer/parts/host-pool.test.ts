import { describe, expect, test } from 'vitest';
import { chosen, everybody, joined, without } from '../../../../agent/src/balancer/host-pool.ts';

describe('a pool of hosts', () => {
  test.each([0, 1, 64, 65, 200])('of everybody has %i hosts in order', count => {
    expect(everybody(count)).toEqual(Array.from({ length: count }, (_, host) => host));
  });

  test('is shared by modules of as many hosts, also where it is chosen and all belong to it', () => {
    expect(everybody(5)).toBe(everybody(5));
    expect(chosen(5, () => true)).toBe(everybody(5));
    expect(chosen(5, host => host % 2 === 0)).toEqual([0, 2, 4]);
  });

  test('is not written to when a host comes or goes', () => {
    const all = everybody(3);
    expect([without(all, 1), joined(all, 7), all]).toEqual([
      [0, 2],
      [0, 1, 2, 7],
      [0, 1, 2],
    ]);
    expect(without(all, 9)).toBe(all);
  });
});
