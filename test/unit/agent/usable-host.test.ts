import { INT32_MAX, INT32_MIN } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { isUsableHost } from '../../../agent/src/dns/usable-host.ts';
import { hostInfo, namedHost } from '../../support/agent-messages.ts';

describe('a host of a route is usable', () => {
  test.each([
    ['with an address', hostInfo(80)],
    ['with a negative address', hostInfo(80, { ip: -1_062_731_343 })],
    ['with the largest port', hostInfo(65_535)],
    ['with a name', namedHost('db.example')],
    ['with an IPv6 address', namedHost('2001:db8::1')],
    ['with the longest name', namedHost('a'.repeat(253))],
    ['with a zone', hostInfo(80, { zone: 'Zürich' })],
  ])('%s', (_, host) => {
    expect(isUsableHost(host)).toBe(true);
  });
});

describe('a host of a route is not usable', () => {
  test.each([0, -1, 65_536, INT32_MAX, INT32_MIN])('with port %i', port => {
    expect(isUsableHost(hostInfo(port))).toBe(false);
  });

  test.each([
    ['without address and name', hostInfo(80, { ip: 0 })],
    ['with a name that is too long', namedHost('a'.repeat(254))],
    ['with a name that is no ASCII', namedHost('zürich.example')],
    ['with a name of several words', namedHost('db example')],
    ['with an endless zone', hostInfo(80, { zone: 'z'.repeat(256) })],
  ])('%s', (_, host) => {
    expect(isUsableHost(host)).toBe(false);
  });
});
