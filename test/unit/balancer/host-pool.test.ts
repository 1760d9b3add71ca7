import { describe, expect, test } from 'vitest';
import { allHosts, hostsWhere, withHost, withoutHost } from '../../../agent/src/balancer/host-pool.ts';

describe('a pool of hosts', () => {
  test.each([0, 1, 64, 65, 200])('of allHosts has %i hosts in order', count => {
    expect(allHosts(count)).toEqual(Array.from({ length: count }, (_, host) => host));
  });

  test('is shared by modules of as many hosts, also where it is hostsWhere and all belong to it', () => {
    expect(allHosts(5)).toBe(allHosts(5));
    expect(hostsWhere(5, () => true)).toBe(allHosts(5));
    expect(hostsWhere(5, host => host % 2 === 0)).toEqual([0, 2, 4]);
  });

  test('is not written to when a host comes or goes', () => {
    const all = allHosts(3);
    expect([withoutHost(all, 1), withHost(all, 7), all]).toEqual([
      [0, 2],
      [0, 1, 2, 7],
      [0, 1, 2],
    ]);
    expect(withoutHost(all, 9)).toBe(all);
  });
});
