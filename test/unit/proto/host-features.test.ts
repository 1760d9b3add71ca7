import { Feature, isUnderstood, neededFeatures } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { hostInfo, namedHost } from '../../support/agent-messages.ts';

const { HostAddr, Drain } = Feature;

describe('a host is told to who understands all of it', () => {
  test.each([
    ['an address', hostInfo(1), 0],
    ['an address with weight and zone', hostInfo(1, { weight: 7, zone: 'eu' }), 0],
    ['a name', namedHost('db.example'), HostAddr],
    ['an address that drains', hostInfo(1, { drain: true }), Drain],
    ['a name that drains', { ...namedHost('db.example'), drain: true }, HostAddr | Drain],
  ])('%s', (_, host, needed) => {
    expect(neededFeatures(host)).toBe(needed);
    const understanding = [0, 1, 2, 3, 0xffff_fffc, 0xffff_ffff].filter(features => isUnderstood(host, features));
    expect(understanding).toEqual([0, 1, 2, 3, 0xffff_fffc, 0xffff_ffff].filter(features => (features & needed) === needed));
  });
});
