import { describe, expect, test } from 'vitest';
import { networks } from '../../../../runtime/src/config/config.ts';
import { isInNetwork, parseNetworks } from '../../../../runtime/src/udp/networks.ts';

const field = networks({ default: '', meaning: 'Who may ask.' });

describe('a list of networks', () => {
  test.each([
    ['', ''],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.0.0.0/8,192.168.1.7', '10.0.0.0/8, 192.168.1.7'],
    [' 255.255.255.255/32 , 0.0.0.0/0', '255.255.255.255, 0.0.0.0/0'],
  ])('%s is one', (text, value) => {
    expect(field.parse(text)).toBe(value);
    expect(field.parse(field.format(value))).toBe(value);
    expect(field.explain?.(text)).toBeUndefined();
  });

  test.each([
    ['10.0.0.0/33', "'10.0.0.0/33' is no IPv4 network"],
    ['10.0.0.0/8, 10.0.0/8', "'10.0.0/8' is no IPv4 network"],
    ['10.0.0.0/8/8', "'10.0.0.0/8/8' is no IPv4 network"],
    ['10.0.0.0/', "'10.0.0.0/' is no IPv4 network"],
    ['10.0.0.0/-1', "'10.0.0.0/-1' is no IPv4 network"],
    ['localhost', "'localhost' is no IPv4 network"],
    ['::1', "'::1' is no IPv4 network"],
    ['10.0.0.0/8,,', 'an entry between commas is empty'],
    ['10.1.2.3/8', "'10.1.2.3/8' has bits behind its first 8: is 10.0.0.0/8 meant?"],
    ['10.0.0.0 192.168.0.0', "'10.0.0.0 192.168.0.0' is no IPv4 network"],
  ])('%s is none', (text, why) => {
    expect(field.parse(text)).toBeUndefined();
    expect(field.explain?.(text)).toBe(why);
  });

  test.each([
    ['10.0.0.0/8', 0x0a00_0000, true],
    ['10.0.0.0/8', 0x0aff_ffff, true],
    ['10.0.0.0/8', 0x0b00_0000, false],
    ['10.0.0.0/8', 0x09ff_ffff, false],
    ['192.168.1.128/25', 0xc0a8_0180, true],
    ['192.168.1.128/25', 0xc0a8_017f, false],
    ['255.255.255.255', 0xffff_ffff, true],
    ['255.255.255.255', 0xffff_fffe, false],
    ['0.0.0.0/0', 0xffff_ffff, true],
    ['128.0.0.0/1', 0x7fff_ffff, false],
    ['128.0.0.0/1', 0x8000_0000, true],
  ])('%s and %i: %s', (text, ip, isIn) => {
    expect((parseNetworks(text) ?? []).some(network => isInNetwork(network, ip))).toBe(isIn);
  });
});
