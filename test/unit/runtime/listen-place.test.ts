/** Places to listen, as conf files and command lines write them. */
import { expect, test } from 'vitest';
import { parseInetPlace, parseListenPlace } from '../../../cli/src/arguments/listen-place.ts';
import { formatPlace, parsePlace } from '../../../runtime/src/listen-place.ts';

test.each([
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['[::1]:65535', { host: '::1', port: 65_535 }],
  ['unix:/run/a:b=c', { path: '/run/a:b=c' }],
])('%s is a place, and written as it was', (text, place) => {
  expect(parsePlace(text)).toStrictEqual(place);
  expect(formatPlace(place)).toBe(text);
});

test('localhost is the loopback address of IPv4', () => {
  expect(parsePlace('localhost:80')).toStrictEqual({ host: '127.0.0.1', port: 80 });
});

test.each(['127.0.0.1:70000', '1.2.3:4', '[127.0.0.1]:1', '::1:80', 'unix:', '', '[localhost]:1'])('%j is no place', text => {
  expect(parsePlace(text)).toBeTypeOf('string');
});

test('an option that says none is named', () => {
  expect(() => parseListenPlace('--listen', 'unix:')).toThrow("--listen: 'unix:' names no path");
  expect(() => parseListenPlace('--listen', '1.2.3.4:70000')).toThrow(
    "--listen: port 70000 in '1.2.3.4:70000' is not in 0..65535",
  );
  expect(() => parseInetPlace('--http', 'unix:s')).toThrow("--http: 'unix:s' is a UNIX socket: expected IP:PORT or [IPV6]:PORT");
});
