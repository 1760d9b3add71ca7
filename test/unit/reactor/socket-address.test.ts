import { expect, test } from 'vitest';
import { ADDRESS_BYTES_MAX, putAddress, readAddress } from '../../../reactor/src/linux/socket-address.ts';

test.each([
  ['0.0.0.0', '0.0.0.0'],
  ['127.0.0.1', '127.0.0.1'],
  ['255.254.253.252', '255.254.253.252'],
  ['::', '::'],
  ['::1', '::1'],
  ['fe80::', 'fe80::'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:DB8::a:0:0:0:1', '2001:db8:0:a::1'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
  ['10:0:0:20::', '10:0:0:20::'],
  ['::ffff:10.1.2.3', '::ffff:10.1.2.3'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
])('%s is written and read', (host, shown) => {
  const bytes = new Uint8Array(ADDRESS_BYTES_MAX);
  const length = putAddress(bytes, { kind: 'inet', host, port: 54_321 });
  expect(length).toBe(host.includes(':') ? 28 : 16);
  expect(readAddress(bytes, length)).toEqual({ family: host.includes(':') ? 'ipv6' : 'ipv4', host: shown, port: 54_321 });
});

test.each(['/run/x', `/${'ä'.repeat(53)}`, 'relative'])('the path %s is written and read', path => {
  const bytes = new Uint8Array(ADDRESS_BYTES_MAX).fill(7);
  const length = putAddress(bytes, { kind: 'path', path });
  expect(readAddress(bytes, length)).toEqual({ family: 'unix', host: path, port: 0 });
});

test('a socket without a name has none', () => {
  expect(readAddress(Uint8Array.of(1, 0), 2)).toEqual({ family: 'unix', host: '', port: 0 });
});
