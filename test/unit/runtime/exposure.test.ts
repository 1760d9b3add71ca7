import { expect, test } from 'vitest';
import { exposedKeys, exposureWarning } from '../../../runtime/src/exposure.ts';

test('loopback is no exposure', () => {
  expect(exposureWarning('127.0.0.1', '[tcp] ip', 'a key')).toBeUndefined();
  expect(exposureWarning('127.0.1.1', '[tcp] ip', 'a key')).toBeUndefined();
  expect(exposedKeys({ tcp: '127.0.0.1:7779', udp: '127.0.0.1:1,2,3' }, '127.0.0.1')).toBeUndefined();
});

test('any other address is one, and the key is named', () => {
  expect(exposureWarning('0.0.0.0', '[tcp] ip', 'a key')).toMatch(
    /^other machines reach \[tcp\] ip = 0\.0\.0\.0, .* set a key, /,
  );
  expect(exposedKeys({ tcp: '0.0.0.0:7779', database: '10.0.0.1:3306' }, '127.0.0.1')).toBe('[tcp] ip = 0.0.0.0');
  expect(exposedKeys({ udp: '10.0.0.1:1,2,3' }, '0.0.0.0')).toBe('[udp] ip = 10.0.0.1, [http] ip = 0.0.0.0');
});

test('what is protected is none', () => {
  expect(exposedKeys({ tcp: '0.0.0.0:7779', security: 'TLS' }, '127.0.0.1')).toBeUndefined();
  expect(exposedKeys({ udp: '0.0.0.0:1,2,3', udpAllow: '10.0.0.0/8' }, '127.0.0.1')).toBeUndefined();
  expect(exposedKeys({ tcp: '0.0.0.0:7779', security: 'none' }, '127.0.0.1')).toBe('[tcp] ip = 0.0.0.0');
});
